#include "broker/pipeline/followed_log.h"

#include <algorithm>

#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr absl::Duration kFlushAgain = absl::Minutes(1);

}  // namespace

absl::Status FollowedLog::Begin(absl::Span<const Standing> partitions) {
  for (const Standing& standing : partitions) {
    partitions_.Begin(standing.from);
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
    if (!partitions_.Knows(standing.from)) {
      ASSIGN_OR_RETURN(const std::optional<Followed> stored, catalog_.FollowedOf(standing.from));
      // Where a row came from is not known here: any partition may be its.
      if (!stored.has_value()) return false;
      partitions_.GoOn(standing.from, *stored);
    }
    if (!partitions_.CanGoOn(standing, at)) return false;
  }
  return true;
}

absl::Status FollowedLog::Flush() {
  flushed_ = clock_.Now();
  return catalog_.Flush(partitions_.all());
}

void FollowedLog::FlushWhenDue() {
  const absl::Time now = clock_.Now();
  if (absl::AbsDuration(now - flushed_) < flush_every_) return;
  // Where it fails, applying will say so as soon as it cannot go on.
  if (!Flush().ok()) flushed_ = now - flush_every_ + std::min(kFlushAgain, flush_every_);
}

}  // namespace huiliu::pipeline
