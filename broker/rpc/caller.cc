#include "broker/rpc/caller.h"

#include <grpc/grpc_security_constants.h>

#include "absl/strings/match.h"
#include "broker/rpc/peer_client.h"
#include "broker/service/credentials.h"

namespace huiliu::rpc {
namespace {

absl::string_view Metadata(const grpc::ServerContextBase& context, const char* name) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find(name);
  if (it == metadata.end()) return {};
  return {it->second.data(), it->second.size()};
}

}  // namespace

service::CallContext ContextOf(const grpc::ServerContextBase& server_context,
                               const Gateway& gateway, const char* method) {
  service::CallContext context;
  context.method = method;
  context.english = absl::StartsWith(Metadata(server_context, "accept-language"), "en");
  const absl::string_view sealed = Metadata(server_context, kCallerMetadata);
  if (!sealed.empty()) {
    const std::string account =
        gateway.seal == nullptr ? "" : OpenCaller(*gateway.seal, sealed, &context);
    context.caller = gateway.state.FindByAccount(account);
    return context;
  }
  const absl::string_view authorization = Metadata(server_context, "authorization");
  if (!authorization.empty()) {
    context.caller = service::FindByAuthorization(gateway.state, authorization);
    return context;
  }
  const auto auth = server_context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return context;
  const auto pem = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.empty()) return context;
  context.caller = service::FindByCertificatePem(gateway.state, {pem[0].data(), pem[0].size()});
  return context;
}

}  // namespace huiliu::rpc
