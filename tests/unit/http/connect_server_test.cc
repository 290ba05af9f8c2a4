#include "broker/http/connect_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "broker/http/connect_codec.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::http {
namespace {

using huiliu::v1::SubscribeRequest;
using huiliu::v1::SubscribeResponse;
using huiliu::v1::WhoAmIRequest;
using huiliu::v1::WhoAmIResponse;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kWhoAmI[] = "/huiliu.v1.Governance/WhoAmI";
constexpr char kSubscribe[] = "/huiliu.v1.Delivery/Subscribe";
constexpr char kJson[] = "application/json";
constexpr char kStream[] = "application/connect+json";

// Says who called; a subscription sends what its name asks for.
class Echo {
 public:
  absl::Status WhoAmI(const service::CallContext& context, const WhoAmIRequest&,
                      WhoAmIResponse* response) {
    if (!context.caller.has_value()) return absl::UnauthenticatedError("nobody");
    response->set_account(context.caller->account);
    response->set_organisation(context.english ? "english" : "中文");
    return absl::OkStatus();
  }
  absl::Status Subscribe(const service::CallContext& context, const SubscribeRequest& request,
                         const service::StreamSink& sink) {
    SubscribeResponse response;
    if (request.subscription() == "throws") throw std::runtime_error("530102199001011234");
    if (request.subscription() == "unwritable") {
      response.add_rows()->mutable_source_time()->set_seconds(int64_t{1} << 60);  // no RFC 3339
      sink(response);
      return absl::OkStatus();
    }
    if (request.subscription() == "follow") {
      const absl::Time give_up = absl::Now() + absl::Seconds(30);
      following.store(true);
      while (!context.gone() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(5));
      following.store(false);
      return absl::OkStatus();
    }
    for (int i = 1; i <= 3; ++i) {
      response.set_cursor(std::to_string(i));
      if (!sink(response)) {
        gone.Notify();
        return absl::OkStatus();
      }
    }
    if (request.subscription() == "endless") {
      while (sink(response)) continue;
      gone.Notify();
    }
    return request.subscription() == "revoked" ? absl::PermissionDeniedError("revoked: 授权已收回")
                                               : absl::OkStatus();
  }
  std::atomic<bool> following = false;
  absl::Notification gone;
};

void Execute(const std::string& command) {
  const int done = std::system((command + " >/dev/null 2>&1").c_str());
  ASSERT_EQ(done, 0) << command;
}

class ConnectServerTest : public testing::Test {
 protected:
  ConnectServerTest() {
    folder_ = testing::TempDir() + "/connect_server_" + std::to_string(++counter_);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    options_.address = "127.0.0.1:0";
    table_.AddUnary("huiliu.v1.Governance", echo_, "WhoAmI", &Echo::WhoAmI);
    table_.AddStream("huiliu.v1.Delivery", echo_, "Subscribe",
                     SubscribeResponse::default_instance(), &Echo::Subscribe);
    AddAccount("clerk", ToString(Sha256("token")), "");
  }
  ~ConnectServerTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void AddAccount(const std::string& id, const std::string& token, const std::string& certificate) {
    governance::State::Record record;
    record.set_version(state_.version() + 1);
    record.mutable_account()->set_id(id);
    if (!token.empty()) record.mutable_account()->add_token_sha256(token);
    if (!certificate.empty()) record.mutable_account()->add_certificate_sha256(certificate);
    EXPECT_TRUE(state_.Apply(record).ok());
  }
  void Start() {
    ConnectServer::Pages pages;
    pages.metrics = [] { return "up 1\n"; };
    pages.health = [this] { return health_; };
    pages.openapi = "{}";
    auto server = ConnectServer::Start(options_, table_, state_, pages);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  httplib::Result Post(const std::string& path, const std::string& body, const std::string& type,
                       httplib::Headers headers = {{"Authorization", "Bearer token"}}) {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(60);
    auto result = client.Post(path, headers, body, type);
    EXPECT_TRUE(result) << path << ": " << httplib::to_string(result.error());
    return result ? std::move(result)
                  : httplib::Result(std::make_unique<httplib::Response>(), httplib::Error::Unknown);
  }
  static std::string Code(const httplib::Result& result) {
    const auto json = nlohmann::json::parse(result->body, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << result->body;
    return json.is_discarded()
               ? ""
               : absl::StrCat(result->status, " ", json.value("code", std::string()));
  }
  // The stream's messages, then its end, a line each.
  static std::string Frames(absl::string_view body) {
    std::string out;
    while (body.size() >= 5) {
      size_t size = 0;
      for (int i = 1; i < 5; ++i) size = size << 8 | static_cast<uint8_t>(body[i]);
      absl::StrAppend(&out, body[0] == 2 ? "end " : "", body.substr(5, size), "\n");
      body.remove_prefix(std::min(body.size(), 5 + size));
    }
    return out + std::string(body);
  }
  // A raw connection to the listener.
  int Connect() const {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }
  static void SendText(int fd, const std::string& text) {
    EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // All that comes until the node closes the connection; "" where it does not within a minute.
  static std::string Received(int fd) {
    const timeval patience{60, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    std::string all;
    char part[4096];
    while (true) {
      const ssize_t size = recv(fd, part, sizeof(part), 0);
      if (size <= 0) return all;
      all.append(part, static_cast<size_t>(size));
    }
  }
  static std::string StreamRequestText(const std::string& name) {
    const std::string body = StreamMessage(absl::StrCat("{\"subscription\":\"", name, "\"}"));
    return absl::StrCat("POST ", kSubscribe,
                        " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\nContent-Type: ",
                        kStream, "\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
  }

  // A CA, the node's certificate and one client's, by the openssl command.
  void MakeCertificates() {
    const std::string ec = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
    for (const char* ca : {"ca", "other"}) {
      Execute(absl::StrCat("openssl req -x509", ec, "-days 2 -subj /CN=", ca, " -keyout ", folder_,
                           "/", ca, ".key -out ", folder_, "/", ca, ".pem"));
    }
    for (const auto& [name, ca] :
         {std::pair("node", "ca"), std::pair("agent", "ca"), std::pair("stranger", "other")}) {
      const std::string path = absl::StrCat(folder_, "/", name);
      Execute(absl::StrCat("openssl req -new", ec, "-subj /CN=", name, " -keyout ", path,
                           ".key -out ", path, ".csr"));
      Execute(absl::StrCat("openssl x509 -req -days 2 -in ", path, ".csr -CA ", folder_, "/", ca,
                           ".pem -CAkey ", folder_, "/", ca, ".key -CAcreateserial -out ", path,
                           ".pem"));
    }
    Execute(absl::StrCat("openssl x509 -in ", folder_, "/agent.pem -outform DER -out ", folder_,
                         "/agent.der"));
    AddAccount("agent", "", ToString(Sha256(*ReadFile(folder_ + "/agent.der"))));
    options_.ca = folder_ + "/ca.pem";
    options_.certificate = folder_ + "/node.pem";
    options_.key = folder_ + "/node.key";
  }
  // Who the node takes a client for; empty: no connection. `certificate`: none where empty.
  std::string Asked(const std::string& certificate, const httplib::Headers& headers = {}) {
    const std::string path = folder_ + "/" + certificate;
    std::unique_ptr<httplib::SSLClient> client =
        certificate.empty() ? std::make_unique<httplib::SSLClient>("127.0.0.1", server_->port())
                            : std::make_unique<httplib::SSLClient>("127.0.0.1", server_->port(),
                                                                   path + ".pem", path + ".key");
    client->enable_server_certificate_verification(false);
    const auto result = client->Post(kWhoAmI, headers, "{}", kJson);
    if (!result) return "";
    return nlohmann::json::parse(result->body).value("account", Code(result));
  }

  static inline int counter_ = 0;
  std::string folder_;
  Echo echo_;
  service::MethodTable table_;
  governance::State state_;
  absl::Status health_;
  ConnectServer::Options options_;
  std::unique_ptr<ConnectServer> server_;
};

TEST_F(ConnectServerTest, ACallIsJsonBothWays) {
  Start();
  const auto result = Post(kWhoAmI, "{}", "Application/JSON; charset=utf-8");
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, R"({"account":"clerk","organisation":"中文"})");
  EXPECT_EQ(result->get_header_value("Content-Type"), kJson);
  EXPECT_THAT(
      Post(kWhoAmI, "", kJson, {{"Authorization", "bearer token"}, {"Accept-Language", "en-GB"}})
          ->body,
      HasSubstr("english"));
  EXPECT_EQ(Code(Post(kWhoAmI, "{}", kJson, {})), "401 unauthenticated");
  EXPECT_EQ(Code(Post(kWhoAmI, "{}", kJson, {{"Authorization", "Bearer other"}})),
            "401 unauthenticated");
}

TEST_F(ConnectServerTest, WhatIsNoCallIsRefusedWithTheWayOut) {
  options_.max_body_bytes = 1000;
  Start();
  EXPECT_EQ(Code(Post("/huiliu.v1.Governance/NoSuch", "{}", kJson)), "501 unimplemented");
  EXPECT_EQ(Code(Post("/huiliu.v1.NoSuch/WhoAmI", "{}", kJson)), "501 unimplemented");
  for (const char* path : {"/", "/huiliu.v2.Governance/WhoAmI", "/huiliu.v1.Governance/WhoAmI/x",
                           "/huiliu.v1.Governance/../../etc/passwd"}) {
    const auto lost = Post(path, "{}", kJson);
    EXPECT_EQ(Code(lost), "404 unimplemented") << path;
    EXPECT_THAT(lost->body, HasSubstr("/openapi.json"));
  }
  for (const char* type : {"text/plain", "application/jsonp", "application/grpc", ""}) {
    const auto refused = Post(kWhoAmI, "{}", type);
    EXPECT_EQ(Code(refused), "415 invalid_argument") << type;
    EXPECT_THAT(refused->get_header_value("Accept-Post"), HasSubstr(kJson));
  }
  EXPECT_EQ(Code(Post(kWhoAmI, std::string(1001, ' '), kJson)), "413 resource_exhausted");
  EXPECT_EQ(Code(Post(kWhoAmI, R"({"x)", kJson)), "400 invalid_argument");
  EXPECT_EQ(Code(Post(kWhoAmI, "{}", kStream)), "400 invalid_argument");
  httplib::Client client("127.0.0.1", server_->port());
  EXPECT_EQ(client.Get(kWhoAmI)->status, 404);
}

TEST_F(ConnectServerTest, AStreamEndsWithItsStatus) {
  Start();
  const auto asked = [&](const std::string& name) {
    return Post(kSubscribe, StreamMessage(absl::StrCat("{\"subscription\":\"", name, "\"}")),
                kStream);
  };
  const auto done = asked("");
  EXPECT_EQ(done->status, 200);
  EXPECT_EQ(done->get_header_value("Content-Type"), kStream);
  const std::string three = "{\"cursor\":\"MQ==\"}\n{\"cursor\":\"Mg==\"}\n{\"cursor\":\"Mw==\"}\n";
  EXPECT_EQ(Frames(done->body), three + "end {}\n");
  EXPECT_EQ(Frames(asked("revoked")->body),
            three +
                "end {\"error\":{\"code\":\"permission_denied\",\"message\":\"revoked: "
                "授权已收回\"}}\n");
  EXPECT_THAT(Frames(Post(kSubscribe, "{\"x", kStream)->body), StartsWith("end {\"error\":"));
  EXPECT_EQ(Frames(Post(kSubscribe, "{}", kJson)->body), three + "end {}\n");
}

// Else a reader would take a part for the whole.
TEST_F(ConnectServerTest, AMessageThatJsonCannotSayIsNoGoodEnd) {
  Start();
  const std::string frames =
      Frames(Post(kSubscribe, StreamMessage(R"({"subscription":"unwritable"})"), kStream)->body);
  EXPECT_THAT(frames, StartsWith("end {\"error\":{\"code\":\"internal\""));
}

TEST_F(ConnectServerTest, AStreamNoticesThatItsClientIsGone) {
  Start();
  const int fd = Connect();
  SendText(fd, StreamRequestText("endless"));
  char first[100];
  EXPECT_GT(recv(fd, first, sizeof(first), 0), 0);
  close(fd);
  EXPECT_TRUE(echo_.gone.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST_F(ConnectServerTest, AQuietStreamNoticesThatItsClientIsGone) {
  Start();
  const int fd = Connect();
  SendText(fd, StreamRequestText("follow"));
  while (!echo_.following) absl::SleepFor(absl::Milliseconds(2));
  close(fd);
  const absl::Time begun = absl::Now();
  while (echo_.following && absl::Now() - begun < absl::Seconds(20))
    absl::SleepFor(absl::Milliseconds(2));
  EXPECT_FALSE(echo_.following);
}

TEST_F(ConnectServerTest, StreamsLeaveThreadsForEverythingElse) {
  options_.max_connections = 3;
  options_.max_streams = 1;
  Start();
  const int fd = Connect();
  SendText(fd, StreamRequestText("follow"));
  while (!echo_.following) absl::SleepFor(absl::Milliseconds(2));
  EXPECT_THAT(Frames(Post(kSubscribe, "{}", kJson)->body),
              StartsWith("end {\"error\":{\"code\":\"resource_exhausted\""));
  EXPECT_EQ(Post(kWhoAmI, "{}", kJson)->status, 200);
  server_->Stop();  // ends the stream
  EXPECT_FALSE(echo_.following);
  close(fd);
}

TEST_F(ConnectServerTest, AChunkedBodyIsBoundedToo) {
  options_.max_body_bytes = 1000;
  Start();
  const int fd = Connect();
  SendText(fd,
           absl::StrCat("POST ", kWhoAmI, " HTTP/1.1\r\nHost: x\r\nContent-Type: ", kJson,
                        "\r\nAuthorization: Bearer token\r\nTransfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = absl::StrCat("100\r\n", std::string(256, ' '), "\r\n");
  for (int i = 0; i < 4; ++i) SendText(fd, chunk);  // the body has no end
  const std::string answer = Received(fd);
  EXPECT_THAT(answer, HasSubstr(" 413 "));
  EXPECT_THAT(answer, HasSubstr("resource_exhausted"));
  close(fd);
}

TEST_F(ConnectServerTest, AChunkedBodyWithinTheBoundIsTaken) {
  Start();
  httplib::Client client("127.0.0.1", server_->port());
  const auto chunked = [](size_t, httplib::DataSink& sink) {
    sink.write("{", 1);
    sink.write("}", 1);
    sink.done();
    return true;
  };
  const auto result = client.Post(kWhoAmI, {{"Authorization", "Bearer token"}}, chunked, kJson);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
}

// 1 MB of gzip is 1 GB of spaces.
TEST_F(ConnectServerTest, ACompressedBodyIsRefusedUnread) {
  Start();
  for (const char* encoding : {"gzip", "br", "deflate", "GZIP"}) {
    const auto refused = Post(kWhoAmI, "not read", kJson,
                              {{"Authorization", "Bearer token"}, {"Content-Encoding", encoding}});
    EXPECT_EQ(Code(refused), "415 unimplemented") << encoding;
    EXPECT_THAT(refused->body, HasSubstr("without Content-Encoding"));
  }
  EXPECT_EQ(Post(kWhoAmI, "{}", kJson,
                 {{"Authorization", "Bearer token"}, {"Content-Encoding", "identity"}})
                ->status,
            200);
}

// Also where no page is: the answer comes though the body has no end.
TEST_F(ConnectServerTest, AStrangersBodyIsNotReadToItsEnd) {
  options_.max_body_bytes = 1000;
  options_.patience = absl::Seconds(20);
  Start();
  struct Case {
    const char *method, *path, *status;
  };
  for (const auto& [method, path, status] : {Case{"POST", kWhoAmI, " 401 "},
                                             {"POST", "/huiliu.v1.No/Such", " 501 "},
                                             {"POST", "/nowhere", " 404 "},
                                             {"PUT", "/nowhere", " 404 "},
                                             {"PATCH", kWhoAmI, " 404 "},
                                             {"PRI", "*", " 400 "}}) {
    const int fd = Connect();
    SendText(fd, absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\nContent-Type: ", kJson,
                              "\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n",
                              std::string(4096, ' '), "\r\n"));
    EXPECT_THAT(Received(fd), HasSubstr(status)) << method << " " << path;
    close(fd);
  }
}

TEST_F(ConnectServerTest, ARefusalWhoseBodyHasComeKeepsTheConnection) {
  Start();
  httplib::Client client("127.0.0.1", server_->port());
  client.set_keep_alive(true);
  EXPECT_EQ(client.Post(kWhoAmI, "{}", kJson)->status, 401);
  const auto second = client.Post(kWhoAmI, {{"Authorization", "Bearer token"}}, "{}", kJson);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->status, 200);
}

TEST_F(ConnectServerTest, SilentClientsDelayNobody) {
  options_.patience = absl::Seconds(60);
  Start();
  std::vector<int> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(Connect());
  httplib::Client client("127.0.0.1", server_->port());
  client.set_read_timeout(30);
  const auto health = client.Get("/healthz");
  ASSERT_TRUE(health) << httplib::to_string(health.error());
  EXPECT_EQ(health->status, 200);
  EXPECT_EQ(Post(kWhoAmI, "{}", kJson)->status, 200);
  for (const int fd : silent) close(fd);
}

TEST_F(ConnectServerTest, CallsBeyondTheBoundAreRefusedAndHealthIsNot) {
  options_.max_calls = 1;
  options_.patience = absl::Milliseconds(100);
  Start();
  const int fd = Connect();  // its body never ends
  SendText(fd, absl::StrCat("POST ", kWhoAmI, " HTTP/1.1\r\nHost: x\r\nContent-Type: ", kJson,
                            "\r\nAuthorization: Bearer token\r\nContent-Length: 100\r\n\r\n"));
  std::atomic<bool> feeding = true;
  std::thread feed([&] {
    for (int i = 0; i < 99 && feeding; ++i) {
      if (send(fd, " ", 1, MSG_NOSIGNAL) != 1) return;
      absl::SleepFor(absl::Milliseconds(20));
    }
  });
  std::string code = "200 ", retry_after;
  for (int i = 0; i < 50 && code == "200 "; ++i) {
    const auto answer = Post(kWhoAmI, "{}", kJson);
    retry_after = answer->get_header_value("Retry-After");
    code = Code(answer);
  }
  EXPECT_EQ(code, "503 unavailable");
  EXPECT_EQ(retry_after, "1");
  httplib::Client client("127.0.0.1", server_->port());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  feeding = false;
  feed.join();
  close(fd);
}

TEST_F(ConnectServerTest, SilentClientsLoseTheirThreads) {
  options_.max_connections = 2;
  options_.patience = absl::Milliseconds(100);
  Start();
  std::vector<int> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(Connect());
    SendText(silent.back(), absl::StrCat("POST ", kWhoAmI, " HTTP/1.1\r\nContent-Length: 100\r\n",
                                         i % 2 == 0 ? "\r\n{" : ""));
  }
  EXPECT_EQ(Post(kWhoAmI, "{}", kJson)->status, 200);
  for (const int fd : silent) close(fd);
}

TEST_F(ConnectServerTest, PagesAreThere) {
  Start();
  httplib::Client client("127.0.0.1", server_->port());
  EXPECT_EQ(client.Get("/healthz")->body, "ok\n");
  EXPECT_EQ(client.Get("/metrics")->body, "up 1\n");
  EXPECT_EQ(client.Get("/openapi.json")->body, "{}");
  health_ = absl::UnavailableError("worker return: the disk is full");
  const auto sick = client.Get("/healthz");
  EXPECT_EQ(sick->status, 503);
  EXPECT_EQ(sick->body, "worker return: the disk is full\n");
}

TEST_F(ConnectServerTest, APortThatIsTakenIsNamed) {
  Start();
  options_.address = absl::StrCat("127.0.0.1:", server_->port());
  const auto second = ConnectServer::Start(options_, table_, state_, {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(options_.address));
  for (const char* wrong : {"localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"}) {
    options_.address = wrong;
    const auto refused = ConnectServer::Start(options_, table_, state_, {});
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(wrong));
  }
}

TEST_F(ConnectServerTest, ACertificateOrATokenSaysWhoCalls) {
  MakeCertificates();
  Start();
  EXPECT_EQ(Asked("agent"), "agent");
  EXPECT_EQ(Asked(""), "401 unauthenticated");
  EXPECT_EQ(Asked("", {{"Authorization", "Bearer token"}}), "clerk");
  EXPECT_EQ(Asked("node"), "401 unauthenticated");  // the CA's, and nobody's account
  EXPECT_EQ(Asked("stranger"), "");                 // another CA's is no connection at all
  // A token that is nobody's is not made good by the certificate behind it.
  EXPECT_EQ(Asked("agent", {{"Authorization", "Bearer other"}}), "401 unauthenticated");
  EXPECT_EQ(Asked("agent", {{"Authorization", "Bearer token"}}), "clerk");
}

// One thread serves many connections: none may speak for the one before it.
TEST_F(ConnectServerTest, ACertificateIsForgottenWithItsConnection) {
  options_.max_connections = 1;
  MakeCertificates();
  Start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Asked("agent"), "agent");
    EXPECT_EQ(Asked(""), "401 unauthenticated");
  }
}

TEST_F(ConnectServerTest, ATlsFileThatCannotBeUsedIsNamed) {
  MakeCertificates();
  const ConnectServer::Options good = options_;
  for (std::string ConnectServer::Options::*file :
       {&ConnectServer::Options::ca, &ConnectServer::Options::certificate,
        &ConnectServer::Options::key}) {
    options_ = good;
    options_.*file = folder_ + "/no-such.pem";
    const auto server = ConnectServer::Start(options_, table_, state_, {});
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("/no-such.pem"));
  }
  options_ = good;
  options_.key = folder_ + "/agent.key";
  EXPECT_THAT(std::string(ConnectServer::Start(options_, table_, state_, {}).status().message()),
              HasSubstr("not that of the certificate"));
}

}  // namespace
}  // namespace huiliu::http
