// CEL's grammar with its macros: text → syntax tree.
#ifndef HUILIU_CORE_CEL_PARSER_H_
#define HUILIU_CORE_CEL_PARSER_H_

#include "absl/strings/string_view.h"
#include "core/cel/ast.h"
#include "core/cel/lexer.h"

namespace huiliu::cel {

// Null where the text is no expression; then `finding` is the first error. Never deeper than
// kMaxNesting, whatever the input.
ExprPtr Parse(absl::string_view source, Finding* finding);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_PARSER_H_
