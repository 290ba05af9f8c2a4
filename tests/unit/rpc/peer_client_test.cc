#include "broker/rpc/peer_client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "huiliu/v1/delivery.pb.h"

namespace huiliu::rpc {
namespace {

// A loopback port that is bound, so nobody else's; it listens only when told to.
class Port {
 public:
  Port() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  ~Port() { close(socket_); }
  int number() const { return number_; }
  // Takes a connection and drops it, as a node that dies does.
  void DropOne() const {
    ASSERT_EQ(listen(socket_, 8), 0);
    const int taken = accept(socket_, nullptr, nullptr);
    ASSERT_GE(taken, 0);
    char bytes[64];
    EXPECT_GT(read(taken, bytes, sizeof bytes), 0);
    close(taken);
  }

 private:
  const int socket_;
  int number_ = 0;
};

absl::Status Subscribe(service::PeerCalls& peers, const Port& port) {
  service::CallContext context;
  context.caller.emplace();
  context.method = "huiliu.v1.Delivery/Subscribe";
  return peers.Stream({"n1", absl::StrCat("127.0.0.1:", port.number())}, context,
                      huiliu::v1::SubscribeRequest(),
                      huiliu::v1::SubscribeResponse::default_instance(),
                      [](const google::protobuf::Message&) { return true; });
}

// A call that is over before its first read begins is told to be over, every time.
TEST(PeerClient, StreamsToANodeThatIsGoneEnd) {
  const TokenSeal seal("0123456789abcdef");
  const auto peers = NewPeerClient({}, seal);
  const Port port;
  for (int i = 0; i < 2000; ++i) {
    const absl::Status ended = Subscribe(*peers, port);
    ASSERT_TRUE(absl::IsUnavailable(ended)) << ended;
  }
}

TEST(PeerClient, StreamsOfANodeThatDiesEnd) {
  const TokenSeal seal("0123456789abcdef");
  const auto peers = NewPeerClient({}, seal);
  const Port port;
  std::thread node([&] { port.DropOne(); });
  const absl::Status ended = Subscribe(*peers, port);
  node.join();
  EXPECT_TRUE(absl::IsUnavailable(ended)) << ended;
}

}  // namespace
}  // namespace huiliu::rpc
