// What every handler knows of a call, whatever transport it came by.
#ifndef HUILIU_BROKER_SERVICE_CALL_CONTEXT_H_
#define HUILIU_BROKER_SERVICE_CALL_CONTEXT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "broker/governance/state.h"

namespace huiliu::service {

struct CallContext {
  std::optional<governance::Principal> caller;  // nullopt: no known certificate or token
  std::string method;                           // huiliu.v1.Catalog/Get
  bool forwarded = false;                       // another node sent it here
  bool json = false;                            // Connect/JSON over HTTP: rows default to JSON
  bool english = false;                         // Accept-Language begins with en; else Chinese
  std::function<bool()> gone;  // streams: whether the caller has left; may be empty
};

// UNAUTHENTICATED where the caller is unknown; says how to become known.
absl::StatusOr<governance::Principal> RequireCaller(const CallContext& context);

// PERMISSION_DENIED unless the caller has one of the roles.
absl::Status RequireAnyRole(const governance::Principal& caller,
                            std::initializer_list<huiliu::v1::Role> roles, absl::string_view what);

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_CALL_CONTEXT_H_
