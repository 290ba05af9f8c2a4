// Who calls: the account behind the client certificate, or behind the bearer token.
#ifndef HUILIU_BROKER_RPC_CALLER_H_
#define HUILIU_BROKER_RPC_CALLER_H_

#include <grpcpp/server_context.h>

#include "broker/governance/state.h"
#include "broker/service/call_context.h"

namespace huiliu::rpc {

service::CallContext ContextOf(const grpc::ServerContextBase& server_context,
                               const governance::State& state, const char* method);

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_CALLER_H_
