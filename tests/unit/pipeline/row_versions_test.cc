#include "broker/pipeline/row_versions.h"

#include <gtest/gtest.h>

#include "broker/backbone/memory/memory_backbone.h"
#include "core/base/clock.h"

namespace huiliu::pipeline {
namespace {

class RowVersionsTest : public ::testing::Test {
 protected:
  RowVersionsTest() : clock_(absl::FromUnixSeconds(1'750'000'000)) {
    backbone_ = NewMemoryBackbone(clock_);
    EXPECT_TRUE(backbone_->EnsureTopic({.name = "t", .partitions = 2}).ok());
    EXPECT_TRUE(backbone_->EnsureTopic({.name = "other"}).ok());
    writer_ = *backbone_->OpenWriter("test");
  }
  void Append(const std::string& topic, int32_t partition, RecordBatchBuilder builder) {
    const int32_t records = builder.count();
    Transaction transaction;
    transaction.appends.push_back({{topic, Partition(partition)}, builder.Finish(), records});
    ASSERT_TRUE(writer_->Commit(std::move(transaction)).ok());
  }

  ManualClock clock_;
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
};

TEST_F(RowVersionsTest, EveryVersionInLogOrderAndOfNoOtherRow) {
  RecordBatchBuilder first;
  first.Add("k2", "other row", "x");
  first.Add("k1", "v1", "x");
  Append("t", 1, std::move(first));
  RecordBatchBuilder second;
  second.AddTombstone("k1", "v2");
  Append("t", 1, std::move(second));
  RecordBatchBuilder elsewhere;
  elsewhere.Add("k1", "of another dataset", "x");
  Append("other", 0, std::move(elsewhere));

  const auto found = FindRowVersions(*backbone_, "t", "k1", absl::Minutes(1));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->complete);
  ASSERT_EQ(found->versions.size(), 2u);
  EXPECT_EQ(found->versions[0].envelope, "v1");
  EXPECT_EQ(found->versions[0].offset, Offset(1));
  EXPECT_FALSE(found->versions[0].tombstone);
  EXPECT_EQ(found->versions[1].envelope, "v2");
  EXPECT_EQ(found->versions[1].offset, Offset(2));
  EXPECT_TRUE(found->versions[1].tombstone);
  EXPECT_EQ(found->versions[1].from, (TopicPartition{"t", Partition(1)}));
}

TEST_F(RowVersionsTest, TheNewestWhereThereAreMany) {
  for (int i = 0; i < 50; ++i) {
    RecordBatchBuilder builder;
    builder.Add("k1", std::to_string(i), "x");
    Append("t", 0, std::move(builder));
  }
  const auto found = FindRowVersions(*backbone_, "t", "k1", absl::Minutes(1));
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->versions.size(), kMaxRowVersions);
  EXPECT_EQ(found->versions.front().envelope, "30");
  EXPECT_EQ(found->versions.back().envelope, "49");
}

TEST_F(RowVersionsTest, NothingFoundIsNoError) {
  auto found = FindRowVersions(*backbone_, "t", "k1", absl::Minutes(1));
  EXPECT_TRUE(found.ok() && found->versions.empty() && found->complete);
  found = FindRowVersions(*backbone_, "no such topic", "k1", absl::Minutes(1));
  EXPECT_TRUE(found.ok() && found->versions.empty() && found->complete);
}

TEST_F(RowVersionsTest, ASearchThatRunsOutOfTimeSaysSo) {
  RecordBatchBuilder builder;
  builder.Add("k1", "v1", "x");
  Append("t", 0, std::move(builder));
  const auto found = FindRowVersions(*backbone_, "t", "k1", absl::ZeroDuration());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->complete);
}

}  // namespace
}  // namespace huiliu::pipeline
