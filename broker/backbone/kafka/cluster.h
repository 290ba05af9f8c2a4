// What is asked of the brokers apart from reading and writing: topics, offsets, groups.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_CLUSTER_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_CLUSTER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/backbone/kafka/client.h"

namespace huiliu::kafka {

enum class Isolation {
  kCommitted,  // up to the first open transaction
  kAll,
};

// Thread-safe. Names are ours (without the prefix). NOT_FOUND: no such topic or partition.
class Cluster {
 public:
  static absl::StatusOr<std::unique_ptr<Cluster>> Open(KafkaOptions options);

  const Client& client() const { return *client_; }
  const KafkaOptions& options() const { return client_->options(); }
  std::string FramingOf(absl::string_view topic) const {
    return options().framing == nullptr ? std::string() : options().framing(topic);
  }

  absl::Status EnsureTopic(const TopicSpec& spec);
  absl::StatusOr<std::vector<TopicSpec>> ListTopics();
  absl::StatusOr<int32_t> PartitionsOf(const std::string& topic);
  absl::Status CheckPartition(const TopicPartition& tp);
  // The brokers said that it is gone.
  void Forget(const std::string& topic);

  // Earliest offset kept, and where the log ends by that isolation.
  absl::StatusOr<std::pair<int64_t, int64_t>> Watermarks(const TopicPartition& tp,
                                                         Isolation isolation);
  // The second of these.
  absl::StatusOr<int64_t> End(const TopicPartition& tp, Isolation isolation);
  // Where each of the logs ends, and where it begins.
  absl::StatusOr<std::map<TopicPartition, int64_t>> Ends(const std::vector<TopicPartition>& tps,
                                                         Isolation isolation) {
    return Edges(tps, isolation, RD_KAFKA_OFFSET_END);
  }
  absl::StatusOr<std::map<TopicPartition, int64_t>> Beginnings(
      const std::vector<TopicPartition>& tps) {
    return Edges(tps, Isolation::kAll, RD_KAFKA_OFFSET_BEGINNING);
  }
  // Of those that have one; waits for open transactions of the group.
  absl::StatusOr<std::map<TopicPartition, int64_t>> CommittedOffsets(
      absl::string_view group, const std::vector<TopicPartition>& tps);

  absl::Status Failed(absl::string_view what, rd_kafka_resp_err_t error,
                      absl::string_view detail = "") const {
    return client_->Failed(what, error, detail);
  }

 private:
  struct Found {
    int32_t partitions = 0;
    int32_t replication = 0;
  };

  explicit Cluster(std::unique_ptr<Client> client)
      : client_(std::move(client)), opaque_(client_.get()) {}
  absl::Status Connect();
  rd_kafka_t* HandleFor(Isolation isolation) const {
    return isolation == Isolation::kCommitted ? committed_.get() : all_.get();
  }
  absl::StatusOr<std::map<TopicPartition, int64_t>> Edges(const std::vector<TopicPartition>& tps,
                                                          Isolation isolation, int64_t which);
  absl::Duration PartOf(absl::Time deadline) const;
  void LookForLeader(const std::string& topic);
  absl::StatusOr<std::map<std::string, Found>> Describe(const std::string& topic);
  absl::Status Create(const TopicSpec& spec, bool* made);
  absl::StatusOr<std::map<std::string, TopicSpec>> Settings(
      const std::map<std::string, Found>& topics, std::map<std::string, int>* min_insync);
  // Starts an admin request and waits for its answer.
  template <typename Start>
  absl::StatusOr<Event> Ask(rd_kafka_t* handle, absl::string_view what, rd_kafka_admin_op_t op,
                            bool stable, const Start& start);
  // For questions about groups. librdkafka keeps a group's coordinator for as long as it is asked,
  // also when that broker has answered that it is another one now: then `stale` is given back for a
  // new one.
  absl::StatusOr<std::shared_ptr<rd_kafka_t>> GroupHandle(const std::shared_ptr<rd_kafka_t>& stale);
  absl::StatusOr<std::map<TopicPartition, int64_t>> AskForOffsets(
      rd_kafka_t* handle, absl::string_view group, const std::vector<TopicPartition>& tps);
  absl::StatusOr<Handle> NewAdmin(Isolation isolation, bool ask_versions = false);

  const std::unique_ptr<Client> client_;
  Opaque opaque_;
  Handle committed_;  // consumers: they make no topics by asking for them
  Handle all_;
  absl::Mutex mutex_;
  std::shared_ptr<rd_kafka_t> groups_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int32_t> partitions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, TopicSpec> specs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_CLUSTER_H_
