#include "broker/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/rpc/malformed.h"

namespace huiliu::rpc {
namespace {

constexpr int kMaxMessageBytes = 64 << 20;

std::shared_ptr<grpc::ServerCredentials> Credentials(const Server::Options& options) {
  if (options.certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = options.ca;
  tls.pem_key_cert_pairs.push_back({options.key, options.certificate});
  return grpc::SslServerCredentials(tls);
}

class GrpcServer : public Server {
 public:
  absl::Status Open(const Options& options, const Handlers& handlers) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    services_ = MakeServices(handlers);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.address, Credentials(options), &port_);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.SetMaxSendMessageSize(kMaxMessageBytes);
    // Two nodes must not share a port unnoticed.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Nodes ask one another whether they are there (peer_client.cc).
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 2000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(NameMalformedRequests());
    builder.experimental().SetInterceptorCreators(std::move(creators));
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options.address,
                       ": in use, not an address of this machine, or unusable TLS files"));
    }
    for (const std::string& name : ServiceNames())
      server_->GetHealthCheckService()->SetServingStatus(name, true);
    return absl::OkStatus();
  }

  ~GrpcServer() override { Stop(); }
  int port() const override { return port_; }
  void Stop() override {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(2)));
    server_->Wait();
    server_.reset();
  }

 private:
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      const Handlers& handlers) {
  auto server = std::make_unique<GrpcServer>();
  const absl::Status status = server->Open(options, handlers);
  if (!status.ok()) return status;
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace huiliu::rpc
