// The words and operators of CEL's grammar.
#ifndef HUILIU_CORE_CEL_GRAMMAR_H_
#define HUILIU_CORE_CEL_GRAMMAR_H_

#include <algorithm>

#include "absl/strings/string_view.h"

namespace huiliu::cel {

inline constexpr absl::string_view kReserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

// Left-associative levels, weakest first.
struct Operator {
  absl::string_view symbol;
  const char* function;
  int level;
};
inline constexpr Operator kOperators[] = {{"==", "_==_", 0}, {"!=", "_!=_", 0}, {"<", "_<_", 0},
                                          {"<=", "_<=_", 0}, {">", "_>_", 0},   {">=", "_>=_", 0},
                                          {"in", "@in", 0},  {"+", "_+_", 1},   {"-", "_-_", 1},
                                          {"*", "_*_", 2},   {"/", "_/_", 2},   {"%", "_%_", 2}};
inline constexpr int kStrongestLevel = 2;

inline bool IsKeyword(absl::string_view word) {
  return word == "true" || word == "false" || word == "null" || word == "in";
}

// Words that are no names now, so that the language may grow.
inline bool IsReserved(absl::string_view word) {
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

inline const Operator* FindOperator(absl::string_view symbol, int level) {
  for (const Operator& op : kOperators) {
    if (op.level == level && op.symbol == symbol) return &op;
  }
  return nullptr;
}

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_GRAMMAR_H_
