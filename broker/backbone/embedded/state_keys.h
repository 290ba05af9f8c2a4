// Keys and values of the state: topic settings, writer epochs, positions, group offsets,
// where each partition begins and ends. docs/formats/backbone-embedded.md.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_STATE_KEYS_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_STATE_KEYS_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"

namespace huiliu::embedded {

inline constexpr char kTopicPrefix[] = "topic/";
inline constexpr char kWriterPrefix[] = "writer/";

std::string TopicKey(absl::string_view name);
std::string WriterKey(absl::string_view id);
std::string PositionKey(absl::string_view key);
std::string OffsetKey(absl::string_view group, const TopicPartition& tp);
// The offset that the partition's next record gets; changes with every append.
std::string EndKey(uint32_t topic, Partition partition);
// First offset kept, and below which offset the partition is compacted; changes when cleaned.
std::string KeptKey(uint32_t topic, Partition partition);

struct Kept {
  Offset earliest;
  Offset cleaned;
};
std::string EncodeKept(const Kept& kept);
absl::StatusOr<Kept> DecodeKept(absl::string_view text);

std::string EncodeSpec(uint32_t id, const TopicSpec& spec);
// Fills all but the name, which spec->name already holds. DATA_LOSS names the topic.
absl::Status DecodeSpec(absl::string_view text, uint32_t* id, TopicSpec* spec);

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_STATE_KEYS_H_
