#include "core/base/clock.h"

namespace huiliu {
namespace {

class RealClock : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
};

}  // namespace

Clock& SystemClock() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

absl::TimeZone ShanghaiTimeZone() { return absl::FixedTimeZone(8 * 3600); }

std::string ShanghaiDay(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, ShanghaiTimeZone());
}

}  // namespace huiliu
