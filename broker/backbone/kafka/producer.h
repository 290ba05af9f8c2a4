// One transactional producer: one transaction at a time.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_PRODUCER_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_PRODUCER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/backbone/kafka/cluster.h"
#include "broker/backbone/kafka/kafka_reader.h"
#include "core/model/record_batch.h"

namespace huiliu::kafka {

// Why a step failed and what may be done now.
struct TxnFailure {
  enum class Way {
    kAbort,    // Abort(), then another transaction may begin
    kFenced,   // a newer producer of the id is there; this one is dead
    kRebuild,  // this one is of no use any more
  };
  absl::Status status;
  Way way = Way::kRebuild;
};
using TxnStep = std::optional<TxnFailure>;  // nullopt: done

// Order of calls: (Begin Send* Flush SendOffsets* (Commit | Abort))*. After a failure only what its
// way says; after a failed Abort, or a Commit that failed otherwise than by kAbort, only the
// destructor, which does not wait. One thread.
class Producer {
 public:
  // Fences every earlier producer of the id and ends its transaction.
  static absl::StatusOr<std::unique_ptr<Producer>> Open(Cluster& cluster,
                                                        const std::string& transactional_id);
  ~Producer();
  // From now on only the destructor is called, which does not wait.
  void GiveUp() { broken_ = true; }

  TxnStep Begin();
  // `count` > 0: the first record of an append of that many. `slot`: asked of OffsetOf. `framing`
  // goes before the value.
  TxnStep Send(const TopicPartition& to, const RecordView& record, int32_t count, size_t slot,
               absl::string_view framing = "");
  TxnStep Flush(absl::Time deadline);
  TxnStep SendOffsets(const GroupMetadata& group, const std::map<TopicPartition, Offset>& next);
  TxnStep Commit(absl::Time deadline);
  absl::Status Abort(absl::Time deadline);

  // Since Begin a request timed out or a connection broke, so that librdkafka may have repeated a
  // request. The first copy may still reach a broker that stood still, and then it ends the
  // producer's *next* transaction in the middle: one that is aborted or committed in part. Only a
  // new epoch keeps it out, which opening the id again gives.
  bool Troubled() const { return sent_->troubles != troubles_at_begin_; }

  static constexpr size_t kNoSlot = ~size_t{0};
  // After Flush: of the record sent with that slot; −1: the broker did not say.
  int64_t OffsetOf(size_t slot) const;
  // After Flush: the last offset in each partition; −1: the broker did not say.
  const std::map<TopicPartition, int64_t>& last_offsets() const { return last_; }

 private:
  struct Sent : Opaque {
    using Opaque::Opaque;
    std::vector<int64_t> offsets;  // by slot
    std::map<std::pair<std::string, int32_t>, int64_t> last;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string where;
  };
  static void OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);

  explicit Producer(Cluster& cluster)
      : cluster_(cluster), sent_(std::make_unique<Sent>(&cluster.client())) {}
  TxnFailure FailureOf(absl::string_view what, const rd_kafka_error_t& error) const;

  Cluster& cluster_;
  std::unique_ptr<Sent> sent_;
  Handle handle_;
  bool broken_ = false;
  int troubles_at_begin_ = 0;
  std::map<TopicPartition, int64_t> last_;
};

// A producer without transactions, for single records that are durable when Put answers.
// Thread-safe.
class PlainProducer {
 public:
  static absl::StatusOr<std::unique_ptr<PlainProducer>> Open(Cluster& cluster);
  // Answers the record's offset.
  absl::StatusOr<int64_t> Put(const TopicPartition& to, absl::string_view key,
                              absl::string_view value);

 private:
  explicit PlainProducer(Cluster& cluster) : cluster_(cluster), opaque_(&cluster.client()) {}
  Cluster& cluster_;
  Opaque opaque_;
  Handle handle_;
  absl::Mutex mutex_;
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_PRODUCER_H_
