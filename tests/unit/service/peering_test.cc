#include "broker/service/peering.h"

#include <gtest/gtest.h>

#include "broker/backbone/memory/memory_backbone.h"
#include "core/base/retry_info.h"
#include "huiliu/v1/delivery.pb.h"
#include "huiliu/v1/governance.pb.h"

namespace huiliu::service {
namespace {

class NoPeers : public PeerCalls {
 public:
  void Call(const cluster::Peer&, const CallContext&, const Message&, Message*,
            std::function<void(const absl::Status&)>) override {}
  absl::Status Stream(const cluster::Peer&, const CallContext&, const Message&, const Message&,
                      const StreamSink&) override {
    return absl::UnavailableError("no peers");
  }
  std::unique_ptr<PeerPublish> Publish(const cluster::Peer&, const CallContext&,
                                       std::function<void(huiliu::v1::PublishResponse)>,
                                       std::function<void()>) override {
    return nullptr;
  }
};

// Another node that answers at once: with a name, or two messages of a stream.
class AnsweringPeers : public NoPeers {
 public:
  void Call(const cluster::Peer&, const CallContext&, const Message&, Message* response,
            std::function<void(const absl::Status&)> done) override {
    static_cast<huiliu::v1::WhoAmIResponse*>(response)->set_account("told");
    done(absl::OkStatus());
  }
  absl::Status Stream(const cluster::Peer&, const CallContext&, const Message&, const Message&,
                      const StreamSink& sink) override {
    const huiliu::v1::SubscribeResponse message;
    return sink(message) && sink(message) ? absl::OkStatus() : absl::CancelledError("");
  }
};

// A node whose lease has run out, as it is when its brokers are away.
TEST(PeeringTest, WithoutALeaseTheClustersStatusIsToldAndNothingElse) {
  const std::unique_ptr<Backbone> backbone = NewMemoryBackbone();
  governance::State state;
  const auto writer = *backbone->OpenWriter("node/a");
  pipeline::ControlLog log(state, *backbone);
  cluster::ClusterOptions options;
  options.name = "test";
  options.node = "a";
  cluster::Cluster cluster(options,
                           cluster::Cluster::Parts{state, *backbone, *writer, log,
                                                   [](absl::string_view, const absl::Status&) {}});
  ASSERT_EQ(cluster.lease().Term(), 0U);
  NoPeers peers;
  const Peering peering(state, cluster, peers);
  const auto ask = [&](const std::string& method) {
    CallContext context;
    context.caller = governance::Principal{"admin", "org", {}};
    context.method = method;
    bool called = false;
    const absl::Status status = peering.Here(context, [&] {
      called = true;
      return absl::OkStatus();
    });
    EXPECT_EQ(called, status.ok());
    EXPECT_TRUE(status.ok() || IsToBeAskedAgain(status)) << status;
    return status;
  };
  EXPECT_TRUE(ask("huiliu.v1.Cluster/GetStatus").ok());
  for (const char* method :
       {"huiliu.v1.Catalog/Get", "huiliu.v1.Audit/GetBalance", "huiliu.v1.Registry/ListAccounts"})
    EXPECT_TRUE(absl::IsUnavailable(ask(method))) << method;
  // A command is taken by whoever leads; nobody does, and so it was not begun.
  CallContext command;
  command.caller = governance::Principal{"admin", "org", {}};
  command.method = "huiliu.v1.Rules/ProposeRuleSet";
  const auto nowhere = peering.Route(command, huiliu::v1::SubscribeRequest());
  EXPECT_TRUE(IsToBeAskedAgain(nowhere.status())) << nowhere.status();
  // Nor does it hand on what another node has told it of grants and rows; what became of a command
  // it does.
  AnsweringPeers answering;
  const Peering relaying(state, cluster, answering);
  const auto relay = [&](const std::string& method, huiliu::v1::WhoAmIResponse* response) {
    CallContext context;
    context.method = method;
    return relaying.ThereAndWait({}, context, huiliu::v1::WhoAmIRequest(), response);
  };
  huiliu::v1::WhoAmIResponse response;
  EXPECT_TRUE(absl::IsUnavailable(relay("huiliu.v1.Catalog/Get", &response)));
  EXPECT_EQ(response.account(), "");
  EXPECT_TRUE(relay("huiliu.v1.Governance/RevokeGrant", &response).ok());
  EXPECT_EQ(response.account(), "told");
  for (const char* method : {"huiliu.v1.Delivery/Subscribe", "huiliu.v1.Rules/DryRun"}) {
    CallContext context;
    context.method = method;
    int messages = 0;
    const huiliu::v1::SubscribeResponse prototype;
    EXPECT_TRUE(absl::IsUnavailable(
        relaying.StreamThere({}, context, huiliu::v1::SubscribeRequest(), prototype,
                             [&](const google::protobuf::Message&) { return ++messages > 0; })))
        << method;
    EXPECT_EQ(messages, 0);
  }
}

}  // namespace
}  // namespace huiliu::service
