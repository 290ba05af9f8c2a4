#include "broker/http/connect_server.h"

#include <httplib.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "broker/http/connect_codec.h"
#include "broker/service/credentials.h"
#include "broker/service/slots.h"
#include "broker/service/tenancy.h"
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

// A path's segment; %2F stands for a slash inside it.
std::string PercentDecoded(absl::string_view segment) {
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    const bool escaped = segment[i] == '%' && i + 2 < segment.size() &&
                         absl::ascii_isxdigit(static_cast<unsigned char>(segment[i + 1])) &&
                         absl::ascii_isxdigit(static_cast<unsigned char>(segment[i + 2]));
    if (!escaped) {
      out.push_back(segment[i]);
      continue;
    }
    out += absl::HexStringToBytes(segment.substr(i + 1, 2));
    i += 2;
  }
  return out;
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
    server_->set_read_timeout(absl::ToChronoMicroseconds(options_.patience));
    server_->set_write_timeout(absl::ToChronoMicroseconds(options_.patience));
    server_->set_keep_alive_timeout(std::max<time_t>(1, absl::ToInt64Seconds(options_.patience)));
    // httplib's own options share a port with another process unnoticed.
    server_->set_socket_options([](socket_t listener) {
      const int yes = 1;
      setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) response.set_content(ErrorOf(response.status), "application/json");
    });
    server_->set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
          Fail(absl::InternalError("the call ended in an exception"), response);
        });
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
    if (pages_.schemas != nullptr) {
      // All methods: what is refused is refused in the registry's words.
      const char* const pages = R"(/(subjects|schemas|config|mode|compatibility)(/.*)?)";
      const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
        Schemas(request, response);
      };
      server_->Get(pages, answer);
      server_->Post(pages, answer);
      server_->Put(pages, answer);
      server_->Delete(pages, answer);
    }
    return Bind();
  }

  int port() const override { return port_; }

  void Stop() override {
    if (server_ == nullptr) return;
    stopping_ = true;  // httplib counts as running until its last stream has ended
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  absl::Status Bind() {
    const size_t colon = options_.address.rfind(':');
    int port = -1;
    if (colon == std::string::npos ||
        !absl::SimpleAtoi(options_.address.substr(colon + 1), &port) || port < 0 || port > 65535) {
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
    thread_ = std::thread([this] {
      server_->listen_after_bind();
      ended_ = true;
    });
    // Before it runs, httplib takes no notice of stop().
    while (!server_->is_running() && !ended_) absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  }

  void Health(httplib::Response& response) {
    const absl::Status status = pages_.health();
    response.status = status.ok() ? 200 : 503;
    response.set_content(status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n"),
                         "text/plain; charset=utf-8");
  }

  // Any account may see what the datasets look like; what stands in them takes a grant.
  void Schemas(const httplib::Request& request, httplib::Response& response) {
    service::RegistryAnswer answer{
        401,
        R"({"error_code":40101,"message":"请先登录（令牌作为 Basic 密码或 Bearer） / log in: a )"
        R"(token as Bearer, or as the password of Basic"})"};
    const CallContext context = ContextOf(request, "SchemaRegistry");
    if (context.caller.has_value()) {
      service::RegistryRequest asked;
      asked.receiver = service::BoundTo(state_, *context.caller);
      asked.method = request.method;
      const absl::string_view target = request.target;
      for (absl::string_view segment :
           absl::StrSplit(target.substr(0, target.find('?')), '/', absl::SkipEmpty()))
        asked.path.push_back(PercentDecoded(segment));
      for (const auto& [name, value] : request.params) asked.parameters.emplace(name, value);
      asked.body = request.body;
      answer = pages_.schemas(asked);
    }
    response.status = answer.status;
    response.set_content(answer.body, "application/vnd.schemaregistry.v1+json");
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

  // What httplib refuses by itself, in Connect's words.
  static std::string ErrorOf(int http_status) {
    switch (http_status) {
      case 404:
        // Clients of a Schema Registry look for error_code.
        return nlohmann::json{{"code", "unimplemented"},
                              {"error_code", 404},
                              {"message",
                               "there is no such page; methods are called with POST "
                               "/huiliu.v1.Service/Method, and GET /openapi.json lists them"}}
            .dump();
      case 413:
        return ErrorJson(absl::ResourceExhaustedError(
            "the body is larger than this node takes; ask for less in one call"));
      case 415:
        return ErrorJson(absl::InvalidArgumentError(
            "the Content-Type is application/json, or application/connect+json for a stream"));
      default:
        return ErrorJson(
            absl::InvalidArgumentError(absl::StrCat("no request of HTTP/1.1 (", http_status, ")")));
    }
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
    const std::string type = MediaType(request.get_header_value("Content-Type"));
    const bool enveloped = type == "application/connect+json";
    if (!enveloped && type != "application/json") {
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

  // Without parameters, in small letters.
  static std::string MediaType(absl::string_view header) {
    return absl::AsciiStrToLower(absl::StripAsciiWhitespace(header.substr(0, header.find(';'))));
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
          const absl::Status status =
              parsed.ok() ? RunStream(method, context, *request, sink) : parsed;
          const std::string end = StreamEnd(status);
          sink.write(end.data(), end.size());
          sink.done();
          return true;
        });
  }

  absl::Status RunStream(const Method& method, CallContext context,
                         const google::protobuf::Message& request, httplib::DataSink& sink) {
    // A stream holds its thread: some are always left for calls.
    const std::string organisation = context.caller ? context.caller->organisation : "";
    RETURN_IF_ERROR(slots_.Take(organisation));
    const auto release = absl::MakeCleanup([&] { slots_.Release(organisation); });
    context.gone = [&] { return stopping_ || !sink.is_writable(); };
    absl::Status written;  // a message that cannot be written is no end of the data
    const absl::Status status =
        method.stream(context, request, [&](const google::protobuf::Message& message) {
          auto json = ToJson(message);
          written = json.status();
          if (!json.ok()) return false;
          const std::string bytes = StreamMessage(*json);
          if (stopping_)
            written = absl::UnavailableError("the node is stopping; resume from the last cursor");
          return written.ok() && sink.write(bytes.data(), bytes.size());
        });
    return written.ok() ? status : written;
  }

  const Options options_;
  const service::MethodTable& methods_;
  const governance::State& state_;
  const Pages pages_;
  service::Slots slots_{options_.max_streams, std::max(1, options_.max_streams / 4)};
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
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
