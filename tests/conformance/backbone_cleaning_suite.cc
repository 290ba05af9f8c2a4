// The backbone suite's cases on retention and compaction.
#include <iostream>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/conformance/backbone_suite.h"

namespace huiliu {
namespace {

const TopicPartition kTopic{"t", Partition(0)};

struct Read {
  std::vector<std::string> records;  // key=value; a tombstone is key-
  std::vector<int64_t> offsets;
};

Read ReadFrom(Backbone& backbone, Offset from) {
  ReaderOptions options;
  options.assigned = {kTopic};
  options.start = StartAt::kEarliest;
  auto reader = *backbone.OpenReader(options);
  EXPECT_TRUE(reader->Seek(kTopic, from).ok());
  Read out;
  while (true) {
    const auto batches = reader->Poll(absl::ZeroDuration());
    EXPECT_TRUE(batches.ok()) << batches.status();
    if (!batches.ok() || batches->empty()) return out;
    for (const StoredBatch& batch : *batches) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int i, const RecordView& r) {
        const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                    : batch.offsets[static_cast<size_t>(i)];
        if (offset < from) return;
        out.records.push_back(r.tombstone ? absl::StrCat(r.key, "-")
                                          : absl::StrCat(r.key, "=", r.value));
        out.offsets.push_back(offset.value());
      });
    }
  }
}

// An empty value is a tombstone.
void Put(BackboneWriter& writer, const std::vector<std::pair<std::string, std::string>>& records) {
  RecordBatchBuilder builder;
  for (const auto& [key, value] : records) {
    if (value.empty()) {
      builder.AddTombstone(key, "");
    } else {
      builder.Add(key, "", value);
    }
  }
  Transaction t;
  t.appends = {{kTopic, builder.Finish(), static_cast<int32_t>(records.size())}};
  const auto result = writer.Commit(std::move(t));
  ASSERT_TRUE(result.ok()) << result.status();
}

bool CannotClean(const BackboneFactory& factory) {
  if (factory.clean) return false;
  std::cout << "not run: " << factory.name
            << " cleans when it likes (kafka_compaction_test.cc waits for it)\n";
  return true;
}

TEST_P(BackboneSuite, CompactionKeepsTheLatestOfEachKeyAtItsOffset) {
  if (CannotClean(GetParam())) return;
  auto backbone = Open();
  TopicSpec spec = Topic("t");
  spec.cleanup = Cleanup::kCompact;
  spec.tombstone_retention = absl::Hours(1);
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  auto writer = *backbone->OpenWriter("w");
  for (int i = 0; i < 10; ++i) {
    Put(*writer, {{"k0", absl::StrCat(i)}, {"k1", absl::StrCat(i)}, {"k2", absl::StrCat(i)}});
  }
  Put(*writer, {{"k0", ""}});
  Put(*writer, {{"last", "x"}});
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  Read read = ReadFrom(*backbone, Offset(0));
  EXPECT_EQ(read.records, (std::vector<std::string>{"k1=9", "k2=9", "k0-", "last=x"}));
  EXPECT_EQ(read.offsets, (std::vector<int64_t>{28, 29, 30, 31}));
  EXPECT_EQ(backbone->Bounds(kTopic)->end, Offset(32));
  EXPECT_EQ(ReadFrom(*backbone, Offset(29)).offsets, (std::vector<int64_t>{29, 30, 31}));

  // A tombstone goes when its time is over; offsets are never given twice.
  clock_.Advance(absl::Hours(2));
  Put(*writer, {{"k1", "new"}});
  Put(*writer, {{"end", "y"}});
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  read = ReadFrom(*backbone, Offset(0));
  EXPECT_EQ(read.records, (std::vector<std::string>{"k2=9", "last=x", "k1=new", "end=y"}));
  EXPECT_EQ(read.offsets, (std::vector<int64_t>{29, 31, 32, 33}));
}

TEST_P(BackboneSuite, ACompactedTopicCanAlwaysBeReadToItsEnd) {
  if (CannotClean(GetParam())) return;
  auto backbone = Open();
  TopicSpec spec = Topic("t");
  spec.cleanup = Cleanup::kCompact;
  spec.tombstone_retention = absl::Hours(1);
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  auto writer = *backbone->OpenWriter("w");
  Put(*writer, {{"k", "1"}});
  Put(*writer, {{"k", ""}});
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  EXPECT_EQ(ReadFrom(*backbone, Offset(0)).offsets, (std::vector<int64_t>{1}));
}

