// Addresses of the nodes of a cluster as a client is given them: host:port,host:port.
#ifndef HUILIU_CORE_BASE_ADDRESSES_H_
#define HUILIU_CORE_BASE_ADDRESSES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// What gRPC is told: one address as it stands; of several, gRPC's list of IP addresses, of which
// the first that answers is used. Names in a list are resolved now. INVALID_ARGUMENT names an
// address that is none, UNAVAILABLE a name that nobody knows.
absl::StatusOr<std::string> GrpcTarget(absl::string_view addresses);

// Whether `addresses` is more than one.
bool IsList(absl::string_view addresses);

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_ADDRESSES_H_
