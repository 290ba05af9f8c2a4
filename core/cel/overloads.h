// The signatures of functions and operators, for the checker.
#ifndef HUILIU_CORE_CEL_OVERLOADS_H_
#define HUILIU_CORE_CEL_OVERLOADS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "core/cel/types.h"

namespace huiliu::cel {

struct Overload {
  bool receiver = false;  // args[0] stands before the dot
  std::vector<Type> args;
  Type result;
};

// Null where the name is no function.
const std::vector<Overload>* FindOverloads(absl::string_view name);

// What a function's name looks like to its writer: _==_ is ==.
absl::string_view DisplayName(absl::string_view function);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_OVERLOADS_H_
