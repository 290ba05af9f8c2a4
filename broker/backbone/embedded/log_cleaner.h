// Retention and compaction of one partition of the log.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_CLEANER_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_CLEANER_H_

#include <rocksdb/db.h>

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"

namespace huiliu::embedded {

// What a round works on.
struct CleanTask {
  rocksdb::DB* db = nullptr;
  rocksdb::ColumnFamilyHandle* log = nullptr;
  std::string prefix;  // PartitionPrefix
  uint32_t topic = 0;
  Partition partition;
  Offset end;  // batches from here on are not touched
  absl::Time now;
  std::string place;  // topic/partition, for messages
};

// Deletes batches beyond `retention` or `retention_bytes`, oldest first; the newest batch always
// stays, since the partition's end is read from it. Returns the first offset kept.
absl::StatusOr<Offset> ApplyRetention(const CleanTask& task, const TopicSpec& spec);

// Rewrites the partition so that each key's latest record stays. `cleaned`: below it a former round
// has compacted. Returns the offset up to which this round compacted. Memory: at most kMaxKeys
// keys' digests; a longer tail waits for the next round.
inline constexpr size_t kMaxKeys = 2'000'000;
absl::StatusOr<Offset> CompactPartition(const CleanTask& task, const TopicSpec& spec,
                                        Offset cleaned);

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_CLEANER_H_
