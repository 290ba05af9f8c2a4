// How long a node may go on answering with what it knows of governance.
#ifndef HUILIU_BROKER_PIPELINE_LEASE_H_
#define HUILIU_BROKER_PIPELINE_LEASE_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace huiliu::pipeline {

// Time since some start that no one can set back, a machine's sleep included.
absl::Duration SinceBoot();

// Thread-safe. A node that has seen the end of the control topic at some moment knows all that was
// decided before; from that moment on it may answer for `length`, and no longer: a process that was
// stopped meanwhile finds its lease run out, and whoever revokes a grant needs to wait no longer
// than that. Who answers asks twice: the lease must have held from the question to the answer.
class Lease {
 public:
  explicit Lease(absl::Duration length) : length_(length) {}

  absl::Duration length() const { return length_; }
  // All that was decided before `moment` is known here.
  void Renew(absl::Duration moment);
  // 0: it has run out. Another number after each time that it ran out.
  uint64_t Term() const;

 private:
  const absl::Duration length_;
  mutable absl::Mutex mutex_;
  absl::Duration until_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  uint64_t term_ ABSL_GUARDED_BY(mutex_) = 0;
};

// UNAVAILABLE: where a lease has run out.
absl::Status LeaseRanOut();

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_LEASE_H_
