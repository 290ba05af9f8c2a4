// Turns a handler into a unary reactor: gRPC handlers only check, call, map and fill.
#ifndef HUILIU_BROKER_RPC_UNARY_H_
#define HUILIU_BROKER_RPC_UNARY_H_

#include <grpcpp/support/server_callback.h>

#include "broker/rpc/caller.h"
#include "broker/rpc/status.h"

namespace huiliu::rpc {

// Whether another node answers the call (or none can): then the reactor is finished by that.
inline bool Elsewhere(const Gateway& gateway, const service::CallContext& context,
                      const google::protobuf::Message& request, google::protobuf::Message* response,
                      grpc::ServerUnaryReactor* reactor) {
  if (gateway.peering == nullptr) return false;
  const absl::StatusOr<std::optional<cluster::Peer>> peer =
      gateway.peering->Route(context, request);
  if (peer.ok() && !peer->has_value()) return false;
  if (!peer.ok()) {
    reactor->Finish(ToGrpc(peer.status()));
    return true;
  }
  gateway.peering->There(**peer, context, request, response, [reactor](const absl::Status& status) {
    reactor->Finish(ToGrpc(status));
  });
  return true;
}

// `request` and `response` are gRPC's until the reactor has finished.
template <typename Handler>
grpc::ServerUnaryReactor* RunUnary(grpc::CallbackServerContext* server_context,
                                   const Gateway& gateway, const char* method,
                                   const google::protobuf::Message& request,
                                   google::protobuf::Message* response, const Handler& handler) {
  grpc::ServerUnaryReactor* reactor = server_context->DefaultReactor();
  const service::CallContext context = ContextOf(*server_context, gateway, method);
  if (Elsewhere(gateway, context, request, response, reactor)) return reactor;
  reactor->Finish(ToGrpc(gateway.peering == nullptr
                             ? handler(context)
                             : gateway.peering->Here(context, [&] { return handler(context); })));
  return reactor;
}

}  // namespace huiliu::rpc

// One override of a generated CallbackService: HUILIU_UNARY(Registry, PutOrganisation) calls
// service_.PutOrganisation.
#define HUILIU_UNARY(Service, Method)                                                           \
  grpc::ServerUnaryReactor* Method(grpc::CallbackServerContext* server_context,                 \
                                   const huiliu::v1::Method##Request* request,                  \
                                   huiliu::v1::Method##Response* response) override {           \
    return ::huiliu::rpc::RunUnary(server_context, gateway_, "huiliu.v1." #Service "/" #Method, \
                                   *request, response,                                          \
                                   [&](const ::huiliu::service::CallContext& context) {         \
                                     return service_.Method(context, *request, response);       \
                                   });                                                          \
  }

#endif  // HUILIU_BROKER_RPC_UNARY_H_