TEST_P(BackboneSuite, AReaderInTheMiddleOfCompactionGoesOn) {
  if (CannotClean(GetParam())) return;
  auto backbone = Open();
  TopicSpec spec = Topic("t");
  spec.cleanup = Cleanup::kCompact;
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  auto writer = *backbone->OpenWriter("w");
  for (int i = 0; i < 20; ++i) Put(*writer, {{absl::StrCat("k", i % 4), absl::StrCat(i)}});
  ReaderOptions options;
  options.assigned = {kTopic};
  options.start = StartAt::kEarliest;
  options.max_poll_bytes = 1;
  auto reader = *backbone->OpenReader(options);
  std::map<std::string, std::string> latest;
  const auto take = [&](const std::vector<StoredBatch>& batches) {
    for (const StoredBatch& batch : batches) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& r) {
        latest[std::string(r.key)] = std::string(r.value);
      });
    }
  };
  for (int i = 0; i < 6; ++i) take(*reader->Poll(absl::Seconds(5)));
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  for (auto batches = *reader->Poll(absl::ZeroDuration()); !batches.empty();
       batches = *reader->Poll(absl::ZeroDuration()))
    take(batches);
  EXPECT_EQ(latest, (std::map<std::string, std::string>{
                        {"k0", "16"}, {"k1", "17"}, {"k2", "18"}, {"k3", "19"}}));
}

TEST_P(BackboneSuite, RetentionDropsOldBatchesAndTellsReaders) {
  if (CannotClean(GetParam())) return;
  auto backbone = Open();
  TopicSpec spec = Topic("t");
  spec.retention = absl::Hours(1);
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  auto writer = *backbone->OpenWriter("w");
  Put(*writer, {{"a", "1"}, {"b", "2"}});
  clock_.Advance(absl::Hours(2));
  Put(*writer, {{"c", "3"}});
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  EXPECT_EQ(backbone->Bounds(kTopic)->earliest, Offset(2));
  EXPECT_EQ(ReadFrom(*backbone, Offset(2)).records, (std::vector<std::string>{"c=3"}));
  ReaderOptions options;
  options.assigned = {kTopic};
  auto reader = *backbone->OpenReader(options);
  ASSERT_TRUE(reader->Seek(kTopic, Offset(0)).ok());
  EXPECT_EQ(reader->Poll(absl::ZeroDuration()).status().code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE(reader->Seek(kTopic, Offset(2)).ok());
  EXPECT_EQ(reader->Poll(absl::ZeroDuration())->size(), 1U);

  // Everything may go; the next record still gets the next offset.
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  EXPECT_EQ(backbone->Bounds(kTopic)->earliest, Offset(3));
  if (GetParam().reopen) backbone = GetParam().reopen(std::move(backbone));
  EXPECT_EQ(backbone->Bounds(kTopic)->end, Offset(3));
  writer = *backbone->OpenWriter("w");
  Put(*writer, {{"d", "4"}});
  EXPECT_EQ(ReadFrom(*backbone, Offset(3)).offsets, (std::vector<int64_t>{3}));
}

TEST_P(BackboneSuite, RetentionLeavesWhatItsGroupHasYetToRead) {
  if (CannotClean(GetParam())) return;
  auto backbone = Open();
  TopicSpec spec = Topic("t");
  spec.retention = absl::Hours(1);
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  spec.keep_unread_of = "g";
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok()) << "a topic that is there learns of the group";
  auto writer = *backbone->OpenWriter("w");
  Put(*writer, {{"a", "1"}});
  Put(*writer, {{"b", "2"}});
  clock_.Advance(absl::Hours(2));
  if (GetParam().reopen) {
    writer.reset();
    backbone = GetParam().reopen(std::move(backbone));
    writer = *backbone->OpenWriter("w");
  }
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  EXPECT_EQ(backbone->Bounds(kTopic)->earliest, Offset(0)) << "nothing was read";
  Transaction read;
  read.consumed = {{"g", kTopic, Offset(1)}};
  ASSERT_TRUE(writer->Commit(std::move(read)).ok());
  ASSERT_TRUE(GetParam().clean(*backbone).ok());
  EXPECT_EQ(backbone->Bounds(kTopic)->earliest, Offset(1));
  EXPECT_EQ(ReadFrom(*backbone, Offset(1)).records, (std::vector<std::string>{"b=2"}));
}

TEST_P(BackboneSuite, RetentionByBytesKeepsTheNewest) {
  if (CannotClean(GetParam())) return;
  auto backbone = Open();
  TopicSpec spec = Topic("t");
  spec.retention_bytes = 10'000;
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  auto writer = *backbone->OpenWriter("w");
  const std::string value(1000, 'x');
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i) Put(*writer, {{absl::StrCat(i), value}});
    ASSERT_TRUE(GetParam().clean(*backbone).ok());
    const PartitionBounds bounds = *backbone->Bounds(kTopic);
    EXPECT_EQ(bounds.end, Offset(20 * (round + 1)));
    EXPECT_EQ(bounds.end.value() - bounds.earliest.value(), 9);
  }
}

}  // namespace
}  // namespace huiliu
