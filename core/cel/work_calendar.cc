#include "core/cel/work_calendar.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "core/base/check.h"

namespace huiliu::cel {

extern const char* const kWorkCalendarText;  // generated from schemas/calendar/workdays.tsv

namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kBeijing = 8 * 3600;  // without summer time since 1992
constexpr int kFirstYear = 1992;
constexpr int kLastYear = 2200;

int64_t DayNumber(absl::CivilDay day) { return day - absl::CivilDay(1970, 1, 1); }

bool IsWeekday(int64_t day) {
  const int64_t from_monday = (day % 7 + 3) % 7;  // 1970-01-01 was a Thursday
  return from_monday < 5;
}

// One line; `days` and `years` are filled from it.
struct Builder {
  struct Span {
    int64_t from, to;
    bool worked;
    size_t line;
  };
  std::vector<int> years;
  std::vector<Span> spans;

  static bool Day(absl::string_view text, absl::CivilDay* day) {
    int year = 0, month = 0, date = 0;
    const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
    if (text.size() != 10 || parts.size() != 3 || !absl::SimpleAtoi(parts[0], &year) ||
        !absl::SimpleAtoi(parts[1], &month) || !absl::SimpleAtoi(parts[2], &date))
      return false;
    *day = absl::CivilDay(year, month, date);
    return day->year() == year && day->month() == month && day->day() == date;
  }

  bool Line(absl::string_view text, size_t number) {
    const std::vector<absl::string_view> parts = absl::StrSplit(text, '\t');
    if (parts.size() != 4) return false;
    if (parts[0] == "year") {
      int year = 0;
      if (!absl::SimpleAtoi(parts[1], &year) || year < kFirstYear || year > kLastYear) return false;
      years.push_back(year);
      return true;
    }
    absl::CivilDay from, to;
    if ((parts[0] != "holiday" && parts[0] != "workday") || !Day(parts[1], &from) ||
        !Day(parts[2], &to) || to < from)
      return false;
    if (from.year() != to.year() ||
        std::find(years.begin(), years.end(), from.year()) == years.end())
      return false;
    spans.push_back({DayNumber(from), DayNumber(to), parts[0] == "workday", number});
    return true;
  }
};

}  // namespace

absl::StatusOr<std::shared_ptr<const WorkCalendar>> WorkCalendar::Parse(absl::string_view text) {
  Builder builder;
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    if (!builder.Line(line, number))
      return absl::InvalidArgumentError(absl::StrCat(
          "work calendar, line ", number,
          ": not kind, from, to and name of a known year (应为类别、起、止、名称，且年份已知)"));
  }
  std::sort(builder.years.begin(), builder.years.end());
  for (size_t i = 1; i < builder.years.size(); ++i) {
    if (builder.years[i] != builder.years[i - 1] + 1)
      return absl::InvalidArgumentError(
          "work calendar: the years are not one after another (工作日历：年份不连续)");
  }
  if (builder.years.empty())
    return absl::InvalidArgumentError("work calendar: no year (工作日历：没有年份)");
  std::shared_ptr<WorkCalendar> calendar(new WorkCalendar());
  calendar->first_day_ = DayNumber(absl::CivilDay(builder.years.front(), 1, 1));
  const int64_t end = DayNumber(absl::CivilDay(builder.years.back() + 1, 1, 1));
  for (int64_t day = calendar->first_day_; day < end; ++day)
    calendar->worked_.push_back(IsWeekday(day) ? 1 : 0);
  for (const Builder::Span& span : builder.spans) {
    for (int64_t day = span.from; day <= span.to; ++day)
      calendar->worked_[static_cast<size_t>(day - calendar->first_day_)] = span.worked ? 1 : 0;
  }
  std::partial_sum(calendar->worked_.begin(), calendar->worked_.end(), calendar->worked_.begin());
  return calendar;
}

const WorkCalendar& WorkCalendar::BuiltIn() {
  static const auto* const calendar = [] {
    auto parsed = Parse(kWorkCalendarText);
    HUILIU_CHECK(parsed.ok());  // a unit test reads the same file
    return new std::shared_ptr<const WorkCalendar>(*parsed);
  }();
  return **calendar;
}

std::optional<size_t> WorkCalendar::IndexOf(int64_t seconds) const {
  const int64_t local = seconds + kBeijing;
  const int64_t day = local / kDaySeconds - (local % kDaySeconds < 0 ? 1 : 0) - first_day_;
  if (day < 0 || static_cast<size_t>(day) >= worked_.size()) return std::nullopt;
  return static_cast<size_t>(day);
}

std::optional<int64_t> WorkCalendar::Between(int64_t from, int64_t to) const {
  const std::optional<size_t> a = IndexOf(from), b = IndexOf(to);
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  return int64_t{worked_[*b]} - worked_[*a];
}

}  // namespace huiliu::cel
