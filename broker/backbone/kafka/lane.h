// One partition as a reader sees it: messages come in, whole batches go out.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_LANE_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_LANE_H_

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "broker/backbone/kafka/client.h"

namespace huiliu::kafka {

// Message headers. The first record of an append says how many there are; then a reader finds the
// append again as one batch, except where compaction took its first record.
inline constexpr char kEnvelopeHeader[] = "envelope";
inline constexpr char kBatchHeader[] = "batch";

// A batch that is not complete yet.
struct OpenBatch {
  StoredBatch batch;
  RecordBatchBuilder records;
  std::vector<Offset> offsets;
  int64_t expected_last = -1;  // offset of the append's last record; -1: not known
  size_t bytes = 0;
  bool gaps = false;
};

// One thread.
class Lane {
 public:
  // Takes the framing off a value; null: values have none.
  using Unframe = std::function<absl::string_view(absl::string_view value)>;
  Lane(TopicPartition tp, int64_t from, Unframe unframe)
      : tp_(std::move(tp)), unframe_(std::move(unframe)), next_(from) {}

  // From here on, dropping what was read ahead.
  void Restart(int64_t from);
  void Add(const rd_kafka_message_t& message);
  // The broker has nothing more below `offset`.
  void ReachedEnd(int64_t offset);
  // There is more after all.
  void EndMoved() { at_end_ = false; }

  // Where reading goes on after what was taken; negative: a logical offset of librdkafka.
  int64_t next() const { return next_; }
  // Every record below was taken, or is none.
  int64_t reached() const;
  bool at_end() const { return at_end_; }
  bool heard() const { return heard_; }
  size_t ready_bytes() const { return ready_bytes_; }
  bool ready() const { return !ready_.empty(); }
  StoredBatch Take();

 private:
  void Finish();

  const TopicPartition tp_;
  const Unframe unframe_;
  int64_t next_;
  int64_t read_ = -1;  // offset after the last message seen
  int64_t end_ = -1;   // where the broker said that nothing more is
  bool at_end_ = false;
  bool heard_ = false;
  std::optional<OpenBatch> partial_;
  std::deque<StoredBatch> ready_;
  size_t ready_bytes_ = 0;
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_LANE_H_
