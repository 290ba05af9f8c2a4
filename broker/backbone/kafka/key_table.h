// The latest value of each key of a compacted topic, read when it is asked for.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_KEY_TABLE_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_KEY_TABLE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "broker/backbone/kafka/kafka_reader.h"

namespace huiliu::kafka {

// Thread-safe. What others wrote is passed over, and KafkaOptions.on_foreign is told of it: the
// value before it stays, as long as compaction leaves that.
class KeyTable {
 public:
  // Why a record is none of ours; empty: it is.
  using WhyNot = std::function<std::string(const RecordView&)>;
  KeyTable(Cluster& cluster, std::string topic, int32_t partitions, Isolation isolation,
           WhyNot why_not)
      : cluster_(cluster),
        topic_(std::move(topic)),
        partitions_(partitions),
        isolation_(isolation),
        why_not_(std::move(why_not)) {}

  // What it is now: transactions that are open now are waited for, since one may turn out to be
  // committed.
  absl::StatusOr<std::optional<std::string>> Get(absl::string_view key);
  TopicPartition PlaceOf(absl::string_view key) const { return {topic_, PartitionOf(key)}; }

 private:
  Partition PartitionOf(absl::string_view key) const;
  void Take(const StoredBatch& batch, const RecordBatchView& view)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadTo(const TopicPartition& tp, int64_t end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Cluster& cluster_;
  const std::string topic_;
  const int32_t partitions_;
  const Isolation isolation_;
  const WhyNot why_not_;
  absl::Mutex mutex_;
  std::unique_ptr<KafkaReader> reader_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::string> values_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_KEY_TABLE_H_
