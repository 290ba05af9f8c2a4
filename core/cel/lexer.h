// Splits an expression into tokens: CEL's lexical grammar.
#ifndef HUILIU_CORE_CEL_LEXER_H_
#define HUILIU_CORE_CEL_LEXER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/cel/conjuncts.h"
#include "core/cel/program.h"

namespace huiliu::cel {

enum class TokenKind : uint8_t {
  kEnd,
  kIdent,        // text
  kQuotedIdent,  // `text`: a field name only
  kInt,          // text: digits as written, with 0x
  kUint,         // text: the same without u
  kDouble,       // text
  kString,       // value: decoded
  kBytes,        // value: decoded
  kSymbol,       // text: one of the operators and brackets
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t offset = 0;
  absl::string_view text;  // into the source
  std::string value;
};

// A finding by byte offset; PlaceOf makes line and column of it.
struct Finding {
  uint32_t offset = 0;
  std::string message;
  bool unsupported = false;
};

// 1-based line and column (code points) of a byte offset.
Issue PlaceOf(absl::string_view source, const Finding& finding);

// False where the text is no CEL; then `finding` says where and why. The last token is kEnd.
// Refuses text over kMaxExpressionBytes and text that is not UTF-8.
bool Tokenize(absl::string_view source, std::vector<Token>* tokens, Finding* finding);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_LEXER_H_
