// When silence counts. Weekends and nights are silent by nature: a source owes only for office
// hours that have passed.
#ifndef HUILIU_BROKER_SERVICE_OFFICE_HOURS_H_
#define HUILIU_BROKER_SERVICE_OFFICE_HOURS_H_

#include "absl/time/time.h"

namespace huiliu::service {

struct OfficeHours {
  int first_weekday = 1;  // 1 Monday … 7 Sunday
  int last_weekday = 5;
  int from_hour = 9;  // Asia/Shanghai
  int to_hour = 17;
};

// Office time between two instants, at most 60 days back.
absl::Duration OfficeTimeBetween(const OfficeHours& hours, absl::Time from, absl::Time to);

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_OFFICE_HOURS_H_
