// A stub that knows the requests of Kafka 0.10: it is told from one that is silent.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "broker/backbone/kafka/kafka_backbone.h"

namespace huiliu {
namespace {

void Put16(std::string* out, int v) {
  out->push_back(static_cast<char>(v >> 8));
  out->push_back(static_cast<char>(v));
}
void Put32(std::string* out, uint32_t v) {
  Put16(out, static_cast<int>(v >> 16));
  Put16(out, static_cast<int>(v & 0xffff));
}

class OldBroker {
 public:
  OldBroker() {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~OldBroker() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int metadata_requests() const { return metadata_; }

 private:
  void Run() {
    while (!stopping_) {
      pollfd ready{listener_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      const int connection = accept(listener_, nullptr, nullptr);
      while (!stopping_ && Answer(connection)) {
      }
      close(connection);
    }
  }

  // False: the connection has ended. Only ApiVersions has an answer.
  bool Answer(int connection) {
    pollfd ready{connection, POLLIN, 0};
    if (poll(&ready, 1, 20) <= 0) return true;
    unsigned char head[12];
    if (recv(connection, head, sizeof head, MSG_WAITALL) != sizeof head) return false;
    const size_t size = static_cast<size_t>(head[2]) << 8 | head[3];
    std::string rest(size - 8, '\0');
    if (!rest.empty() && recv(connection, rest.data(), rest.size(), MSG_WAITALL) <= 0) return false;
    const int key = head[4] << 8 | head[5], version = head[6] << 8 | head[7];
    if (key == 3) ++metadata_;
    if (key != 18) return key != 3;
    std::string body(reinterpret_cast<char*>(head) + 8, 4);
    Put16(&body, version == 0 ? 0 : 35);  // UNSUPPORTED_VERSION
    Put32(&body, 19);
    for (int api = 0; api < 19; ++api) {
      Put16(&body, api);
      Put16(&body, 0);
      Put16(&body, api == 18 ? 0 : 1);
    }
    std::string out;
    Put32(&out, static_cast<uint32_t>(body.size()));
    out += body;
    return send(connection, out.data(), out.size(), MSG_NOSIGNAL) > 0;
  }

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> metadata_ = 0;
  std::thread thread_;
};

TEST(KafkaOldBrokerTest, IsRefusedByNameAndNotAskedWithoutEnd) {
  OldBroker broker;
  KafkaOptions options;
  options.bootstrap = broker.address();
  options.request_timeout = absl::Seconds(20);
  const absl::Status status = KafkaBackbone::Reach(options);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::AllOf(testing::HasSubstr(broker.address()),
                                                            testing::HasSubstr("older than 4.1")));
  EXPECT_LT(broker.metadata_requests(), 50);
}

}  // namespace
}  // namespace huiliu
