#include "broker/http/connect_server.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "broker/http/call_places.h"
#include "broker/http/connect_codec.h"
#include "broker/http/connection_threads.h"
#include "broker/http/request_body.h"
#include "broker/http/tls.h"
#include "broker/service/credentials.h"
#include "broker/service/slots.h"
#include "broker/service/tenancy.h"
#include "core/base/retry_info.h"
#include "core/base/status.h"

namespace huiliu::http {
namespace {

using service::CallContext;
using service::Method;

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

constexpr char kRegistryType[] = "application/vnd.schemaregistry.v1+json";
constexpr char kLogIn[] =
    R"({"error_code":40101,"message":"请先登录（令牌作为 Basic 密码或 Bearer） / log in: a )"
    R"(token as Bearer, or as the password of Basic"})";
constexpr size_t kDiscardedBytes = 1 << 20;
constexpr absl::Duration kBodyPatience = absl::Minutes(2);

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
        return absl::InvalidArgumentError(error.empty() ? "TLS 设置失败 / TLS set-up failed"
                                                        : error);
    }
    server_->new_task_queue = [most = options_.max_connections] {
      return new ConnectionThreads(most);
    };
    server_->set_payload_max_length(options_.max_body_bytes);
    server_->set_tcp_nodelay(true);
    server_->set_read_timeout(absl::ToChronoMicroseconds(options_.patience));
    server_->set_write_timeout(absl::ToChronoMicroseconds(options_.patience));
    server_->set_keep_alive_timeout(std::max<time_t>(1, absl::ToInt64Seconds(options_.patience)));
    // httplib's own options share a port with another process unnoticed.
    server_->set_socket_options([this](socket_t listener) {
      listener_ = listener;
      const int yes = 1;
      setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty() && !response.content_provider_)
        response.set_content(ErrorOf(response.status), "application/json");
    });
    server_->set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
          Fail(absl::InternalError("调用异常中止，详见节点日志 / the call ended in an exception"),
               response);
        });
    AddPages();
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
  using Reader = httplib::ContentReader;

  // Bodies are read by the handlers alone, and after they know who calls: httplib would take a
  // body of any size into memory for a page that nobody has.
  void AddPages() {
    using httplib::Request;
    using httplib::Response;
    server_->set_pre_routing_handler([](const Request& request, Response& response) {
      using Answer = httplib::Server::HandlerResponse;
      if (request.method != "PRI") return Answer::Unhandled;  // HTTP/2's first line
      response.status = 400;
      CloseBehind(ErrorOf(400), "application/json", response);
      return Answer::Handled;
    });
    server_->Post(R"(/(huiliu\.v1\.\w+/\w+))",
                  [this](const Request& request, Response& response, const Reader& reader) {
                    Call(request, response, reader);
                  });
    server_->Get("/healthz", [this](const Request&, Response& response) { Health(response); });
    server_->Get("/openapi.json", [this](const Request&, Response& response) {
      response.set_content(pages_.openapi, "application/json; charset=utf-8");
    });
    server_->Get("/metrics", [this](const Request&, Response& response) {
      response.set_content(pages_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    const auto schemas = [this](const Request& request, Response& response, const Reader& reader) {
      SchemasWithBody(request, response, reader);
    };
    if (pages_.schemas != nullptr) {
      // All methods: what is refused is refused in the registry's words.
      const char* const pages = R"(/(subjects|schemas|config|mode|compatibility)(/.*)?)";
      const auto without_body = [this](const Request& request, Response& response) {
        Schemas(request, ContextOf(request, "SchemaRegistry"), "", response);
      };
      server_->Get(pages, without_body);
      server_->Delete(pages, without_body);  // has a body only with a Content-Length
      server_->Post(pages, schemas);
      server_->Put(pages, schemas);
      server_->Delete(pages, schemas);
    }
    const auto lost = [this](const Request& request, Response& response, const Reader& reader) {
      response.status = 404;
      Refuse(request, reader, ErrorOf(404), response);
    };
    for (const auto add : {static_cast<AddWithBody>(&httplib::Server::Post),
                           static_cast<AddWithBody>(&httplib::Server::Put),
                           static_cast<AddWithBody>(&httplib::Server::Patch),
                           static_cast<AddWithBody>(&httplib::Server::Delete)}) {
      (server_.get()->*add)(".*", lost);
    }
  }
  using AddWithBody = httplib::Server& (
      httplib::Server::*)(const std::string&, httplib::Server::HandlerWithContentReader);

  absl::Status Bind() {
    const size_t colon = options_.address.rfind(':');
    int port = -1;
    if (colon == std::string::npos ||
        !absl::SimpleAtoi(options_.address.substr(colon + 1), &port) || port < 0 || port > 65535) {
      return absl::InvalidArgumentError(
          absl::StrCat("监听地址应写作 主机:端口 / \"", options_.address, "\" is not host:port"));
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
    // httplib lets five wait to be accepted: of more that come at once the kernel drops some, which
    // try again after seconds.
    listen(listener_, SOMAXCONN);
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
    const std::string notices = pages_.notices == nullptr ? "" : pages_.notices();
    response.set_content(absl::StrCat(status.ok() ? "ok" : status.message(), "\n", notices),
                         "text/plain; charset=utf-8");
  }

  // Any account may see what the datasets look like; what stands in them takes a grant.
  void Schemas(const httplib::Request& request, const CallContext& context, std::string body,
               httplib::Response& response) {
    service::RegistryAnswer answer{401, kLogIn};
    if (context.caller.has_value()) {
      service::RegistryRequest asked;
      asked.receiver = service::BoundTo(state_, *context.caller);
      asked.method = request.method;
      const absl::string_view target = request.target;
      for (absl::string_view segment :
           absl::StrSplit(target.substr(0, target.find('?')), '/', absl::SkipEmpty()))
        asked.path.push_back(PercentDecoded(segment));
      for (const auto& [name, value] : request.params) asked.parameters.emplace(name, value);
      asked.body = std::move(body);
      answer = pages_.schemas(asked);
    }
    response.status = answer.status;
    response.set_content(answer.body, kRegistryType);
  }

  void SchemasWithBody(const httplib::Request& request, httplib::Response& response,
                       const Reader& reader) {
    const CallContext context = ContextOf(request, "SchemaRegistry");
    if (!context.caller.has_value()) {
      response.status = 401;
      return Refuse(request, reader, kLogIn, response, kRegistryType);
    }
    const auto place = calls_.Take();
    if (!place.ok()) return FailUnread(place, request, reader, response);
    const auto release = absl::MakeCleanup([this] { calls_.Release(); });
    auto body = Body(request, reader, response);
    if (body.has_value()) Schemas(request, context, *std::move(body), response);
  }

  CallContext ContextOf(const httplib::Request& request, const std::string& path) {
    CallContext context;
    context.method = path;
    context.json = true;
    context.english = absl::StartsWith(request.get_header_value("Accept-Language"), "en");
    if (request.has_header("Authorization")) {
      context.caller =
          service::FindByAuthorization(state_, request.get_header_value("Authorization"));
    } else if (!options_.certificate.empty() && !PeerCertificatePem().empty()) {
      context.caller = service::FindByCertificatePem(state_, PeerCertificatePem());
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
        return ErrorJson(
            absl::ResourceExhaustedError("请求过大，请分次提交 / the body is larger than this node "
                                         "takes; ask for less in one call"));
      case 415:
        return ErrorJson(absl::InvalidArgumentError(
            "Content-Type 应为 application/json，流式应为 application/connect+json / the "
            "Content-Type is application/json, or application/connect+json for a stream"));
      default:
        return ErrorJson(absl::InvalidArgumentError(
            absl::StrCat("不是 HTTP/1.1 请求 / no request of HTTP/1.1 (", http_status, ")")));
    }
  }

  static void SetStatus(const absl::Status& status, httplib::Response& response) {
    response.status = HttpStatusOf(status.code());
    if (IsToBeAskedAgain(status)) response.set_header("Retry-After", "1");
  }
  static void Fail(const absl::Status& status, httplib::Response& response) {
    SetStatus(status, response);
    response.set_content(ErrorJson(status), "application/json");
  }

  // An answer to a request whose body was not read, or not to its end.
  void Refuse(const httplib::Request& request, const Reader& reader, const std::string& answer,
              httplib::Response& response, const char* type = "application/json") const {
    const size_t taken_away = std::min<size_t>(options_.max_body_bytes, kDiscardedBytes);
    const int status = response.status;  // httplib makes it 400 where it cannot read to the end
    const bool whole = DiscardBody(request, reader, {taken_away, options_.patience});
    response.status = status;
    if (whole) {
      response.set_content(answer, type);
    } else {
      CloseBehind(answer, type, response);
    }
  }
  void FailUnread(const absl::Status& status, const httplib::Request& request, const Reader& reader,
                  httplib::Response& response) const {
    SetStatus(status, response);
    Refuse(request, reader, ErrorJson(status), response);
  }

  // nullopt: it was refused, and the response says why.
  std::optional<std::string> Body(const httplib::Request& request, const Reader& reader,
                                  httplib::Response& response) const {
    auto body = ReadBody(request, reader, {options_.max_body_bytes, kBodyPatience});
    if (body.ok()) return *std::move(body);
    const absl::StatusCode code = body.status().code();
    response.status = code == absl::StatusCode::kResourceExhausted  ? 413
                      : code == absl::StatusCode::kUnimplemented    ? 415
                      : code == absl::StatusCode::kDeadlineExceeded ? 408
                                                                    : 400;
    CloseBehind(ErrorJson(body.status()), "application/json", response);
    return std::nullopt;
  }

  void Call(const httplib::Request& request, httplib::Response& response, const Reader& reader) {
    const std::string path = request.matches[1];
    const Method* method = methods_.Find(path);
    if (method == nullptr) {
      return FailUnread(absl::UnimplementedError(absl::StrCat("there is no method ", path,
                                                              "; GET /openapi.json lists them")),
                        request, reader, response);
    }
    const std::string type = MediaType(request.get_header_value("Content-Type"));
    const bool enveloped = type == "application/connect+json";
    if (!enveloped && type != "application/json") {
      response.status = 415;
      response.set_header("Accept-Post", "application/json, application/connect+json");
      return Refuse(request, reader, ErrorOf(415), response);
    }
    const CallContext context = ContextOf(request, path);
    const absl::Status known = service::RequireCaller(context).status();
    if (!known.ok()) return FailUnread(known, request, reader, response);
    const absl::Status place = calls_.Take();
    if (!place.ok()) return FailUnread(place, request, reader, response);
    const auto release = absl::MakeCleanup([this] { calls_.Release(); });
    const auto body = Body(request, reader, response);
    if (!body.has_value()) return;
    std::shared_ptr<google::protobuf::Message> message(method->request->New());
    auto json = StreamRequestJson(*body, enveloped);
    absl::Status status =
        json.ok() ? FromJson(json->empty() ? "{}" : *json, message.get()) : json.status();
    if (method->unary != nullptr) return CallUnary(*method, context, status, *message, response);
    CallStream(*method, context, status, std::move(message), response);
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
  CallPlaces calls_{options_.max_calls, options_.patience};
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  socket_t listener_ = INVALID_SOCKET;
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
