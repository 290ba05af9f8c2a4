#include "broker/pipeline/lease.h"

#include <algorithm>
#include <ctime>

namespace huiliu::pipeline {

absl::Duration SinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

void Lease::Renew(absl::Duration moment) {
  absl::MutexLock lock(&mutex_);
  if (SinceBoot() >= until_) ++term_;
  until_ = std::max(until_, moment + length_);
}

uint64_t Lease::Term() const {
  absl::ReaderMutexLock lock(&mutex_);
  return SinceBoot() < until_ ? term_ : 0;
}

absl::Status LeaseRanOut() {
  return absl::UnavailableError(
      "本节点暂时未能确认最新的授权，请稍后重试 / this node could not confirm in time which grants "
      "hold now; try again shortly");
}

}  // namespace huiliu::pipeline
