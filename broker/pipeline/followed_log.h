// Up to when a catalog has surely followed its topics, so that no tombstone is missed: compaction
// takes them after a while, and a catalog that went on from before would keep what was withdrawn.
#ifndef HUILIU_BROKER_PIPELINE_FOLLOWED_LOG_H_
#define HUILIU_BROKER_PIPELINE_FOLLOWED_LOG_H_

#include <map>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "broker/catalog/catalog.h"
#include "core/base/clock.h"

namespace huiliu::pipeline {

// Whether tombstones may have gone that were written since `followed`. Clocks of nodes and brokers
// differ, and a clock may have been put back: so it is said an eighth of the retention (a day at
// most) too early, and of a time that lies as far in the future.
bool MayHaveMissedTombstones(absl::Time followed, absl::Time now, absl::Duration retention);

// One thread. Legal calls: ((Begin | CanGoOn)* KeepBegun (MayApply Applied | SawEnd | Flush*)*)*.
class FollowedLog {
 public:
  // Where a catalog stands in a partition, and where that ends.
  struct Standing {
    TopicPartition from;
    Offset applied;
    PartitionBounds bounds;
  };

  // `tombstone_retention`: of the topics.
  FollowedLog(Catalog& catalog, Clock& clock, absl::Duration tombstone_retention)
      : catalog_(catalog), clock_(clock), retention_(tombstone_retention) {}

  // The dataset's partitions are read from their beginning into no rows, or into rows that stand
  // in the topic too.
  absl::Status Begin(absl::Span<const Standing> partitions);
  // Before they are read from where the catalog stands; `at`: when the bounds were asked for.
  // False: the catalog must be built anew. Nothing is missed where it has no rows or where nothing
  // was written since, whatever the clocks say.
  absl::StatusOr<bool> CanGoOn(const DatasetId& dataset, absl::Span<const Standing> partitions,
                               absl::Time at);
  // Before anything is applied to what was begun: rows must not become durable without it.
  absl::Status KeepBegun();
  // Before batches of one partition are applied. False: as CanGoOn, which is to be asked again.
  bool MayApply(absl::Span<const StoredBatch> batches);
  void Applied(absl::Span<const StoredBatch> batches);
  // `at`: before the bounds were asked for.
  void SawEnd(const Standing& standing, absl::Time at);
  // Now and then makes the catalog durable, so that also after a kill not much is to be made up.
  void FlushWhenDue();
  absl::Status Flush();

 private:
  absl::Duration FlushEvery() const;

  Catalog& catalog_;
  Clock& clock_;
  const absl::Duration retention_;
  std::map<TopicPartition, Followed> followed_;
  std::set<TopicPartition> fresh_starts_;  // that were begun by this process
  // By what was read where a catalog was taken up, it is not earlier: this node's clock may be the
  // wrong one.
  absl::Time not_before_ = absl::InfinitePast();
  bool begun_ = false;  // something of which the catalog holds nothing durable
  absl::Time flushed_ = absl::InfinitePast();
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FOLLOWED_LOG_H_
