// Turns a handler into a unary reactor: gRPC handlers only check, call, map and fill.
#ifndef HUILIU_BROKER_RPC_UNARY_H_
#define HUILIU_BROKER_RPC_UNARY_H_

#include <grpcpp/support/server_callback.h>

#include "broker/rpc/caller.h"
#include "broker/rpc/status.h"

namespace huiliu::rpc {

template <typename Handler>
grpc::ServerUnaryReactor* RunUnary(grpc::CallbackServerContext* server_context,
                                   const governance::State& state, const char* method,
                                   const Handler& handler) {
  grpc::ServerUnaryReactor* reactor = server_context->DefaultReactor();
  const service::CallContext context = ContextOf(*server_context, state, method);
  reactor->Finish(ToGrpc(handler(context)));
  return reactor;
}

}  // namespace huiliu::rpc

// One override of a generated CallbackService: HUILIU_UNARY(Registry, PutOrganisation) calls
// service_.PutOrganisation.
#define HUILIU_UNARY(Service, Method)                                                         \
  grpc::ServerUnaryReactor* Method(grpc::CallbackServerContext* server_context,               \
                                   const huiliu::v1::Method##Request* request,                \
                                   huiliu::v1::Method##Response* response) override {         \
    return ::huiliu::rpc::RunUnary(server_context, state_, "huiliu.v1." #Service "/" #Method, \
                                   [&](const ::huiliu::service::CallContext& context) {       \
                                     return service_.Method(context, *request, response);     \
                                   });                                                        \
  }

#endif  // HUILIU_BROKER_RPC_UNARY_H_
