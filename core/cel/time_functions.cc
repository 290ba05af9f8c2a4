// Timestamps and durations: texts, and the parts of a timestamp in a time zone (UTC where none is
// named).
#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "core/cel/functions.h"

namespace huiliu::cel {
namespace {

constexpr int64_t kBillion = 1'000'000'000;

// Takes `count` digits.
bool TakeNumber(absl::string_view* text, size_t count, int* value) {
  if (text->size() < count) return false;
  *value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!absl::ascii_isdigit((*text)[i])) return false;
    *value = *value * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(count);
  return true;
}

// Up to nine digits behind the dot, as nanoseconds; none where there is no dot.
bool TakeFraction(absl::string_view* text, int32_t* nanos) {
  *nanos = 0;
  if (!absl::ConsumePrefix(text, ".")) return true;
  int32_t unit = 100'000'000;
  size_t digits = 0;
  for (; digits < text->size() && absl::ascii_isdigit((*text)[digits]); ++digits) {
    if (digits == 9) return false;
    *nanos += ((*text)[digits] - '0') * unit;
    unit /= 10;
  }
  text->remove_prefix(digits);
  return digits > 0;
}

// "+08:00", "-02:30": seconds east of UTC.
bool TakeOffset(absl::string_view text, int* seconds) {
  int sign = 1;
  if (absl::ConsumePrefix(&text, "-")) {
    sign = -1;
  } else {
    absl::ConsumePrefix(&text, "+");
  }
  int hours = 0, minutes = 0;
  if (!TakeNumber(&text, 2, &hours) || !absl::ConsumePrefix(&text, ":") ||
      !TakeNumber(&text, 2, &minutes) || !text.empty() || hours > 23 || minutes > 59)
    return false;
  *seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

// Names go to the system's zone files: only letters, digits and _ + - / may stand in them.
bool FindZone(absl::string_view name, absl::TimeZone* zone) {
  int seconds = 0;
  if (TakeOffset(name, &seconds)) {
    *zone = absl::FixedTimeZone(seconds);
    return true;
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '+' || c == '-' || c == '/';
  });
  if (!plain || name.empty() || name.size() > 64 || name[0] == '/' || name == "localtime")
    return false;
  return absl::LoadTimeZone(name, zone);
}

enum class Part {
  kYear,
  kMonth,
  kDate,
  kDayOfMonth,
  kDayOfYear,
  kDayOfWeek,
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds
};

Value PartOfDuration(int64_t nanoseconds, Part part) {
  switch (part) {
    case Part::kHours:
      return Int(nanoseconds / (3600 * kBillion));
    case Part::kMinutes:
      return Int(nanoseconds / (60 * kBillion));
    case Part::kSeconds:
      return Int(nanoseconds / kBillion);
    case Part::kMilliseconds:
      return Int(nanoseconds / 1'000'000 % 1000);
    default:
      return Error(kNoOverload);
  }
}

int64_t PartOfTime(const absl::CivilSecond& time, int32_t nanos, Part part) {
  switch (part) {
    case Part::kYear:
      return time.year();
    case Part::kMonth:
      return time.month() - 1;
    case Part::kDate:
      return time.day();
    case Part::kDayOfMonth:
      return time.day() - 1;
    case Part::kDayOfYear:
      return absl::GetYearDay(absl::CivilDay(time)) - 1;
    case Part::kDayOfWeek:
      return (static_cast<int>(absl::GetWeekday(time)) + 1) % 7;  // Sunday is 0
    case Part::kHours:
      return time.hour();
    case Part::kMinutes:
      return time.minute();
    case Part::kSeconds:
      return time.second();
    case Part::kMilliseconds:
      return nanos / 1'000'000;
  }
  return 0;
}

template <Part part>
Value Get(Frame& frame, const Value* args, size_t count) {
  if (args[0].kind == ValueKind::kDuration && count == 1)
    return PartOfDuration(args[0].integer, part);
  if (args[0].kind != ValueKind::kTimestamp) return Error(kNoOverload);
  absl::TimeZone zone = absl::UTCTimeZone();
  if (count > 1) {
    if (args[1].kind != ValueKind::kString) return Error(kNoOverload);
    if (!frame.Charge(10)) return Error(kTooCostly);
    if (!FindZone(args[1].text(), &zone)) return Error("no such time zone (没有这个时区)");
  }
  return Int(PartOfTime(absl::ToCivilSecond(ToTime(args[0]), zone), args[0].nanos, part));
}

struct Unit {
  absl::string_view name;
  int64_t nanoseconds;
};
// Longest first where one is the beginning of another.
constexpr Unit kUnits[] = {
    {"ns", 1},         {"us", 1'000},   {"µs", 1'000},        {"μs", 1'000},
    {"ms", 1'000'000}, {"s", kBillion}, {"m", 60 * kBillion}, {"h", 3600 * kBillion}};

// number unit: "1.5h". Adds up in 128 bits, so that nothing overflows before it is judged.
bool TakeTerm(absl::string_view* text, __int128* total) {
  __int128 whole = 0, fraction = 0, scale = 1;
  size_t digits = 0;
  const auto take = [&](bool behind_dot) {
    for (; !text->empty() && absl::ascii_isdigit(text->front()); text->remove_prefix(1), ++digits) {
      const int digit = text->front() - '0';
      if (!behind_dot) {
        whole = std::min<__int128>(whole * 10 + digit, std::numeric_limits<int64_t>::max());
      } else if (scale < 1'000'000'000'000'000) {
        fraction = fraction * 10 + digit;
        scale *= 10;
      }
    }
  };
  take(false);
  if (absl::ConsumePrefix(text, ".")) take(true);
  if (digits == 0) return false;
  for (const Unit& unit : kUnits) {
    if (!absl::ConsumePrefix(text, unit.name)) continue;
    *total += whole * unit.nanoseconds + fraction * unit.nanoseconds / scale;
    *total = std::min<__int128>(*total, __int128{1} << 64);
    return true;
  }
  return false;
}

}  // namespace

Value ParseTimestamp(absl::string_view text) {
  const Value wrong = Error("no timestamp: write 2026-07-01T00:00:00+08:00 (时间写法不对)");
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  int32_t nanos = 0;
  const bool date = TakeNumber(&text, 4, &year) && absl::ConsumePrefix(&text, "-") &&
                    TakeNumber(&text, 2, &month) && absl::ConsumePrefix(&text, "-") &&
                    TakeNumber(&text, 2, &day);
  if (!date || text.empty() || (text[0] != 'T' && text[0] != 't')) return wrong;
  text.remove_prefix(1);
  const bool time = TakeNumber(&text, 2, &hour) && absl::ConsumePrefix(&text, ":") &&
                    TakeNumber(&text, 2, &minute) && absl::ConsumePrefix(&text, ":") &&
                    TakeNumber(&text, 2, &second) && TakeFraction(&text, &nanos);
  if (!time || text.empty()) return wrong;
  if (text != "Z" && text != "z" &&
      ((text[0] != '+' && text[0] != '-') || !TakeOffset(text, &offset)))
    return wrong;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day || civil.hour() != hour ||
      civil.minute() != minute || civil.second() != second)
    return wrong;
  const absl::Time utc = absl::FromCivil(civil, absl::UTCTimeZone());
  return Timestamp(absl::ToUnixSeconds(utc) - offset, nanos);
}

