// A writer over a transactional producer: commits that wait together share one transaction, and an
// outcome that was not heard is found out.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_WRITER_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_WRITER_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/backbone/kafka/key_table.h"
#include "broker/backbone/kafka/producer.h"

namespace huiliu::kafka {

// What the writers of one backbone share; outlives them.
struct WriterParts {
  Cluster& cluster;
  GroupMembers& members;
  KeyTable& positions;    // positions, and the mark that each transaction leaves
  KeyTable& writers;      // who opened the writer last
  PlainProducer& claims;  // writes to the writers topic
};

// Keys in the positions topic: "p/" a position, "w/" the mark of a writer's last transaction.
std::string PositionKey(absl::string_view key);
std::string MarkKey(absl::string_view writer_id);
// Why a record of the topic of positions, of that of claims is none of ours; empty: it may be.
std::string WhyNotStored(const KafkaOptions& options, const RecordView& record);
std::string WhyNotClaim(const RecordView& record);

class KafkaWriter : public BackboneWriter {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaWriter>> Open(WriterParts parts, std::string id);
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override;

 private:
  struct Waiting {
    Transaction transaction;
    size_t bytes = 0;
    bool done = false;
    absl::StatusOr<CommitResult> result = absl::UnknownError("");
  };
  using Group = std::vector<Waiting*>;

  KafkaWriter(WriterParts parts, std::string id);
  absl::Status Check(const Transaction& transaction) const;
  absl::Status CheckAll(const Group& group) const;
  Group NextGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The steps of the one thread that leads.
  void Run(const Group& group);
  absl::Status CommitGroup(const Group& group);
  TxnStep Attempt(const Group& group, absl::Time deadline, bool* in_doubt);
  TxnStep SendAll(const Group& group);
  TxnStep SendPosition(const std::string& key, absl::string_view value);
  using OffsetsByGroup = std::map<std::string, std::map<TopicPartition, Offset>>;
  static OffsetsByGroup ConsumedBy(const Group& group);
  // Whether this process still has every partition whose offsets the group carries.
  bool Holds(const Group& group) const;
  TxnStep SendConsumed(const Group& group);
  void Drop();
  // After Drop. ABORTED: a newer writer has the id.
  absl::Status Rebuild();
  absl::Status CheckClaim();
  // Whether transaction `sequence_` was committed. Only after Rebuild.
  absl::StatusOr<bool> WasCommitted();
  void AwaitVisible(absl::Time deadline);
  void Fill(const Group& group);

  const WriterParts parts_;
  const std::string id_;
  const std::string incarnation_;

  absl::Mutex mutex_;
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Waiting*> queue_ ABSL_GUARDED_BY(mutex_);

  // Of the leading thread.
  std::unique_ptr<Producer> producer_;
  uint64_t sequence_ = 0;
  bool fenced_ = false;
  std::vector<std::vector<int64_t>> offsets_;  // per transaction of the group, per append
  std::map<TopicPartition, int64_t> last_;     // per partition
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_WRITER_H_
