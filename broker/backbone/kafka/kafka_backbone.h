// The backbone on Apache Kafka (>= 4.1): docs/formats/backbone-kafka.md.
//
// One record is one message, so that any Kafka client can read the topics. Where Kafka cannot keep
// the letter of backbone.h:
//   offsets    each transaction ends with a marker that takes an offset: offsets grow, with gaps;
//              Bounds().end is the offset after the last committed record
//   together   a commit becomes visible partition by partition. Commit answers when all of it is.
//   groups     a group is shared among all nodes. A transaction that commits offsets of a partition
//              which is another member's by now answers CANCELLED: nothing of it was written, and
//              the reader's next Poll tells what was revoked.
//   retention  knows no keep_unread_of
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_BACKBONE_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_BACKBONE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "broker/backbone/backbone.h"

namespace huiliu {

struct KafkaSecurity {
  bool tls = false;
  std::string ca_file;           // whose certificates the brokers may have; empty: the system's
  std::string certificate_file;  // our own certificate and key, where the brokers ask for one
  std::string key_file;
  std::string sasl_mechanism;  // SCRAM-SHA-256, SCRAM-SHA-512, PLAIN; empty: no SASL
  std::string user;
  std::string password;
};

struct KafkaOptions {
  std::string bootstrap;           // host:port,host:port
  std::string prefix = "huiliu.";  // of topics, groups and transactional ids
  std::string cluster_id;          // where set, another cluster is refused
  KafkaSecurity security;
  // Of topics that are created; a topic that exists must have the same.
  int replication = 3;
  int min_insync = 2;
  int32_t position_partitions = 8;
  int64_t max_message_bytes = 8 << 20;
  absl::Duration compaction_lag = absl::ZeroDuration();  // of compacted topics; not compared
  // How long one broker may take to answer before it counts as lost and another is asked.
  absl::Duration broker_timeout = absl::Seconds(4);
  // How long a call waits for brokers before it answers UNAVAILABLE.
  absl::Duration request_timeout = absl::Seconds(20);
  absl::Duration commit_timeout = absl::Seconds(60);
  // After these a survivor takes over.
  absl::Duration session_timeout = absl::Seconds(6);
  absl::Duration transaction_timeout = absl::Seconds(10);
  // Commits that wait together share a transaction up to this size; the first waits this long for
  // others to come.
  size_t max_transaction_bytes = 16 << 20;
  absl::Duration gather = absl::Milliseconds(2);
  // Bounds of what one writer has in flight and one reader has fetched ahead.
  size_t writer_buffer_bytes = 64 << 20;
  size_t reader_buffer_bytes = 32 << 20;
  // More settings of librdkafka, which win over ours.
  std::map<std::string, std::string> properties;
  // What goes before each value of a topic (framing.h), taken off again by readers; empty: nothing.
  // Null: no topic is framed. Any thread, at each append.
  std::function<std::string(absl::string_view topic)> framing = nullptr;
  // Whether a frame's schema is one of the topic's; readers leave other frames on. Null: all are.
  // Any thread; may wait.
  std::function<bool(absl::string_view topic, uint32_t schema_id)> knows_schema = nullptr;
  // Why a position is none of the product's, empty: it may be. `value` empty: it was removed. Null:
  // all are ours. Any thread.
  std::function<std::string(absl::string_view key, absl::string_view value)> why_not_position =
      nullptr;
  // Told of each message in the backbone's own topics that none of ours wrote, as often as it is
  // read; it is passed over. May be null. Any thread.
  std::function<void(const TopicPartition&, Offset, absl::string_view why)> on_foreign = nullptr;
  // What librdkafka warns of. Any thread.
  std::function<void(const std::string&)> warn;
};

class KafkaBackbone : public Backbone {
 public:
  // UNAVAILABLE: no broker answers; UNAUTHENTICATED: wrong account; FAILED_PRECONDITION: another
  // cluster, a broker too old, or settings that librdkafka refuses. Every message names the
  // brokers.
  static absl::StatusOr<std::unique_ptr<KafkaBackbone>> Open(KafkaOptions options);
  // Whether it would be of use to open it: a broker answers, takes the account and is new enough.
  // The same errors.
  static absl::Status Reach(KafkaOptions options);
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_KAFKA_BACKBONE_H_
