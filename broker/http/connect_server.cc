#include "broker/http/connect_server.h"

#include <httplib.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/http/connect_codec.h"
#include "broker/service/credentials.h"
#include "core/base/status.h"

namespace huiliu::http {
namespace {

using service::CallContext;
using service::Method;

// httplib gives handlers no way to the connection, but runs a connection's handshake and its
// requests on one thread: the verified client certificate is left here by the verify callback.
// Sessions are not resumed, so that each connection verifies.
thread_local std::string peer_certificate_pem;

int KeepPeerCertificate(int verified, X509_STORE_CTX* store) {
  if (verified == 1 && X509_STORE_CTX_get_error_depth(store) == 0) {
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), X509_STORE_CTX_get_current_cert(store));
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    peer_certificate_pem.assign(data, static_cast<size_t>(size));
  }
  return verified;
}

void ForgetPeer(const SSL*, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) != 0) peer_certificate_pem.clear();
}

bool SetUpTls(SSL_CTX& context, const ConnectServer::Options& options, std::string* error) {
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_info_callback(&context, &ForgetPeer);
  if (SSL_CTX_use_certificate_chain_file(&context, options.certificate.c_str()) != 1) {
    *error = absl::StrCat(options.certificate, ": no certificate chain in PEM form");
    return false;
  }
  if (SSL_CTX_use_PrivateKey_file(&context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    *error =
        absl::StrCat(options.key, ": no private key in PEM form, or not that of the certificate");
    return false;
  }
  if (options.ca.empty()) return true;
  if (SSL_CTX_load_verify_locations(&context, options.ca.c_str(), nullptr) != 1) {
    *error = absl::StrCat(options.ca, ": no CA certificates in PEM form");
    return false;
  }
  SSL_CTX_set_client_CA_list(&context, SSL_load_client_CA_file(options.ca.c_str()));
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, &KeepPeerCertificate);
  return true;
}

class HttplibConnectServer : public ConnectServer {
 public:
  HttplibConnectServer(Options options, const service::MethodTable& methods,
                       const governance::State& state, Pages pages)
      : options_(std::move(options)), methods_(methods), state_(state), pages_(std::move(pages)) {}

  ~HttplibConnectServer() override { Stop(); }

  absl::Status Open() {
    if (options_.certificate.empty()) {
      server_ = std::make_unique<httplib::Server>();
    } else {
      std::string error;
      server_ = std::make_unique<httplib::SSLServer>(
          [&](SSL_CTX& context) { return SetUpTls(context, options_, &error); });
      if (!server_->is_valid())
        return absl::InvalidArgumentError(error.empty() ? "TLS set-up failed" : error);
    }
    server_->new_task_queue = [threads = options_.threads] {
      return new httplib::ThreadPool(static_cast<size_t>(threads));
    };
    server_->set_payload_max_length(options_.max_body_bytes);
    server_->set_tcp_nodelay(true);
    server_->Post(R"(/(huiliu\.v1\.\w+/\w+))",
                  [this](const httplib::Request& request, httplib::Response& response) {
                    Call(request, response);
                  });
    server_->Get("/healthz", [this](const httplib::Request&, httplib::Response& response) {
      Health(response);
    });
    server_->Get("/openapi.json", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(pages_.openapi, "application/json; charset=utf-8");
    });
    server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(pages_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    return Bind();
  }

  int port() const override { return port_; }

