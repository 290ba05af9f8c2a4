// The backbone suite over a real Kafka.
#include "broker/backbone/kafka/kafka_backbone.h"

#include "tests/conformance/backbone_suite.h"
#include "tests/unit/backbone/kafka_cluster.h"

namespace huiliu {
namespace {

KafkaOptions last_options;

std::unique_ptr<Backbone> OpenWith(KafkaOptions options) {
  last_options = options;
  auto backbone = KafkaBackbone::Open(std::move(options));
  EXPECT_TRUE(backbone.ok()) << backbone.status();
  return *std::move(backbone);
}

INSTANTIATE_TEST_SUITE_P(Kafka, BackboneSuite,
                         testing::Values(BackboneFactory{
                             "kafka", [](Clock&) { return OpenWith(KafkaCluster::One().Fresh()); },
                             [](std::unique_ptr<Backbone> old) {
                               old.reset();
                               return OpenWith(last_options);
                             },
                             nullptr, false}));

}  // namespace
}  // namespace huiliu
