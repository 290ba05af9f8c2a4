// Our own functions that ask the environment: the divisions and the calendar of working days.
// (inDivision has a node of its own: an index uses it.)
#ifndef HUILIU_CORE_CEL_DOMAIN_FUNCTIONS_H_
#define HUILIU_CORE_CEL_DOMAIN_FUNCTIONS_H_

#include <vector>

#include "core/cel/node.h"

namespace huiliu::cel {

// Whether the function's result depends on the environment, so that it is no constant.
bool AsksEnvironment(absl::string_view function);

// divisionOf, workdaysBetween; null for other functions and other numbers of arguments.
// `environment` must outlive the node; null means no divisions and the built-in calendar.
NodePtr MakeEnvironmentCall(absl::string_view function, const Environment* environment,
                            std::vector<NodePtr> args);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_DOMAIN_FUNCTIONS_H_
