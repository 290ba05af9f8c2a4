// absl::Status ↔ grpc::Status: the codes have the same numbers and travel unchanged, and so does
// whether it is to be asked again.
#ifndef HUILIU_BROKER_RPC_STATUS_H_
#define HUILIU_BROKER_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "core/base/retry_info.h"

namespace huiliu::rpc {

inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      RetryDetails(status));
}

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_STATUS_H_
