#include "broker/service/office_hours.h"

#include <algorithm>

#include "core/base/clock.h"

namespace huiliu::service {

absl::Duration OfficeTimeBetween(const OfficeHours& hours, absl::Time from, absl::Time to) {
  const absl::TimeZone zone = ShanghaiTimeZone();
  from = std::max(from, to - absl::Hours(24 * 60));
  absl::Duration total;
  for (absl::CivilDay day = absl::ToCivilDay(from, zone); absl::FromCivil(day, zone) < to; ++day) {
    const int weekday = static_cast<int>(absl::GetWeekday(day)) + 1;
    if (weekday < hours.first_weekday || weekday > hours.last_weekday) continue;
    const absl::Time midnight = absl::FromCivil(day, zone);
    const absl::Time begin = std::max(from, midnight + absl::Hours(hours.from_hour));
    const absl::Time end = std::min(to, midnight + absl::Hours(hours.to_hour));
    if (end > begin) total += end - begin;
  }
  return total;
}

}  // namespace huiliu::service
