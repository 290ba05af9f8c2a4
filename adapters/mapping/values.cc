#include "adapters/mapping/values.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "core/codes/codes.h"
#include "core/schema/text_value.h"

namespace huiliu::mapping {
namespace {

// Reads a date and a time off the front of a text, strictly: what it does not know is no date.
struct DateReader {
  absl::string_view rest;

  // A whole number of min to max digits.
  bool Number(size_t min, size_t max, int* out) {
    size_t n = 0;
    while (n < rest.size() && n < max && absl::ascii_isdigit(rest[n])) ++n;
    if (n < min || !absl::SimpleAtoi(rest.substr(0, n), out)) return false;
    rest.remove_prefix(n);
    return true;
  }
  bool Skip(absl::string_view word) { return absl::ConsumePrefix(&rest, word); }
  size_t LeadingDigits() const {
    size_t n = 0;
    while (n < rest.size() && absl::ascii_isdigit(rest[n])) ++n;
    return n;
  }
};

struct Date {
  int year = 0, month = 0, day = 1;
  bool day_assumed = false;

  absl::CivilDay civil() const { return absl::CivilDay(year, month, day); }
  bool exists() const {
    return year >= 1 && civil().year() == year && civil().month() == month && civil().day() == day;
  }
  std::string text() const {
    return absl::StrCat(absl::Dec(year, absl::kZeroPad4), "-", absl::Dec(month, absl::kZeroPad2),
                        "-", absl::Dec(day, absl::kZeroPad2));
  }
};

bool TakeDate(DateReader& reader, Date* date) {
  const size_t digits = reader.LeadingDigits();
  if (digits == 6 || digits == 8 || digits == 14) {
    if (!reader.Number(4, 4, &date->year) || !reader.Number(2, 2, &date->month)) return false;
    date->day_assumed = digits == 6;
    return digits == 6 ? reader.rest.empty() : reader.Number(2, 2, &date->day);
  }
  if (digits != 4 || !reader.Number(4, 4, &date->year)) return false;
  const bool chinese = reader.Skip("年");
  const absl::string_view mark = chinese ? "月" : reader.rest.substr(0, 1);
  if (!chinese && !(reader.Skip("-") || reader.Skip("/") || reader.Skip("."))) return false;
  if (!reader.Number(1, 2, &date->month)) return false;
  if (chinese && !reader.Skip(mark)) return false;
  if (reader.rest.empty()) {
    date->day_assumed = true;
    return true;
  }
  if (!chinese && !reader.Skip(mark)) return false;
  if (!reader.Number(1, 2, &date->day)) return false;
  return !chinese || reader.Skip("日") || reader.Skip("号");
}

struct Clock {
  int hour = 0, minute = 0, second = 0, microsecond = 0;
  bool has_zone = false;
  int offset_minutes = 0;
};

bool TakeZone(DateReader& reader, Clock* clock) {
  reader.Skip(" ");
  if (reader.rest.empty()) return true;
  clock->has_zone = true;
  if (reader.Skip("Z") || reader.Skip("z")) return true;
  const int sign = absl::StartsWith(reader.rest, "-") ? -1 : 1;
  if (!reader.Skip("+") && !reader.Skip("-")) return false;
  int hours = 0, minutes = 0;
  if (!reader.Number(2, 2, &hours) || hours > 15) return false;
  reader.Skip(":");
  if (!reader.rest.empty() && (!reader.Number(2, 2, &minutes) || minutes > 59)) return false;
  clock->offset_minutes = sign * (hours * 60 + minutes);
  return true;
}

bool TakeFraction(DateReader& reader, Clock* clock) {
  const size_t digits = reader.LeadingDigits();
  if (digits == 0) return false;
  int unit = 100000;
  for (size_t i = 0; i < digits; ++i, unit /= 10)
    clock->microsecond += (reader.rest[i] - '0') * unit;
  reader.rest.remove_prefix(digits);
  return true;
}

// What follows the date: nothing, or a time and perhaps its zone, to the end.
bool TakeClock(DateReader& reader, Clock* clock) {
  if (reader.rest.empty()) return true;
  if (reader.LeadingDigits() == 6) {
    if (!reader.Number(2, 2, &clock->hour) || !reader.Number(2, 2, &clock->minute) ||
        !reader.Number(2, 2, &clock->second)) {
      return false;
    }
  } else {
    if (!reader.Skip("T") && !reader.Skip("t") && !reader.Skip(" ")) return false;
    while (reader.Skip(" ")) {
    }
    if (!reader.Number(1, 2, &clock->hour) || !reader.Skip(":") ||
        !reader.Number(2, 2, &clock->minute)) {
      return false;
    }
    if (reader.Skip(":") && !reader.Number(2, 2, &clock->second)) return false;
    if ((reader.Skip(".") || reader.Skip(",")) && !TakeFraction(reader, clock)) return false;
  }
  if (clock->hour > 23 || clock->minute > 59 || clock->second > 60) return false;
  return TakeZone(reader, clock) && reader.rest.empty();
}

absl::string_view SentinelFinding(const std::string& date, const Sentinels& sentinels) {
  if (sentinels.none.count(date) > 0) return "sentinel";
  return sentinels.endless.count(date) > 0 ? "without_end" : "";
}

std::string Rfc3339(absl::Time time) {
  std::string text;
  schema::AppendRfc3339(time, &text);
  return text;
}

// Decimal text times 10^places, without rounding.
std::string Shifted(const std::string& number, size_t places) {
  const size_t dot = number.find('.');
  std::string whole = number.substr(0, dot);
  std::string fraction = dot == std::string::npos ? "" : number.substr(dot + 1);
  fraction.resize(std::max(fraction.size(), places), '0');
  whole += fraction.substr(0, places);
  fraction.erase(0, places);
  return fraction.empty() ? whole : whole + "." + fraction;
}

std::string Canonical(std::string number) {
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  number.erase(0, std::min(number.find_first_not_of('0'), number.size()));
  if (number.empty() || number[0] == '.') number.insert(0, "0");
  return number;
}

}  // namespace

Normalised NormaliseDate(absl::string_view text, const Sentinels& sentinels) {
  DateReader reader{absl::StripAsciiWhitespace(text)};
  Date date;
  Clock clock;
  if (!TakeDate(reader, &date) || !TakeClock(reader, &clock) || !date.exists()) return {"", "date"};
  const std::string out = date.text();
  const absl::string_view sentinel = SentinelFinding(out, sentinels);
  if (!sentinel.empty()) return {"", sentinel};
  return {out, date.day_assumed ? "day_assumed" : ""};
}

Normalised NormaliseTime(absl::string_view text, absl::TimeZone zone, const Sentinels& sentinels) {
  text = absl::StripAsciiWhitespace(text);
  DateReader reader{text};
  const size_t digits = reader.LeadingDigits();
  int64_t unix = 0;
  if ((digits == 10 || digits == 13) && digits == text.size() && absl::SimpleAtoi(text, &unix))
    return {Rfc3339(digits == 10 ? absl::FromUnixSeconds(unix) : absl::FromUnixMillis(unix)), ""};
  Date date;
  Clock clock;
  if (!TakeDate(reader, &date) || !TakeClock(reader, &clock) || !date.exists()) return {"", "time"};
  const absl::string_view sentinel = SentinelFinding(date.text(), sentinels);
  if (!sentinel.empty()) return {"", sentinel};
  const absl::CivilSecond civil(date.year, date.month, date.day, clock.hour, clock.minute,
                                clock.second);
  absl::Time time = clock.has_zone ? absl::FromCivil(civil, absl::UTCTimeZone()) -
                                         absl::Minutes(clock.offset_minutes)
                                   : absl::FromCivil(civil, zone);
  time += absl::Microseconds(clock.microsecond);
  return {Rfc3339(time), date.day_assumed ? "day_assumed" : ""};
}

Normalised NormaliseAmount(absl::string_view text) {
  std::string rest = absl::StrReplaceAll(
      text, {{",", ""}, {"，", ""}, {" ", ""}, {"　", ""}, {"¥", ""}, {"￥", ""}});
  size_t end = 0;
  while (end < rest.size() && (absl::ascii_isdigit(rest[end]) || rest[end] == '.')) ++end;
  const std::string number = rest.substr(0, end);
  rest.erase(0, end);
  if (number.empty() || std::count(number.begin(), number.end(), '.') > 1 || number == ".")
    return {"", "amount"};
  // Only yuan passes: whatever else stands behind the number is another currency, or no amount.
  std::string unit = absl::StrReplaceAll(
      rest,
      {{"(", ""}, {")", ""}, {"（", ""}, {"）", ""}, {"人民币", ""}, {"RMB", ""}, {"CNY", ""}});
  absl::string_view scale = unit;
  if (!absl::ConsumeSuffix(&scale, "元")) absl::ConsumeSuffix(&scale, "圆");
  constexpr std::pair<absl::string_view, size_t> kScales[] = {{"", 0},     {"千", 3},   {"万", 4},
                                                              {"百万", 6}, {"千万", 7}, {"亿", 8}};
  for (const auto& [word, places] : kScales) {
    if (scale == word) return {Canonical(Shifted(number, places)), ""};
  }
  for (absl::string_view foreign :
       {"元", "币", "镑", "马克", "法郎", "铢", "卢布", "USD", "EUR", "HKD", "JPY", "GBP"}) {
    if (absl::StrContains(unit, foreign)) return {"", "currency"};
  }
  return {"", "amount"};
}

bool IsIdentifier(huiliu::v1::ValueKind kind) {
  return kind == huiliu::v1::VALUE_KIND_USCC || kind == huiliu::v1::VALUE_KIND_CITIZEN_ID ||
         kind == huiliu::v1::VALUE_KIND_ORGANISATION_CODE;
}

absl::string_view FindingOn(huiliu::v1::ValueKind kind, absl::string_view text) {
  using codes::Flaw;
  const auto name = [](Flaw flaw) {
    return flaw == Flaw::kNone ? absl::string_view() : codes::FlawName(flaw);
  };
  if (IsIdentifier(kind)) {
    if (codes::IsMaskedAtSource(text)) return "masked_at_source";
    for (absl::string_view separator : {"、", ",", "，", ";", "；", "/"}) {
      if (absl::StrContains(text, separator)) return "several_codes";
    }
  }
  switch (kind) {
    case huiliu::v1::VALUE_KIND_USCC:
      if (codes::CheckUscc(text) != Flaw::kNone && codes::CheckCitizenId(text) == Flaw::kNone)
        return "citizen_number";
      return name(codes::CheckUscc(text));
    case huiliu::v1::VALUE_KIND_CITIZEN_ID:
      return name(codes::CheckCitizenId(text));
    case huiliu::v1::VALUE_KIND_ORGANISATION_CODE:
      return name(codes::CheckOrganisationCode(text));
    case huiliu::v1::VALUE_KIND_DIVISION: {
      const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
      return digits && (text.size() == 6 || text.size() == 9 || text.size() == 12) ? ""
                                                                                   : "division";
    }
    default:
      return "";
  }
}

}  // namespace huiliu::mapping
