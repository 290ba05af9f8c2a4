// Retention and compaction of one partition of the log.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_CLEANER_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_CLEANER_H_

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"
#include "broker/backbone/embedded/log_store.h"
#include "broker/backbone/embedded/state_keys.h"

namespace huiliu::embedded {

// What a round works on.
struct CleanTask {
  LogStore& store;
  LogPlace place;
  const TopicSpec& spec;
  Kept kept;   // of the last round
  Offset end;  // batches from here on are not touched
  absl::Time now;
};

struct Cleaned {
  Kept kept;
  int64_t deleted_bytes = 0;
};

// Bytes of the partition's batches from `from` up to task.end.
absl::StatusOr<int64_t> MeasureLog(const CleanTask& task);

// Deletes batches beyond `retention` or `retention_bytes`, oldest first. `bytes`: of the whole
// partition; those from `before` on stay. Reads heads only, and only of what goes.
absl::StatusOr<Cleaned> ApplyRetention(const CleanTask& task, Offset before, int64_t bytes);

// Rewrites the partition so that each key's latest record stays. Memory: at most kMaxKeys keys'
// digests; a longer tail waits for the next round.
inline constexpr size_t kMaxKeys = 2'000'000;
absl::StatusOr<Cleaned> CompactPartition(const CleanTask& task);

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_CLEANER_H_
