// A compacted topic that Kafka itself compacts while it is written and read: the cases that the
// suite has for backbones which clean when they are told to.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "tests/unit/backbone/kafka_cluster.h"

namespace huiliu {
namespace {

const TopicPartition kA{"a", Partition(0)};
constexpr int kRounds = 40;

struct Read {
  std::map<std::string, std::string> latest;  // of each key that is there
  std::vector<int64_t> offsets;
};

void Take(const std::vector<StoredBatch>& batches, Read* out) {
  for (const StoredBatch& batch : batches) {
    RecordBatchView::Parse(batch.bytes)->ForEach([&](int i, const RecordView& r) {
      out->offsets.push_back(batch.offsets.empty() ? batch.first_offset.value() + i
                                                   : batch.offsets[static_cast<size_t>(i)].value());
      if (r.tombstone) {
        out->latest.erase(std::string(r.key));
      } else {
        out->latest[std::string(r.key)] = std::string(r.value);
      }
    });
  }
}

void TakeToEnd(BackboneReader& reader, Read* out) {
  while (true) {
    const auto batches = reader.Poll(absl::ZeroDuration());
    ASSERT_TRUE(batches.ok()) << batches.status();
    if (batches->empty()) return;
    Take(*batches, out);
  }
}

std::unique_ptr<BackboneReader> OpenReader(Backbone& backbone, int64_t max_poll_bytes = 1 << 20) {
  ReaderOptions options;
  options.assigned = {kA};
  options.start = StartAt::kEarliest;
  options.max_poll_bytes = max_poll_bytes;
  auto reader = backbone.OpenReader(options);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return *std::move(reader);
}

void Put(BackboneWriter& writer, const std::vector<std::pair<std::string, std::string>>& records) {
  RecordBatchBuilder builder;
  for (const auto& [key, value] : records) {
    if (value.empty()) {
      builder.AddTombstone(key, "");
    } else {
      builder.Add(key, "envelope", value);
    }
  }
  Transaction transaction;
  transaction.appends = {{kA, builder.Finish(), static_cast<int32_t>(records.size())}};
  const auto result = writer.Commit(std::move(transaction));
  ASSERT_TRUE(result.ok()) << result.status();
}

// Segments end at once and are compacted at once. Kafka's own defaults take a week and half the
// log.
void CompactEagerly(const KafkaOptions& options, const std::string& topic) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", options.bootstrap.c_str(), nullptr, 0);
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"cleanup.policy", "compact"},
                                          {"segment.ms", "200"},
                                          {"min.cleanable.dirty.ratio", "0.01"},
                                          {"min.compaction.lag.ms", "0"},
                                          {"delete.retention.ms", "100"}})
    rd_kafka_ConfigResource_set_config(resource, name.c_str(), value.c_str());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(handle);
  rd_kafka_AlterConfigs(handle, &resource, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 20000);
  EXPECT_TRUE(event != nullptr && rd_kafka_event_error(event) == 0);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_ConfigResource_destroy(resource);
  rd_kafka_destroy(handle);
}

TEST(KafkaCompactionTest, LeavesTheLatestOfEachKeyAtItsOffset) {
  const KafkaOptions options = KafkaCluster::One().Fresh();
  auto opened = KafkaBackbone::Open(options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  Backbone& backbone = **opened;
  TopicSpec spec;
  spec.name = "a";
  spec.partitions = 1;
  spec.cleanup = Cleanup::kCompact;
  ASSERT_TRUE(backbone.EnsureTopic(spec).ok());
  CompactEagerly(options, options.prefix + "a");
  auto writer = *backbone.OpenWriter("w");
  Put(*writer, {{"gone", "x"}, {"k0", "first"}});
  const auto middle = OpenReader(backbone, 1);
  Read through;
  Take(*middle->Poll(absl::Seconds(5)), &through);
  ASSERT_EQ(through.offsets, (std::vector<int64_t>{0, 1}));
  for (int i = 0; i < kRounds; ++i) {
    Put(*writer, {{"k0", absl::StrCat(i)}, {"k1", absl::StrCat(i)}, {"k2", absl::StrCat(i)}});
  }
  Put(*writer, {{"gone", ""}});
  std::map<std::string, std::string> expected = {{"k0", absl::StrCat(kRounds - 1)},
                                                 {"k1", absl::StrCat(kRounds - 1)},
                                                 {"k2", absl::StrCat(kRounds - 1)}};
  // Each tick ends a segment; the last one is never compacted.
  Read whole;
  for (int tick = 0; tick < 300; ++tick) {
    absl::SleepFor(absl::Milliseconds(250));
    Put(*writer, {{"tick", absl::StrCat(tick)}});
    expected["tick"] = absl::StrCat(tick);
    whole = {};
    TakeToEnd(*OpenReader(backbone), &whole);
    ASSERT_EQ(whole.latest, expected) << "at every moment";
    if (whole.offsets.size() <= 8) break;
  }
  EXPECT_LE(whole.offsets.size(), 8U) << "Kafka has not compacted";
  EXPECT_TRUE(std::is_sorted(whole.offsets.begin(), whole.offsets.end()));
  const auto bounds = backbone.Bounds(kA);
  ASSERT_TRUE(bounds.ok()) << bounds.status();
  EXPECT_EQ(bounds->end.value(), whole.offsets.back() + 1);
  EXPECT_GT(bounds->end.value(), 3 * kRounds) << "offsets are never given twice";

  TakeToEnd(*middle, &through);
  EXPECT_EQ(through.latest, expected) << "a reader that was in the middle goes on";
  // From an offset that is there no more it goes on behind it.
  const auto inside = OpenReader(backbone);
  ASSERT_TRUE(inside->Seek(kA, Offset(2)).ok());
  Read from;
  TakeToEnd(*inside, &from);
  EXPECT_EQ(from.latest, expected);
}

}  // namespace
}  // namespace huiliu
