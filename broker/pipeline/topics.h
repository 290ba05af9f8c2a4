// Topic, group and position names, in one place. docs/formats/topics.md.
#ifndef HUILIU_BROKER_PIPELINE_TOPICS_H_
#define HUILIU_BROKER_PIPELINE_TOPICS_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "broker/backbone/backbone.h"

namespace huiliu::pipeline {

inline constexpr char kControlTopic[] = "control";  // compacted; one partition
inline constexpr char kLineageTopic[] = "lineage";
inline constexpr char kQuarantineTopic[] = "quarantine";  // compacted; node placement only

inline std::string SourceTopic(absl::string_view dataset) {
  return absl::StrCat("source.", dataset);
}
// Empty where the topic is none of source.*.
inline absl::string_view DatasetOfSource(absl::string_view topic) {
  constexpr absl::string_view kSource = "source.";
  return topic.substr(0, kSource.size()) == kSource ? topic.substr(kSource.size()) : "";
}
// What the node's engine remembers of source.<dataset>; compacted, partitioned like it.
inline std::string DecisionsTopic(absl::string_view dataset) {
  return absl::StrCat("decisions.", dataset);
}
inline std::string ReturnedTopic(absl::string_view receiver, absl::string_view dataset) {
  return absl::StrCat("returned.", receiver, ".", dataset);
}
// Empty where the topic is none of returned.*.
inline absl::string_view DatasetOfReturned(absl::string_view topic) {
  constexpr absl::string_view kReturned = "returned.";
  if (topic.substr(0, kReturned.size()) != kReturned) return "";
  topic.remove_prefix(kReturned.size());
  const size_t dot = topic.find('.');
  return dot == absl::string_view::npos ? "" : topic.substr(dot + 1);
}
inline std::string SourcePositionKey(absl::string_view source) {
  return absl::StrCat("source/", source);
}
inline std::string CursorKey(absl::string_view organisation, absl::string_view subscription) {
  return absl::StrCat("cursor/", organisation, "/", subscription);
}
inline std::string CatalogGroup(absl::string_view receiver) {
  return absl::StrCat("catalog/", receiver);
}
inline std::string ReturnGroup() { return "return"; }
inline std::string KeptGroup() { return "kept"; }
// How many transactions the node's engine has committed. `lane`: empty on the only node.
inline std::string ReturnPosition(absl::string_view lane = "") {
  return lane.empty() ? "return" : absl::StrCat("return/", lane);
}
// How far a part of a version's re-evaluation of history has come (huiliu.v1.ReevaluationMark).
// `place`: node/PARTITION, node/rest, source/ID.
inline std::string ReevaluationPosition(absl::string_view dataset, absl::string_view receiver,
                                        uint32_t version, absl::string_view place) {
  return absl::StrCat("reevaluation/", dataset, "/", receiver, "/", version, "/", place);
}

// The partition of a key, as the Java client chooses it: murmur2, sign bit cleared, modulo.
Partition PartitionOf(absl::string_view key, int32_t partitions);

// How the node's topics are made.
struct TopicSettings {
  int32_t partitions = 1;  // of source.* and returned.* topics
  absl::Duration source_retention = absl::Hours(24 * 7);
  absl::Duration tombstone_retention = absl::Hours(24 * 7);  // of decisions.* and returned.*
};
TopicSpec ControlTopicSpec();
TopicSpec LineageTopicSpec();
TopicSpec QuarantineTopicSpec();
TopicSpec SourceTopicSpec(absl::string_view dataset, const TopicSettings& settings);
TopicSpec DecisionsTopicSpec(absl::string_view dataset, const TopicSettings& settings);
TopicSpec ReturnedTopicSpec(absl::string_view receiver, absl::string_view dataset,
                            const TopicSettings& settings);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_TOPICS_H_
