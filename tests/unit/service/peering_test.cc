#include "broker/service/peering.h"

#include <gtest/gtest.h>

#include "broker/backbone/memory/memory_backbone.h"

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
    return status;
  };
  EXPECT_TRUE(ask("huiliu.v1.Cluster/GetStatus").ok());
  for (const char* method :
       {"huiliu.v1.Catalog/Get", "huiliu.v1.Audit/GetBalance", "huiliu.v1.Registry/ListAccounts"})
    EXPECT_TRUE(absl::IsUnavailable(ask(method))) << method;
}

}  // namespace
}  // namespace huiliu::service
