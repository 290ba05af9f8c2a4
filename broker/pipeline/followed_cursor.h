// Up to when a subscription has surely followed its log, kept in its cursor: one who goes on from
// an older cursor than the topic keeps tombstones would keep rows of people who left.
#ifndef HUILIU_BROKER_PIPELINE_FOLLOWED_CURSOR_H_
#define HUILIU_BROKER_PIPELINE_FOLLOWED_CURSOR_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "broker/pipeline/followed_partitions.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::pipeline {

// One thread. Legal calls: (Begin | BeginAt* | GoOn) (Look | LookWhenOld | MayApply Applied* |
// Keep)*. Partitions and offsets are those of the cursor at each call.
class FollowedCursor {
 public:
  FollowedCursor(Backbone& backbone, Clock& clock, absl::Duration tombstone_retention,
                 huiliu::v1::DeliveryCursor& cursor)
      : backbone_(backbone),
        clock_(clock),
        retention_(tombstone_retention),
        every_(KeepFollowedEvery(tombstone_retention)),
        partitions_(clock, tombstone_retention),
        cursor_(cursor) {}

  // Its reader holds nothing from before the cursor's offsets.
  void Begin();
  // Its reader is given what a catalog held that had followed a partition so far, by what was made
  // durable of that; nullopt: it had read nothing of it.
  void BeginAt(int32_t partition, const std::optional<Followed>& followed);
  // As the cursor says.
  void GoOn();

  // Looks where the log ends. OUT_OF_RANGE, with the way out: the cursor is so old that withdrawals
  // may be gone from behind it, or lies behind the log's end.
  absl::Status Look();
  // The same where what is known is old: now and then, and where all that was there has been read
  // (`idle`).
  absl::Status LookWhenOld(bool idle);
  // Before what was read just now is sent. OUT_OF_RANGE as of Look.
  absl::Status MayApply(absl::Span<const StoredBatch> batches);
  // As far as the cursor's offset of the batch's partition says.
  void Applied(const StoredBatch& batch) {
    partitions_.Applied({&batch, 1});
    moved_ = true;
  }

  // Writes it into the cursor, which is handed out.
  void Keep();
  // Whether the cursor that was handed out last is so old that another is worth a message of its
  // own.
  bool HasNews() const { return !cursor_.offsets().empty() && Oldest() - kept_ >= every_; }

 private:
  TopicPartition PartitionOf(int32_t partition) const;
  absl::Time Oldest() const;
  absl::Status TooOld() const;

  Backbone& backbone_;
  Clock& clock_;
  const absl::Duration retention_, every_;
  FollowedPartitions partitions_;
  huiliu::v1::DeliveryCursor& cursor_;
  bool moved_ = false;  // since it looked
  absl::Time looked_ = absl::InfinitePast();
  absl::Time kept_ = absl::InfinitePast();  // what the cursor's holder has says
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FOLLOWED_CURSOR_H_
