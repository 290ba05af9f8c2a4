// Places for calls whose body is read or that are answered: they bound what bodies hold of memory.
#ifndef HUILIU_BROKER_HTTP_CALL_PLACES_H_
#define HUILIU_BROKER_HTTP_CALL_PLACES_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/retry_info.h"

namespace huiliu::http {

// Thread-safe. (Take Release)*
class CallPlaces {
 public:
  CallPlaces(int places, absl::Duration patience) : free_(places), patience_(patience) {}

  // Waits for a place. UNAVAILABLE after `patience`; else Release must follow.
  absl::Status Take() {
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(this, &CallPlaces::HasRoom), patience_)) {
      return MayBeAskedAgain(absl::UnavailableError(
          "本节点正忙，请稍后再试 / the node is busy with as many calls as it takes at once; try "
          "again later"));
    }
    --free_;
    return absl::OkStatus();
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    ++free_;
  }

 private:
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return free_ > 0; }

  absl::Mutex mutex_;
  int free_ ABSL_GUARDED_BY(mutex_);
  const absl::Duration patience_;
};

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_CALL_PLACES_H_
