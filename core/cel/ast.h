// The syntax tree: what the parser makes, the checker annotates and the planner compiles.
#ifndef HUILIU_CORE_CEL_AST_H_
#define HUILIU_CORE_CEL_AST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/cel/types.h"

namespace google::protobuf {
class Descriptor;
}  // namespace google::protobuf

namespace huiliu::cel {

struct Bytes {
  std::string value;
};
using Literal =
    std::variant<std::monostate /*null*/, bool, int64_t, uint64_t, double, std::string, Bytes>;

enum class ExprKind : uint8_t {
  kLiteral,
  kIdent,          // name
  kSelect,         // args[0].name
  kCall,           // name(args); receiver: args[0].name(args[1…])
  kList,           // args
  kMap,            // args: key, value, key, value …
  kMessage,        // name{fields[i]: args[i]}
  kComprehension,  // args[0].macro(variables…, args[1…])
};

enum class Macro : uint8_t { kAll, kExists, kExistsOne, kMap, kMapIf, kFilter, kToMap, kToMapIf };

// What a name stands for: set by the checker.
struct Reference {
  enum class Kind : uint8_t {
    kNone,
    kUnresolved,  // only where checking is off: an error when evaluated
    kField,       // index: Field::index
    kDivision,    // the record's attributed division
    kConflict,    // whether the evidence of where the record belongs disagreed
    kVariable,    // index: of the scope's variables
    kLocal,       // index: a comprehension's variable
    kNumber,      // number: an enum's constant
    kTypeName,    // text: a type as a value
  };
  Kind kind = Kind::kNone;
  int index = 0;
  int64_t number = 0;
  std::string text;
  const google::protobuf::Descriptor* message = nullptr;  // of a kMessage expression
};

// Operators are calls under the specification's names: _+_  _==_  !_  -_  _[_]  @in  _?_:_  _&&_
// _||_; the last two take any number of arguments (chains are flat, so a long rule is not a deep
// one).
struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  uint32_t offset = 0;  // byte in the source where a message about it points
  int depth = 1;        // of the tree under it
  int nodes = 1;        // in the tree under it
  Literal literal;
  std::string name;
  bool absolute = false;       // written with a leading dot
  bool receiver = false;       // kCall
  bool presence_test = false;  // has(…): kSelect, and kIdent for a field in scope by name
  Macro macro = Macro::kAll;
  std::vector<std::unique_ptr<Expr>> args;
  std::vector<std::string> names;  // kMessage: fields; kComprehension: variables

  // Set by the checker.
  Type type;
  Reference reference;
};
using ExprPtr = std::unique_ptr<Expr>;

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_AST_H_
