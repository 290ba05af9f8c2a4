#include "broker/pipeline/followed_partitions.h"

#include <algorithm>

namespace huiliu::pipeline {
namespace {

constexpr absl::Duration kKeepEvery = absl::Hours(1);

absl::Duration MarginOf(absl::Duration retention) {
  return std::min(retention / 8, absl::Hours(24));
}

}  // namespace

bool MayHaveMissedTombstones(absl::Time followed, absl::Time now, absl::Duration retention) {
  const absl::Duration margin = MarginOf(retention);
  return now - followed > retention - margin || followed - now > margin;
}

absl::Duration KeepFollowedEvery(absl::Duration retention) {
  return std::min(kKeepEvery, retention / 16);
}

void FollowedPartitions::Begin(const TopicPartition& from) {
  followed_[from] = {clock_.Now(), Offset(0)};
  fresh_starts_.insert(from);
}

void FollowedPartitions::GoOn(const TopicPartition& from, const Followed& stored) {
  followed_[from] = stored;
}

bool FollowedPartitions::CanGoOn(const Standing& standing, absl::Time at) {
  const auto known = followed_.find(standing.from);
  const Followed followed =
      known == followed_.end() ? Followed{absl::InfinitePast(), Offset(0)} : known->second;
  if (standing.bounds.log_end <= std::max(followed.log_end, standing.applied)) {
    followed_[standing.from] = {at, standing.bounds.log_end};
    return true;
  }
  return known != followed_.end() &&
         !MayHaveMissedTombstones(followed.at, std::max(at, not_before_), retention_);
}

bool FollowedPartitions::MayApply(absl::Span<const StoredBatch> batches) {
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

void FollowedPartitions::Applied(absl::Span<const StoredBatch> batches) {
  Followed& followed = followed_[batches.front().from];
  const absl::Time now = clock_.Now();
  for (const StoredBatch& batch : batches) {
    // What lies behind it was not written before it.
    if (batch.appended <= now + MarginOf(retention_))
      followed.at = std::max(followed.at, std::min(batch.appended, now));
  }
}

void FollowedPartitions::SawEnd(const Standing& standing, absl::Time at) {
  if (standing.applied < standing.bounds.end) return;
  followed_[standing.from] = {at, standing.bounds.log_end};
}

}  // namespace huiliu::pipeline
