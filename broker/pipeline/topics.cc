#include "broker/pipeline/topics.h"

#include <cstring>

namespace huiliu::pipeline {
namespace {

// Apache Kafka's Utils.murmur2, seed 0x9747b28c.
uint32_t Murmur2(absl::string_view data) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t h = 0x9747b28cU ^ static_cast<uint32_t>(data.size());
  size_t i = 0;
  for (; i + 4 <= data.size(); i += 4) {
    uint32_t k = 0;
    for (int b = 3; b >= 0; --b)
      k = (k << 8) | static_cast<uint8_t>(data[i + static_cast<size_t>(b)]);
    k *= kMultiplier;
    k ^= k >> 24;
    k *= kMultiplier;
    h = h * kMultiplier ^ k;
  }
  const size_t tail = data.size() - i;
  if (tail >= 3) h ^= static_cast<uint32_t>(static_cast<uint8_t>(data[i + 2])) << 16;
  if (tail >= 2) h ^= static_cast<uint32_t>(static_cast<uint8_t>(data[i + 1])) << 8;
  if (tail >= 1) {
    h ^= static_cast<uint8_t>(data[i]);
    h *= kMultiplier;
  }
  h ^= h >> 13;
  h *= kMultiplier;
  h ^= h >> 15;
  return h;
}

}  // namespace

Partition PartitionOf(absl::string_view key, int32_t partitions) {
  if (partitions <= 1) return Partition(0);
  return Partition(
      static_cast<int32_t>((Murmur2(key) & 0x7fffffffU) % static_cast<uint32_t>(partitions)));
}

TopicSpec ControlTopicSpec() {
  TopicSpec spec;
  spec.name = kControlTopic;
  spec.cleanup = Cleanup::kCompact;
  return spec;
}

TopicSpec LineageTopicSpec() {
  TopicSpec spec;
  spec.name = kLineageTopic;
  return spec;
}

TopicSpec QuarantineTopicSpec() {
  TopicSpec spec;
  spec.name = kQuarantineTopic;
  spec.cleanup = Cleanup::kCompact;
  return spec;
}

TopicSpec SourceTopicSpec(absl::string_view dataset, const TopicSettings& settings) {
  TopicSpec spec;
  spec.name = SourceTopic(dataset);
  spec.partitions = settings.partitions;
  spec.retention = settings.source_retention;
  spec.keep_unread_of = ReturnGroup();  // what was acknowledged is judged, however late
  return spec;
}

TopicSpec DecisionsTopicSpec(absl::string_view dataset, const TopicSettings& settings) {
  TopicSpec spec;
  spec.name = DecisionsTopic(dataset);
  spec.partitions = settings.partitions;
  spec.cleanup = Cleanup::kCompact;
  spec.tombstone_retention = settings.tombstone_retention;
  return spec;
}

TopicSpec ReturnedTopicSpec(absl::string_view receiver, absl::string_view dataset,
                            const TopicSettings& settings) {
  TopicSpec spec;
  spec.name = ReturnedTopic(receiver, dataset);
  spec.partitions = settings.partitions;
  spec.cleanup = Cleanup::kCompact;
  spec.tombstone_retention = settings.tombstone_retention;
  return spec;
}

}  // namespace huiliu::pipeline
