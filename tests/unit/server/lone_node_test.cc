#include "broker/server/lone_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/backbone/memory/memory_backbone.h"
#include "broker/cluster/cluster.h"

namespace huiliu::server {
namespace {

using testing::HasSubstr;

class LoneNodeTest : public testing::Test {
 protected:
  static Config Named(const std::string& node, const std::string& cluster = "") {
    Config config;
    config.node = node;
    config.cluster.name = cluster;
    return config;
  }
  absl::Status Write(BackboneWriter& writer) {
    Transaction transaction;
    transaction.positions.push_back({"p", "v"});
    return writer.Commit(std::move(transaction)).status();
  }
  void ACluster() {
    Transaction transaction;
    transaction.positions.push_back({cluster::Cluster::kKeysPosition, "digest"});
    ASSERT_TRUE((*backbone_->OpenWriter("any"))->Commit(std::move(transaction)).ok());
  }
  const std::unique_ptr<Backbone> backbone_ = NewMemoryBackbone();
};

TEST_F(LoneNodeTest, TheNewerOfTwoFencesTheOlderWhateverTheyAreCalled) {
  const auto older = *OpenNodeWriter(Named("a"), *backbone_);
  ASSERT_TRUE(Write(*older).ok());
  const auto newer = *OpenNodeWriter(Named("b"), *backbone_);
  const absl::Status fenced = Write(*older);
  EXPECT_TRUE(absl::IsAborted(fenced)) << fenced;
  EXPECT_THAT(std::string(fenced.message()), HasSubstr("another huiliud has taken the prefix"));
  EXPECT_TRUE(Write(*newer).ok());
}

TEST_F(LoneNodeTest, IsRefusedWhereAClusterIsAtHome) {
  ACluster();
  const auto refused = OpenNodeWriter(Named("a"), *backbone_);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("is a cluster's"));
}

TEST_F(LoneNodeTest, IsFencedByANodeOfACluster) {
  const auto lone = *OpenNodeWriter(Named("a"), *backbone_);
  const auto first = *OpenNodeWriter(Named("b", "c"), *backbone_);
  const auto second = *OpenNodeWriter(Named("c", "c"), *backbone_);
  EXPECT_TRUE(absl::IsAborted(Write(*lone)));
  EXPECT_TRUE(Write(*first).ok());
  EXPECT_TRUE(Write(*second).ok());
}

}  // namespace
}  // namespace huiliu::server