Value ParseDuration(absl::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration(0);
  const Value wrong = Error("no duration: write 1h30m or 90s (时长写法不对)");
  if (text.empty()) return wrong;
  __int128 total = 0;
  while (!text.empty()) {
    if (!TakeTerm(&text, &total)) return wrong;
  }
  if (negative) total = -total;
  if (total > std::numeric_limits<int64_t>::max() || total < std::numeric_limits<int64_t>::min())
    return Error("duration out of range (时长超出范围)");
  return Duration(static_cast<int64_t>(total));
}

namespace {

std::string Fraction(int64_t nanos) {
  if (nanos == 0) return {};
  std::string digits = absl::StrFormat(".%09d", nanos);
  while (digits.back() == '0') digits.pop_back();
  return digits;
}

}  // namespace

std::string FormatTimestamp(const Value& timestamp) {
  const absl::CivilSecond civil =
      absl::ToCivilSecond(absl::FromUnixSeconds(timestamp.integer), absl::UTCTimeZone());
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d%sZ", civil.year(), civil.month(),
                         civil.day(), civil.hour(), civil.minute(), civil.second(),
                         Fraction(timestamp.nanos));
}

std::string FormatDuration(const Value& duration) {
  const int64_t nanos = duration.integer;
  const uint64_t magnitude =
      nanos < 0 ? 0 - static_cast<uint64_t>(nanos) : static_cast<uint64_t>(nanos);
  return absl::StrCat(nanos < 0 ? "-" : "", magnitude / kBillion,
                      Fraction(static_cast<int64_t>(magnitude % kBillion)), "s");
}

absl::Span<const FunctionEntry> TimeFunctions() {
  static constexpr FunctionEntry kTable[] = {
      {"getFullYear", Get<Part::kYear>},       {"getMonth", Get<Part::kMonth>},
      {"getDate", Get<Part::kDate>},           {"getDayOfMonth", Get<Part::kDayOfMonth>},
      {"getDayOfYear", Get<Part::kDayOfYear>}, {"getDayOfWeek", Get<Part::kDayOfWeek>},
      {"getHours", Get<Part::kHours>},         {"getMinutes", Get<Part::kMinutes>},
      {"getSeconds", Get<Part::kSeconds>},     {"getMilliseconds", Get<Part::kMilliseconds>}};
  return kTable;
}

}  // namespace huiliu::cel
