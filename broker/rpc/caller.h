// Who calls: the account behind the client certificate, or behind the bearer token.
#ifndef HUILIU_BROKER_RPC_CALLER_H_
#define HUILIU_BROKER_RPC_CALLER_H_

#include <grpcpp/server_context.h>

#include "broker/governance/state.h"
#include "broker/service/call_context.h"
#include "broker/service/peering.h"
#include "core/base/token_seal.h"

namespace huiliu::rpc {

// What stands before every handler.
struct Gateway {
  const governance::State& state;
  // Of several nodes; null: this is the only one.
  const service::Peering* peering = nullptr;
  const TokenSeal* seal = nullptr;
};

service::CallContext ContextOf(const grpc::ServerContextBase& server_context,
                               const Gateway& gateway, const char* method);

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_CALLER_H_
