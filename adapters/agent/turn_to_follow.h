// When rows that wait are looked through for those whose record has been decided since: after
// something was decided, and seldom enough to cost next to nothing however many wait.
#ifndef HUILIU_ADAPTERS_AGENT_TURN_TO_FOLLOW_H_
#define HUILIU_ADAPTERS_AGENT_TURN_TO_FOLLOW_H_

#include <algorithm>
#include <string>

#include "absl/time/time.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::agent {

// (Want | Due Advance)*. One thread.
class TurnToFollow {
 public:
  static constexpr absl::Duration kRest = absl::Seconds(5);
  static constexpr int kRests = 20;  // at least, as long as the look took

  // Something was decided.
  void Want() { wanted_ = true; }
  // Whether a page is to be looked at now. The first time it is: what was decided before a restart
  // may not have been followed.
  bool Due(absl::Time now) {
    if (looking_) return true;
    if (!wanted_ || now < next_) return false;
    wanted_ = false;
    looking_ = true;
    kind_ = KeptKind::kPending;
    took_ = absl::ZeroDuration();
    return true;
  }
  KeptKind kind() const { return kind_; }
  const std::string& token() const { return token_; }
  // The page is through. `next`: the page after it, empty: there is none.
  void Advance(std::string next, absl::Duration took, absl::Time now) {
    token_ = std::move(next);
    took_ += took;
    if (!token_.empty()) return;
    if (kind_ == KeptKind::kPending) {
      kind_ = KeptKind::kQuarantined;
      return;
    }
    looking_ = false;
    next_ = now + std::max(kRest, took_ * kRests);
  }

 private:
  bool wanted_ = true;
  bool looking_ = false;
  KeptKind kind_ = KeptKind::kPending;
  std::string token_;
  absl::Duration took_;
  absl::Time next_ = absl::InfinitePast();
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_TURN_TO_FOLLOW_H_
