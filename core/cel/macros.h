// The macros of the specification: has, all, exists, exists_one, map, filter.
#ifndef HUILIU_CORE_CEL_MACROS_H_
#define HUILIU_CORE_CEL_MACROS_H_

#include "core/cel/ast.h"
#include "core/cel/lexer.h"

namespace huiliu::cel {

// What a call stands for: a comprehension or presence test where it is a macro, else the call
// itself. Null with a finding where a macro is used wrongly.
ExprPtr ExpandMacro(ExprPtr call, Finding* finding);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_MACROS_H_
