// A topic's settings in Kafka's words.
#ifndef HUILIU_BROKER_BACKBONE_KAFKA_TOPIC_SETTINGS_H_
#define HUILIU_BROKER_BACKBONE_KAFKA_TOPIC_SETTINGS_H_

#include <map>
#include <string>

#include "broker/backbone/kafka/kafka_backbone.h"

namespace huiliu::kafka {

inline constexpr char kPositionsTopic[] =
    "_positions";                                    // compacted; docs/formats/backbone-kafka.md
inline constexpr char kWritersTopic[] = "_writers";  // compacted
inline bool IsInternal(const std::string& topic) { return !topic.empty() && topic[0] == '_'; }

std::map<std::string, std::string> SettingsOf(const TopicSpec& spec, const KafkaOptions& options);
// Name and partitions are not among them.
TopicSpec SpecOf(const std::map<std::string, std::string>& settings);
int MinInsyncOf(const std::map<std::string, std::string>& settings);
// FAILED_PRECONDITION naming every setting that differs.
absl::Status CheckSame(const TopicSpec& existing, const TopicSpec& wanted, int replication,
                       int min_insync, const KafkaOptions& options);

// The partition of a key, as Kafka's Java client chooses it.
Partition PartitionOfKey(absl::string_view key, int32_t partitions);

}  // namespace huiliu::kafka

#endif  // HUILIU_BROKER_BACKBONE_KAFKA_TOPIC_SETTINGS_H_
