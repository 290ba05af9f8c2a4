// Up to when a catalog has surely followed its topics, kept in the catalog itself.
#ifndef HUILIU_BROKER_PIPELINE_FOLLOWED_LOG_H_
#define HUILIU_BROKER_PIPELINE_FOLLOWED_LOG_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "broker/catalog/catalog.h"
#include "broker/pipeline/followed_partitions.h"
#include "core/base/clock.h"

namespace huiliu::pipeline {

// One thread. Legal calls: ((Begin | CanGoOn)* KeepBegun (MayApply Applied | SawEnd | Flush*)*)*.
class FollowedLog {
 public:
  using Standing = FollowedPartitions::Standing;

  // `tombstone_retention`: of the topics.
  FollowedLog(Catalog& catalog, Clock& clock, absl::Duration tombstone_retention)
      : catalog_(catalog),
        clock_(clock),
        flush_every_(KeepFollowedEvery(tombstone_retention)),
        partitions_(clock, tombstone_retention) {}

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
  // As of FollowedPartitions.
  bool MayApply(absl::Span<const StoredBatch> batches) { return partitions_.MayApply(batches); }
  void Applied(absl::Span<const StoredBatch> batches) { partitions_.Applied(batches); }
  void SawEnd(const Standing& standing, absl::Time at) { partitions_.SawEnd(standing, at); }
  // Now and then makes the catalog durable, so that also after a kill not much is to be made up.
  void FlushWhenDue();
  absl::Status Flush();

 private:
  Catalog& catalog_;
  Clock& clock_;
  const absl::Duration flush_every_;
  FollowedPartitions partitions_;
  bool begun_ = false;  // something of which the catalog holds nothing durable
  absl::Time flushed_ = absl::InfinitePast();
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FOLLOWED_LOG_H_
