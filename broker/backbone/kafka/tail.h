// Where the records of a partition end. Kafka's own end counts the markers of transactions too, so
// the last record is looked up, from the end backwards, when the end has moved.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_TAIL_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_TAIL_H_

#include <map>
#include <memory>

#include "broker/backbone/kafka/kafka_reader.h"

namespace huiliu::kafka {

// Thread-safe.
class Tail {
 public:
  explicit Tail(Cluster& cluster) : cluster_(cluster) {}
  absl::StatusOr<PartitionBounds> BoundsOf(const TopicPartition& tp);

 private:
  struct Known {
    int64_t end = 0;      // Kafka's
    int64_t records = 0;  // the offset after the last record
  };
  // The offset after the last record in [from, end); −1: there is none.
  absl::StatusOr<int64_t> LastRecordEnd(const TopicPartition& tp, int64_t from, int64_t end)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Cluster& cluster_;
  absl::Mutex mutex_;
  std::unique_ptr<KafkaReader> reader_ ABSL_GUARDED_BY(mutex_);
  std::map<TopicPartition, Known> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_TAIL_H_
