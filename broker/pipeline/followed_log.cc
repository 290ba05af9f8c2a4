#include "broker/pipeline/followed_log.h"

#include <algorithm>

#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr absl::Duration kFlushEvery = absl::Hours(1);
constexpr absl::Duration kFlushAgain = absl::Minutes(1);

absl::Duration MarginOf(absl::Duration retention) {
  return std::min(retention / 8, absl::Hours(24));
}

}  // namespace

bool MayHaveMissedTombstones(absl::Time followed, absl::Time now, absl::Duration retention) {
  const absl::Duration margin = MarginOf(retention);
  return now - followed > retention - margin || followed - now > margin;
}

absl::Duration FollowedLog::FlushEvery() const { return std::min(kFlushEvery, retention_ / 16); }

absl::Status FollowedLog::Begin(absl::Span<const Standing> partitions) {
  const absl::Time now = clock_.Now();
  for (const Standing& standing : partitions) {
    followed_[standing.from] = {now, Offset(0)};
    fresh_starts_.insert(standing.from);
    // An earlier time that is stored does no harm.
    ASSIGN_OR_RETURN(const std::optional<Followed> stored, catalog_.FollowedOf(standing.from));
    begun_ = begun_ || !stored.has_value();
  }
  return absl::OkStatus();
}

absl::Status FollowedLog::KeepBegun() {
  if (begun_) RETURN_IF_ERROR(Flush());
  begun_ = false;
  return absl::OkStatus();
}

absl::StatusOr<bool> FollowedLog::CanGoOn(const DatasetId& dataset,
                                          absl::Span<const Standing> partitions, absl::Time at) {
  ASSIGN_OR_RETURN(const int64_t rows, catalog_.Rows(dataset));
  if (rows == 0) {
    RETURN_IF_ERROR(Begin(partitions));
    return true;
  }
  for (const Standing& standing : partitions) {
    if (!followed_.contains(standing.from)) {
      ASSIGN_OR_RETURN(const std::optional<Followed> stored, catalog_.FollowedOf(standing.from));
      // Where a row came from is not known here: any partition may be its.
      if (!stored.has_value()) return false;
      followed_[standing.from] = *stored;
    }
    Followed& followed = followed_[standing.from];
    if (standing.bounds.log_end <= std::max(followed.log_end, standing.applied)) {
      followed = {at, standing.bounds.log_end};
    } else if (MayHaveMissedTombstones(followed.at, std::max(at, not_before_), retention_)) {
      return false;
    }
  }
  return true;
}

bool FollowedLog::MayApply(absl::Span<const StoredBatch> batches) {
  const auto followed = followed_.find(batches.front().from);
  if (followed == followed_.end()) return false;
  // A log that is read from its beginning may hold a time that a broker's clock got wrong: that
  // must not have it read again and again.
  if (!fresh_starts_.contains(followed->first)) {
    for (const StoredBatch& batch : batches) not_before_ = std::max(not_before_, batch.appended);
  }
  return !MayHaveMissedTombstones(followed->second.at, std::max(clock_.Now(), not_before_),
                                  retention_);
}

void FollowedLog::Applied(absl::Span<const StoredBatch> batches) {
  Followed& followed = followed_[batches.front().from];
  const absl::Time now = clock_.Now();
  for (const StoredBatch& batch : batches) {
    // What lies behind it was not written before it.
    if (batch.appended <= now + MarginOf(retention_))
      followed.at = std::max(followed.at, std::min(batch.appended, now));
  }
}

void FollowedLog::SawEnd(const Standing& standing, absl::Time at) {
  if (standing.applied < standing.bounds.end) return;
  followed_[standing.from] = {at, standing.bounds.log_end};
}

absl::Status FollowedLog::Flush() {
  flushed_ = clock_.Now();
  return catalog_.Flush(followed_);
}

void FollowedLog::FlushWhenDue() {
  const absl::Time now = clock_.Now();
  if (absl::AbsDuration(now - flushed_) < FlushEvery()) return;
  // Where it fails, applying will say so as soon as it cannot go on.
  if (!Flush().ok()) flushed_ = now - FlushEvery() + std::min(kFlushAgain, FlushEvery());
}

}  // namespace huiliu::pipeline
