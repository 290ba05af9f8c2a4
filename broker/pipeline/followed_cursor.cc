#include "broker/pipeline/followed_cursor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::pipeline {

TopicPartition FollowedCursor::PartitionOf(int32_t partition) const {
  return {ReturnedTopic(cursor_.receiver(), cursor_.dataset()), Partition(partition)};
}

void FollowedCursor::Begin() {
  for (const auto& [partition, offset] : cursor_.offsets())
    partitions_.Begin(PartitionOf(partition));
}

void FollowedCursor::BeginAt(int32_t partition, const std::optional<Followed>& followed) {
  // A catalog that is older than that has seen since that nothing was written, or is given up.
  if (!followed.has_value() || MayHaveMissedTombstones(followed->at, clock_.Now(), retention_))
    return partitions_.Begin(PartitionOf(partition));
  partitions_.GoOn(PartitionOf(partition), *followed);
}

void FollowedCursor::GoOn() {
  for (const auto& [partition, us] : cursor_.followed_us()) {
    const auto end = cursor_.log_ends().find(partition);
    partitions_.GoOn(
        PartitionOf(partition),
        {absl::FromUnixMicros(us), Offset(end == cursor_.log_ends().end() ? 0 : end->second)});
  }
  kept_ = Oldest();
}

absl::Time FollowedCursor::Oldest() const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& [partition, offset] : cursor_.offsets()) {
    const auto known = partitions_.all().find(PartitionOf(partition));
    oldest = std::min(oldest,
                      known == partitions_.all().end() ? absl::InfinitePast() : known->second.at);
  }
  return oldest;
}

absl::Status FollowedCursor::TooOld() const {
  return absl::OutOfRangeError(absl::StrCat(
      "续传位置过旧：日志中的撤回标记只保留 ", absl::FormatDuration(retention_),
      "，此后撤回的行可能已无从得知。请重新取全量（huiliu subscribe 不带 --cursor，或换一个 "
      "--subscription 名），并删除全量中没有的行 / the cursor is too old: the log keeps deletes "
      "for ",
      absl::FormatDuration(retention_),
      " only, and rows that were withdrawn since may be missed. Take a snapshot anew (huiliu "
      "subscribe without --cursor, or with another --subscription name) and delete the rows that "
      "it "
      "does not hold"));
}

absl::Status FollowedCursor::Look() {
  const absl::Time at = looked_ = clock_.Now();
  moved_ = false;
  for (const auto& [partition, offset] : cursor_.offsets()) {
    FollowedPartitions::Standing standing{PartitionOf(partition), Offset(offset), {}};
    ASSIGN_OR_RETURN(standing.bounds, backbone_.Bounds(standing.from));
    const auto known = partitions_.all().find(standing.from);
    const Offset seen = known == partitions_.all().end() ? Offset(0) : known->second.log_end;
    if (std::max(standing.applied, seen) > standing.bounds.log_end) {
      return absl::OutOfRangeError(
          "续传位置在日志之后（日志可能由旧备份恢复），请重新开始订阅 / the cursor lies behind the "
          "log's end (was the log restored from an older copy?); subscribe again from the "
          "beginning");
    }
    if (!partitions_.CanGoOn(standing, at)) return TooOld();
    partitions_.SawEnd(standing, at);
  }
  return absl::OkStatus();
}

absl::Status FollowedCursor::LookWhenOld(bool idle) {
  const absl::Time now = clock_.Now();
  if (absl::AbsDuration(now - Oldest()) < every_) return absl::OkStatus();
  const bool at_end = idle && moved_;
  if (!at_end && absl::AbsDuration(now - looked_) < every_) return absl::OkStatus();
  return Look();
}

absl::Status FollowedCursor::MayApply(absl::Span<const StoredBatch> batches) {
  for (const StoredBatch& batch : batches) {
    if (!partitions_.MayApply({&batch, 1})) return TooOld();
  }
  return absl::OkStatus();
}

void FollowedCursor::Keep() {
  cursor_.clear_followed_us();
  cursor_.clear_log_ends();
  for (const auto& [partition, offset] : cursor_.offsets()) {
    const auto known = partitions_.all().find(PartitionOf(partition));
    if (known == partitions_.all().end()) continue;
    (*cursor_.mutable_followed_us())[partition] = absl::ToUnixMicros(known->second.at);
    if (known->second.log_end > Offset(offset))
      (*cursor_.mutable_log_ends())[partition] = known->second.log_end.value();
  }
  kept_ = Oldest();
}

}  // namespace huiliu::pipeline
