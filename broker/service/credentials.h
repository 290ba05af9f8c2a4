// From what a caller presents to the account it belongs to.
#ifndef HUILIU_BROKER_SERVICE_CREDENTIALS_H_
#define HUILIU_BROKER_SERVICE_CREDENTIALS_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "broker/governance/state.h"

namespace huiliu::service {

// `authorization`: the header's value, "Bearer <token>", or "Basic" with the token as password,
// which is all that many clients of a Schema Registry can. nullopt: another scheme, or nobody's
// token.
std::optional<governance::Principal> FindByAuthorization(const governance::State& state,
                                                         absl::string_view authorization);

// A client certificate that the transport has verified, PEM. nullopt: nobody's.
std::optional<governance::Principal> FindByCertificatePem(const governance::State& state,
                                                          absl::string_view pem);

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_CREDENTIALS_H_
