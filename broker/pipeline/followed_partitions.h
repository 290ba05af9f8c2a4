// Up to when a reader has surely followed its partitions, so that no tombstone is missed:
// compaction takes them after a while, and who went on from before would keep what was withdrawn.
#ifndef HUILIU_BROKER_PIPELINE_FOLLOWED_PARTITIONS_H_
#define HUILIU_BROKER_PIPELINE_FOLLOWED_PARTITIONS_H_

#include <map>
#include <set>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/backbone/backbone.h"
#include "broker/catalog/catalog.h"
#include "core/base/clock.h"

namespace huiliu::pipeline {

// Whether tombstones may have gone that were written since `followed`. Clocks of nodes and brokers
// differ, and a clock may have been put back: so it is said an eighth of the retention (a day at
// most) too early, and of a time that lies as far in the future.
bool MayHaveMissedTombstones(absl::Time followed, absl::Time now, absl::Duration retention);

// How often a reader makes durable up to when it has followed; so that after it was away not much
// is to be made up.
absl::Duration KeepFollowedEvery(absl::Duration retention);

// One thread. Legal calls: ((Begin | GoOn)* (CanGoOn | MayApply Applied | SawEnd)*)*.
class FollowedPartitions {
 public:
  // Where a reader stands in a partition, and where that ends.
  struct Standing {
    TopicPartition from;
    Offset applied;
    PartitionBounds bounds;
  };

  // `retention`: how long the topics keep tombstones.
  FollowedPartitions(Clock& clock, absl::Duration retention)
      : clock_(clock), retention_(retention) {}

  // The partition is read from a place from which on nothing is missed now.
  void Begin(const TopicPartition& from);
  // The partition is gone on with, as was stored.
  void GoOn(const TopicPartition& from, const Followed& stored);
  bool Knows(const TopicPartition& from) const { return followed_.contains(from); }
  // Before a partition is read from where its reader stands; `at`: before the bounds were asked
  // for. False: the reader must begin anew. Nothing is missed where nothing was written since,
  // whatever the clocks say; of a partition that is not known that is all that can be said.
  bool CanGoOn(const Standing& standing, absl::Time at);
  // Before batches of one partition are applied. False: as CanGoOn, which is to be asked again.
  bool MayApply(absl::Span<const StoredBatch> batches);
  void Applied(absl::Span<const StoredBatch> batches);
  // `at`: before the bounds were asked for.
  void SawEnd(const Standing& standing, absl::Time at);

  const std::map<TopicPartition, Followed>& all() const { return followed_; }

 private:
  Clock& clock_;
  const absl::Duration retention_;
  std::map<TopicPartition, Followed> followed_;
  std::set<TopicPartition> fresh_starts_;  // that were begun by this process
  // By what was read where a partition was gone on with, it is not earlier: this node's clock may
  // be the wrong one.
  absl::Time not_before_ = absl::InfinitePast();
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FOLLOWED_PARTITIONS_H_
