#include "broker/backbone/embedded/state_keys.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace huiliu::embedded {

using absl::StrCat;

std::string TopicKey(absl::string_view name) { return StrCat(kTopicPrefix, name); }
std::string WriterKey(absl::string_view id) { return StrCat(kWriterPrefix, id); }
std::string PositionKey(absl::string_view key) { return StrCat("position/", key); }
std::string OffsetKey(absl::string_view group, const TopicPartition& tp) {
  const absl::string_view zero("\0", 1);
  return StrCat("offset/", group, zero, tp.topic, zero, tp.partition.value());
}
std::string EndKey(uint32_t topic, Partition partition) {
  return StrCat("end/", topic, "/", partition.value());
}
std::string KeptKey(uint32_t topic, Partition partition) {
  return StrCat("kept/", topic, "/", partition.value());
}

std::string EncodeKept(const Kept& kept) {
  return StrCat(kept.earliest.value(), " ", kept.cleaned.value());
}

absl::StatusOr<Kept> DecodeKept(absl::string_view text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(' ', 1));
  int64_t earliest = 0, cleaned = 0;
  if (!absl::SimpleAtoi(parts.first, &earliest) || !absl::SimpleAtoi(parts.second, &cleaned))
    return absl::DataLossError("where the partition begins cannot be read");
  return Kept{Offset(earliest), Offset(cleaned)};
}

std::string EncodeSpec(uint32_t id, const TopicSpec& spec) {
  const auto us = [](absl::Duration d) {
    return d == absl::InfiniteDuration() ? -1 : absl::ToInt64Microseconds(d);
  };
  return StrCat(id, " ", spec.partitions, " ", spec.cleanup == Cleanup::kCompact ? 1 : 0, " ",
                us(spec.retention), " ", spec.retention_bytes, " ", us(spec.tombstone_retention),
                spec.keep_unread_of.empty() ? "" : " ", spec.keep_unread_of);
}

absl::Status DecodeSpec(absl::string_view text, uint32_t* id, TopicSpec* spec) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(' ', 6));
  int cleanup = 0;
  int64_t retention = 0, tombstones = 0;
  if (parts.size() < 6 || !absl::SimpleAtoi(parts[0], id) ||
      !absl::SimpleAtoi(parts[1], &spec->partitions) || !absl::SimpleAtoi(parts[2], &cleanup) ||
      !absl::SimpleAtoi(parts[3], &retention) ||
      !absl::SimpleAtoi(parts[4], &spec->retention_bytes) ||
      !absl::SimpleAtoi(parts[5], &tombstones)) {
    return absl::DataLossError(
        StrCat("topic ", spec->name, ": its stored settings cannot be read"));
  }
  const auto duration = [](int64_t us) {
    return us < 0 ? absl::InfiniteDuration() : absl::Microseconds(us);
  };
  spec->cleanup = cleanup == 1 ? Cleanup::kCompact : Cleanup::kRetention;
  spec->retention = duration(retention);
  spec->tombstone_retention = duration(tombstones);
  if (parts.size() > 6) spec->keep_unread_of = parts[6];
  return absl::OkStatus();
}

}  // namespace huiliu::embedded
