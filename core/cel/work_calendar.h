// Working days in China: holidays and make-up workdays as the State Council announces them year by
// year (schemas/calendar/workdays.tsv).
#ifndef HUILIU_CORE_CEL_WORK_CALENDAR_H_
#define HUILIU_CORE_CEL_WORK_CALENDAR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::cel {

// Immutable, thread-safe.
class WorkCalendar {
 public:
  // Lines of kind, from, to, name: `year 2026 2025-11-04 <notice>` makes a year known, `holiday`
  // and `workday` give days of known years; other days are worked from Monday to Friday.
  // INVALID_ARGUMENT naming the line.
  static absl::StatusOr<std::shared_ptr<const WorkCalendar>> Parse(absl::string_view text);
  // The file that this program was built with.
  static const WorkCalendar& BuiltIn();

  // Working days after the day of `from` up to the day of `to`, both UTC seconds, days in Beijing
  // time: what a deadline counts (the first day is the next one). Negative where `to` is earlier.
  // Unset where one of the days lies outside the known years.
  std::optional<int64_t> Between(int64_t from, int64_t to) const;

 private:
  WorkCalendar() = default;
  std::optional<size_t> IndexOf(int64_t seconds) const;

  int64_t first_day_ = 0;        // days since 1970-01-01
  std::vector<int32_t> worked_;  // by day since first_day_: working days up to and with it
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_WORK_CALENDAR_H_
