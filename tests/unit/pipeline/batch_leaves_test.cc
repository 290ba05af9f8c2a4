#include "broker/pipeline/batch_leaves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/backbone/memory/memory_backbone.h"
#include "broker/pipeline/envelope_bytes.h"
#include "core/base/clock.h"
#include "core/model/batch_digest.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::pipeline {
namespace {

constexpr int32_t kPartitions = 3;
constexpr int kRecords = 10;

// Batches as intake splits them: record i of each lies in partition i % 3.
class BatchLeavesTest : public ::testing::Test {
 protected:
  BatchLeavesTest() : clock_(absl::FromUnixSeconds(1'750'000'000)) {
    backbone_ = NewMemoryBackbone(clock_);
    EXPECT_TRUE(backbone_->EnsureTopic({.name = "t", .partitions = kPartitions}).ok());
    writer_ = *backbone_->OpenWriter("test");
  }
  static std::string Envelope(uint64_t sequence, int index) {
    huiliu::v1::Envelope envelope;
    envelope.set_system("si");
    envelope.set_source_epoch(7);
    envelope.set_source_sequence(sequence);
    envelope.set_index_in_batch(static_cast<uint32_t>(index));
    return envelope.SerializeAsString();
  }
  // `leave_out`: a record that compaction has taken.
  void Append(uint64_t sequence, int leave_out = -1) {
    const int64_t arrival = absl::ToUnixMicros(clock_.Now());
    std::vector<RecordBatchBuilder> builders(kPartitions);
    for (int i = 0; i < kRecords; ++i) {
      if (i == leave_out) continue;
      std::string header = Envelope(sequence, i);
      AppendArrival(arrival, &header);
      if (sequence == 50 && i == 4) header_ = header;
      builders[static_cast<size_t>(i % kPartitions)].Add(absl::StrCat("k", i), header,
                                                         absl::StrCat("content ", sequence, i));
    }
    Transaction transaction;
    for (int32_t p = 0; p < kPartitions; ++p) {
      const int32_t records = builders[static_cast<size_t>(p)].count();
      transaction.appends.push_back(
          {{"t", Partition(p)}, builders[static_cast<size_t>(p)].Finish(), records});
    }
    auto committed = writer_->Commit(std::move(transaction));
    ASSERT_TRUE(committed.ok());
    // Record 4 is the second of partition 1.
    if (sequence == 50) offset_ = Offset(committed->first_offsets[1].value() + 1);
  }
  void AppendMany(int leave_out_of_50 = -1) {
    for (uint64_t sequence = 1; sequence <= 100; ++sequence) {
      Append(sequence, sequence == 50 ? leave_out_of_50 : -1);
      clock_.Advance(absl::Seconds(20));
    }
  }
  BatchSearch Search() {
    BatchSearch search{{"t", Partition(1)}, offset_, header_};
    search.found = [this](const LeafParts& parts) {
      found_ = absl::StrCat(parts.key, " ", parts.payload == Sha256("content 504"));
      EXPECT_EQ(std::string(parts.envelope), Envelope(50, 4)) << "as it was signed";
    };
    return search;
  }
  static Digest Leaf(uint64_t sequence, int i) {
    return RecordLeafHash(absl::StrCat("k", i), Envelope(sequence, i),
                          Sha256(absl::StrCat("content ", sequence, i)));
  }

  ManualClock clock_;
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<BackboneWriter> writer_;
  std::string header_;
  Offset offset_{0};
  std::string found_;
};

TEST_F(BatchLeavesTest, ABatchIsGatheredFromAllPartitions) {
  AppendMany();
  const auto leaves = FindBatchLeaves(*backbone_, Search());
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  EXPECT_TRUE(leaves->searched);
  EXPECT_EQ(found_, "k4 1");
  ASSERT_EQ(leaves->by_index.size(), static_cast<size_t>(kRecords));
  for (int i = 0; i < kRecords; ++i)
    EXPECT_EQ(leaves->by_index.at(static_cast<uint32_t>(i)), Leaf(50, i)) << i;
}

TEST_F(BatchLeavesTest, WhatCompactionTookIsMissing) {
  AppendMany(5);
  const auto leaves = FindBatchLeaves(*backbone_, Search());
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  EXPECT_EQ(leaves->by_index.size(), static_cast<size_t>(kRecords - 1));
  EXPECT_FALSE(leaves->by_index.contains(5));
}

TEST_F(BatchLeavesTest, ItEndsWhereEnoughIsFoundAndWhereTimeRunsOut) {
  AppendMany();
  BatchSearch search = Search();
  search.complete = [](const auto& by_index) { return by_index.size() == 3; };
  EXPECT_EQ(FindBatchLeaves(*backbone_, search)->by_index.size(), 3U) << "its own partition";
  search.complete = nullptr;
  search.limit = absl::ZeroDuration();
  EXPECT_FALSE(FindBatchLeaves(*backbone_, search)->searched);
}

// Two writers of one partition on Kafka: what one appended at once may stand between the other's.
TEST_F(BatchLeavesTest, ARecordOfAnotherWriterInBetweenHidesNoneOfTheBatch) {
  const int64_t arrival = absl::ToUnixMicros(clock_.Now());
  std::vector<Offset> offsets;
  std::vector<std::string> headers;
  // Of each: its source, and its place in its batch; one append each, as a reader finds them.
  const std::pair<const char*, int> records[] = {{"a", 0}, {"b", 0}, {"a", 1}, {"b", 1},
                                                 {"b", 2}, {"b", 3}, {"a", 2}};
  for (const auto& [source, index] : records) {
    huiliu::v1::Envelope envelope;
    envelope.ParseFromString(Envelope(50, index));
    envelope.set_source(source);
    std::string header = envelope.SerializeAsString();
    AppendArrival(arrival, &header);
    RecordBatchBuilder batch;
    batch.Add(absl::StrCat(source, index), header, "content");
    Transaction transaction;
    transaction.appends.push_back({{"t", Partition(0)}, batch.Finish(), 1});
    offsets.push_back((*writer_->Commit(std::move(transaction))).first_offsets[0]);
    headers.push_back(header);
  }
  for (const size_t asked : {size_t{0}, size_t{2}, size_t{6}}) {
    BatchSearch search{{"t", Partition(0)}, offsets[asked], headers[asked]};
    std::string found;
    search.found = [&](const LeafParts& parts) { found = std::string(parts.key); };
    const auto leaves = FindBatchLeaves(*backbone_, search);
    ASSERT_TRUE(leaves.ok()) << leaves.status();
    EXPECT_EQ(found, absl::StrCat("a", records[asked].second));
    ASSERT_EQ(leaves->by_index.size(), 3U) << "asked of record " << asked;
    for (const size_t at : {size_t{0}, size_t{2}, size_t{6}}) {
      EXPECT_EQ(leaves->by_index.at(static_cast<uint32_t>(records[at].second)),
                RecordLeafHash(absl::StrCat("a", records[at].second), WithoutArrival(headers[at]),
                               Sha256("content")));
    }
  }
}

// The same epoch and sequence of another source of the system: it came at another time.
TEST_F(BatchLeavesTest, ABatchThatCameAtAnotherTimeIsAnother) {
  Append(50);
  const std::string header = header_;
  const Offset offset = offset_;
  clock_.Advance(absl::Microseconds(1));
  Append(50, 0);
  header_ = header;
  offset_ = offset;
  const auto leaves = FindBatchLeaves(*backbone_, Search());
  ASSERT_TRUE(leaves.ok());
  EXPECT_TRUE(leaves->by_index.contains(0));
}

}  // namespace
}  // namespace huiliu::pipeline
