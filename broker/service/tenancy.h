// Receivers of one node are strictly apart: whose affairs an account may see and settle.
#ifndef HUILIU_BROKER_SERVICE_TENANCY_H_
#define HUILIU_BROKER_SERVICE_TENANCY_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "broker/governance/state.h"

namespace huiliu::service {

// The one receiver that the caller is bound to: its organisation's. nullopt: it is bound to none,
// since its organisation is of an upper level (it belongs to no receiver) or the node serves one
// receiver only. A caller of an unknown organisation is bound to "", which is nobody's.
std::optional<std::string> BoundTo(const governance::State& state,
                                   const governance::Principal& caller);

// PERMISSION_DENIED where the caller is bound to another receiver.
absl::Status RequireReceiver(const governance::State& state, const governance::Principal& caller,
                             const std::string& receiver);

// PERMISSION_DENIED where the caller is bound: what all receivers share is settled above them.
absl::Status RequireUnbound(const governance::State& state, const governance::Principal& caller,
                            absl::string_view what);

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_TENANCY_H_
