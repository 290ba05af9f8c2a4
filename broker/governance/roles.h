// Who may do what: the refusal names the role that is missing, in the users' words.
#ifndef HUILIU_BROKER_GOVERNANCE_ROLES_H_
#define HUILIU_BROKER_GOVERNANCE_ROLES_H_

#include <initializer_list>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/governance/state.h"

namespace huiliu::governance {

// PERMISSION_DENIED in Chinese and English where the caller has none of the roles. `what`: the
// method.
absl::Status RequireAnyRole(const Principal& caller, std::initializer_list<huiliu::v1::Role> roles,
                            absl::string_view what);

}  // namespace huiliu::governance

#endif  // HUILIU_BROKER_GOVERNANCE_ROLES_H_
