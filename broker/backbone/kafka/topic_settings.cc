#include "broker/backbone/kafka/topic_settings.h"

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/topic.h"

namespace huiliu::kafka {
namespace {

std::string MsOf(absl::Duration duration) {
  return duration == absl::InfiniteDuration() ? "-1"
                                              : absl::StrCat(absl::ToInt64Milliseconds(duration));
}

int64_t Number(const std::map<std::string, std::string>& settings, const char* name,
               int64_t missing) {
  const auto it = settings.find(name);
  int64_t value = missing;
  return it != settings.end() && absl::SimpleAtoi(it->second, &value) ? value : missing;
}

}  // namespace

std::map<std::string, std::string> SettingsOf(const TopicSpec& spec, const KafkaOptions& options) {
  std::map<std::string, std::string> settings = {
      {"cleanup.policy", spec.cleanup == Cleanup::kCompact ? "compact" : "delete"},
      {"retention.ms", MsOf(spec.retention)},
      {"retention.bytes", absl::StrCat(spec.retention_bytes)},
      {"delete.retention.ms", MsOf(spec.tombstone_retention)},
      {"min.insync.replicas", absl::StrCat(options.min_insync)},
      {"max.message.bytes", absl::StrCat(options.max_message_bytes)},
      {"compression.type", "producer"},
      // What `appended` says is the broker's time, and retention counts from it.
      {"message.timestamp.type", "LogAppendTime"},
  };
  if (spec.cleanup == Cleanup::kCompact && options.compaction_lag > absl::ZeroDuration())
    settings["min.compaction.lag.ms"] = MsOf(options.compaction_lag);
  return settings;
}

TopicSpec SpecOf(const std::map<std::string, std::string>& settings) {
  TopicSpec spec;
  const auto cleanup = settings.find("cleanup.policy");
  spec.cleanup = cleanup != settings.end() && absl::StrContains(cleanup->second, "compact")
                     ? Cleanup::kCompact
                     : Cleanup::kRetention;
  const int64_t retention_ms = Number(settings, "retention.ms", -1);
  spec.retention = retention_ms < 0 ? absl::InfiniteDuration() : absl::Milliseconds(retention_ms);
  spec.retention_bytes = Number(settings, "retention.bytes", -1);
  spec.tombstone_retention = absl::Milliseconds(Number(settings, "delete.retention.ms", 0));
  return spec;
}

int MinInsyncOf(const std::map<std::string, std::string>& settings) {
  return static_cast<int>(Number(settings, "min.insync.replicas", 1));
}

absl::Status CheckSame(const TopicSpec& existing, const TopicSpec& wanted, int replication,
                       int min_insync, const KafkaOptions& options) {
  const absl::Status same = CheckSameSettings(existing, wanted);
  std::string differences;
  const auto differ = [&](absl::string_view name, int is, int should) {
    if (is != should)
      absl::StrAppend(&differences, ", ", name, " is ", is, " and should be ", should);
  };
  differ("replication factor", replication, options.replication);
  differ("min.insync.replicas", min_insync, options.min_insync);
  if (differences.empty()) return same;
  if (!same.ok()) return absl::FailedPreconditionError(absl::StrCat(same.message(), differences));
  return absl::FailedPreconditionError(absl::StrCat(
      "主题 ", wanted.name, " 已存在，但设置与配置不符，请修改其一 / topic ", wanted.name,
      " exists with other settings: ", absl::string_view(differences).substr(2)));
}

Partition PartitionOfKey(absl::string_view key, int32_t partitions) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(key[i])}; };
  uint32_t h = 0x9747b28cU ^ static_cast<uint32_t>(key.size());
  size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= kMultiplier;
    k ^= k >> 24;
    k *= kMultiplier;
    h = h * kMultiplier ^ k;
  }
  const size_t tail = key.size() - i;
  if (tail >= 3) h ^= byte(i + 2) << 16;
  if (tail >= 2) h ^= byte(i + 1) << 8;
  if (tail >= 1) {
    h ^= byte(i);
    h *= kMultiplier;
  }
  h ^= h >> 13;
  h *= kMultiplier;
  h ^= h >> 15;
  return Partition(static_cast<int32_t>((h & 0x7fffffffU) % static_cast<uint32_t>(partitions)));
}

}  // namespace huiliu::kafka
