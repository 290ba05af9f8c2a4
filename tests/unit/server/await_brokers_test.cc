#include "broker/server/await_brokers.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "broker/server/health.h"
#include "broker/server/stop_within.h"

namespace huiliu::server {
namespace {

using testing::HasSubstr;

TEST(AwaitBrokersTest, WithoutKafkaThereIsNothingToWaitFor) {
  EXPECT_TRUE(AwaitBrokers(Config(), [](absl::Duration) { return true; }).ok());
}

int FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  close(socket);
  return ntohs(address.sin_port);
}

TEST(AwaitBrokersTest, WhileNoBrokerAnswersHealthSaysSoAndTheProcessCanEnd) {
  Config config;
  config.backbone = "kafka";
  config.kafka.bootstrap = "127.0.0.1:1";
  const int port = FreePort();
  config.http_address = "127.0.0.1:" + std::to_string(port);
  std::string body;
  int code = 0;
  const absl::Status status = AwaitBrokers(config, [&](absl::Duration) {
    httplib::Client client("127.0.0.1", port);
    if (const auto answer = client.Get("/healthz")) {
      code = answer->status;
      body = answer->body;
    }
    return true;
  });
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(code, 503);
  EXPECT_THAT(body, HasSubstr("waiting for Kafka"));
  EXPECT_THAT(body, HasSubstr("127.0.0.1:1"));
}

TEST(StopWithinTest, GivesUpOnlyWhereStoppingDoesNotEnd) {
  bool gave_up = false;
  StopWithin([] {}, absl::InfiniteDuration(), [&] { gave_up = true; });
  EXPECT_FALSE(gave_up);
  absl::Notification released;
  StopWithin([&] { released.WaitForNotification(); }, absl::Milliseconds(1),
             [&] {
               gave_up = true;
               released.Notify();
             });
  EXPECT_TRUE(gave_up);
}

// A worker that works must not say that another does.
TEST(HealthTest, EachWorkerEndsItsOwnErrorAlone) {
  Health health;
  health.Report("return/3", absl::NotFoundError("topic returned.1.x"));
  health.Report("return/reconcile", absl::OkStatus());
  health.Report("return/4", absl::OkStatus());
  EXPECT_THAT(std::string(health.Overall().message()), HasSubstr("return/3: NOT_FOUND"));
  health.Report("return/3", absl::OkStatus());
  EXPECT_TRUE(health.Overall().ok());
}

}  // namespace
}  // namespace huiliu::server
