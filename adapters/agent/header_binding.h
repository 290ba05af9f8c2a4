// What is said of a header that was bound to the mapping.
#ifndef HUILIU_ADAPTERS_AGENT_HEADER_BINDING_H_
#define HUILIU_ADAPTERS_AGENT_HEADER_BINDING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::agent {

// Of a column that no field takes, the `place`-th from 1: by its name, but for one that holds a
// number of six digits or more, which may be a person's.
std::string UnusedColumnNotice(absl::string_view name, size_t place);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_HEADER_BINDING_H_
