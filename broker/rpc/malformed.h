// What gRPC answers where a request's bytes are no message.
#ifndef HUILIU_BROKER_RPC_MALFORMED_H_
#define HUILIU_BROKER_RPC_MALFORMED_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace huiliu::rpc {

// gRPC ends a call whose request cannot be read with UNIMPLEMENTED and no words, as if there were
// no such method; this makes it INVALID_ARGUMENT that names the message's method.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NameMalformedRequests();

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_MALFORMED_H_
