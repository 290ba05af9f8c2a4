// A reader over one librdkafka consumer.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_READER_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_READER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/backbone/kafka/cluster.h"
#include "broker/backbone/kafka/lane.h"

namespace huiliu::kafka {

class KafkaReader;
using GroupMetadata = std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                                      Destroyer<rd_kafka_consumer_group_metadata_destroy>>;

struct MemberOffsets {
  GroupMetadata metadata;
  std::map<TopicPartition, Offset> offsets;
};

// The readers of this process that share a group: whoever commits their offsets does it in the name
// of the member that has the partition, so that the brokers refuse a zombie. Thread-safe.
class GroupMembers {
 public:
  void Add(const std::string& group, KafkaReader* reader);
  void Remove(const std::string& group, KafkaReader* reader);
  // The offsets by the members that hold their partitions, each as it is now; by the group without
  // a member where this process has never joined it (its readers have fixed partitions). A
  // partition is given where the process has joined and does not hold it any more: brokers take
  // offsets without a member from anybody.
  std::optional<TopicPartition> ByMember(const std::string& group, const std::string& group_id,
                                         const std::map<TopicPartition, Offset>& offsets,
                                         std::vector<MemberOffsets>* out);

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::set<KafkaReader*>> readers_ ABSL_GUARDED_BY(mutex_);
};

struct ReaderTuning {
  Isolation isolation = Isolation::kCommitted;
  // How long a broker holds a request for more: then it tells that the end is reached.
  absl::Duration fetch_wait = absl::Milliseconds(100);
  // False: only offsets matter. Values keep their frames then, and nobody is asked for a schema:
  // who answers may be waiting for the one who reads.
  bool values = true;
};

class KafkaReader : public BackboneReader {
 public:
  // `members` may be null where no group is subscribed. Both outlive the reader.
  static absl::StatusOr<std::unique_ptr<KafkaReader>> Open(Cluster& cluster, GroupMembers* members,
                                                           ReaderOptions options,
                                                           ReaderTuning tuning = {});
  ~KafkaReader() override;

  absl::StatusOr<std::vector<StoredBatch>> Poll(absl::Duration timeout) override;
  absl::Status Seek(const TopicPartition& tp, Offset next) override;
  std::vector<TopicPartition> Assignment() const override;

  // Every record of the partition below was returned by Poll, or is none.
  int64_t Reached(const TopicPartition& tp) const;
  // Reads other partitions from now on, each from its offset.
  void Reassign(const std::map<TopicPartition, int64_t>& from);

  // Any thread.
  bool Holds(const TopicPartition& tp) const;
  // Null where it has left the group (it was not polled for too long).
  GroupMetadata Metadata() const;

 private:
  KafkaReader(Cluster& cluster, GroupMembers* members, ReaderOptions options, ReaderTuning tuning)
      : cluster_(cluster),
        members_(members),
        options_(std::move(options)),
        values_(tuning.values),
        opaque_(std::make_shared<Opaque>(&cluster.client(), this)) {}

  bool in_group() const { return !options_.subscribed_topics.empty(); }
  absl::Status Start(ReaderTuning tuning);
  absl::Status StartAssigned();
  absl::Status StartGroup();
  absl::StatusOr<std::map<TopicPartition, int64_t>> StartsOf(
      const std::vector<TopicPartition>& tps);
  // Takes some of what librdkafka has; waits up to `wait` for the first. Whether there was any.
  bool Pump(absl::Duration wait);
  void Take(const rd_kafka_message_t& message);
  absl::Status ApplyRestart();
  absl::Status LookAgain();
  bool AtEnd() const;
  bool HeardOfAll() const;
  size_t ReadyBytes() const;
  std::vector<StoredBatch> TakeReady();
  void OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                   rd_kafka_topic_partition_list_t* list);
  static void Rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                        rd_kafka_topic_partition_list_t* list, void* opaque);
  void Assigned(rd_kafka_t* handle, rd_kafka_topic_partition_list_t* list);
  void Revoked(const rd_kafka_topic_partition_list_t& list);
  TopicPartition Named(const char* topic, int32_t partition) const {
    return {cluster_.client().Unnamed(topic), Partition(partition)};
  }
  Lane::Unframe UnframeOf(const TopicPartition& tp) const;

  Cluster& cluster_;
  GroupMembers* const members_;
  const ReaderOptions options_;
  const bool values_;
  const std::shared_ptr<Opaque> opaque_;
  Handle handle_;
  Queue queue_;

  std::map<TopicPartition, Lane> lanes_;
  TopicPartition last_taken_;  // the next Poll begins behind it
  bool restart_ = false;       // lanes are to be assigned anew
  absl::Status failed_;        // told by the next Poll
  mutable absl::Mutex mutex_;
  std::set<TopicPartition> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_READER_H_
