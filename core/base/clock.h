// Time is passed in, so that the core stays a function of its input.
#ifndef HUILIU_CORE_BASE_CLOCK_H_
#define HUILIU_CORE_BASE_CLOCK_H_

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace huiliu {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
};

// The system's clock; lives as long as the process.
Clock& SystemClock();

// A clock that stands until it is moved; for tests.
class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time now) : now_(now) {}
  absl::Time Now() override { return now_; }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_;
};

// UTC+8 without daylight saving: the zone of every civil day in the product.
absl::TimeZone ShanghaiTimeZone();

// YYYY-MM-DD in Asia/Shanghai.
std::string ShanghaiDay(absl::Time time);

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_CLOCK_H_