  void Stop() override {
    if (server_ == nullptr) return;
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  absl::Status Bind() {
    const size_t colon = options_.address.rfind(':');
    int port = -1;
    if (colon == std::string::npos ||
        !absl::SimpleAtoi(options_.address.substr(colon + 1), &port)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", options_.address, "\" is not host:port"));
    }
    const std::string host = options_.address.substr(0, colon);
    if (port == 0) {
      port_ = server_->bind_to_any_port(host);
    } else {
      port_ = server_->bind_to_port(host, port) ? port : -1;
    }
    if (port_ < 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.address,
                                                 ": in use or not an address of this machine"));
    }
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    return absl::OkStatus();
  }

  void Health(httplib::Response& response) {
    const absl::Status status = pages_.health();
    response.status = status.ok() ? 200 : 503;
    response.set_content(status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n"),
                         "text/plain; charset=utf-8");
  }

  CallContext ContextOf(const httplib::Request& request, const std::string& path) {
    CallContext context;
    context.method = path;
    context.json = true;
    context.english = absl::StartsWith(request.get_header_value("Accept-Language"), "en");
    if (request.has_header("Authorization")) {
      context.caller =
          service::FindByAuthorization(state_, request.get_header_value("Authorization"));
    } else if (!options_.certificate.empty() && !peer_certificate_pem.empty()) {
      context.caller = service::FindByCertificatePem(state_, peer_certificate_pem);
    }
    return context;
  }

  static void Fail(const absl::Status& status, httplib::Response& response) {
    response.status = HttpStatusOf(status.code());
    response.set_content(ErrorJson(status), "application/json");
  }

  void Call(const httplib::Request& request, httplib::Response& response) {
    const std::string path = request.matches[1];
    const Method* method = methods_.Find(path);
    if (method == nullptr) {
      return Fail(absl::UnimplementedError(
                      absl::StrCat("there is no method ", path, "; GET /openapi.json lists them")),
                  response);
    }
    const std::string type = request.get_header_value("Content-Type");
    const bool enveloped = absl::StartsWith(type, "application/connect+json");
    if (!enveloped && !absl::StartsWith(type, "application/json")) {
      response.status = 415;
      response.set_header("Accept-Post", "application/json, application/connect+json");
      return;
    }
    std::shared_ptr<google::protobuf::Message> message(method->request->New());
    auto json = StreamRequestJson(request.body, enveloped);
    absl::Status status =
        json.ok() ? FromJson(json->empty() ? "{}" : *json, message.get()) : json.status();
    if (method->unary != nullptr)
      return CallUnary(*method, ContextOf(request, path), status, *message, response);
    CallStream(*method, ContextOf(request, path), status, std::move(message), response);
  }

  static void CallUnary(const Method& method, const CallContext& context, absl::Status status,
                        const google::protobuf::Message& request, httplib::Response& response) {
    if (!status.ok()) return Fail(status, response);
    std::unique_ptr<google::protobuf::Message> answer(method.response->New());
    status = method.unary(context, request, answer.get());
    if (!status.ok()) return Fail(status, response);
    auto json = ToJson(*answer);
    if (!json.ok()) return Fail(json.status(), response);
    response.set_content(*json, "application/json");
  }

  // The stream runs inside the content provider, on the connection's thread: back-pressure is the
  // socket's own.
  void CallStream(const Method& method, const CallContext& context, const absl::Status& parsed,
                  std::shared_ptr<google::protobuf::Message> request, httplib::Response& response) {
    response.set_chunked_content_provider(
        "application/connect+json",
        [this, &method, context, parsed, request](size_t, httplib::DataSink& sink) {
          const auto write = [&](const std::string& bytes) {
            return server_->is_running() && sink.write(bytes.data(), bytes.size());
          };
          absl::Status status = parsed;
          if (status.ok()) {
            status =
                method.stream(context, *request, [&](const google::protobuf::Message& message) {
                  auto json = ToJson(message);
                  return json.ok() && write(StreamMessage(*json));
                });
          }
          write(StreamEnd(status));
          sink.done();
          return true;
        });
  }

  const Options options_;
  const service::MethodTable& methods_;
  const governance::State& state_;
  const Pages pages_;
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectServer>> ConnectServer::Start(
    Options options, const service::MethodTable& methods, const governance::State& state,
    Pages pages) {
  auto server =
      std::make_unique<HttplibConnectServer>(std::move(options), methods, state, std::move(pages));
  RETURN_IF_ERROR(server->Open());
  return server;
}

}  // namespace huiliu::http
