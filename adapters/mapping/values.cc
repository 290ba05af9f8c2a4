#include "adapters/mapping/values.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "core/codes/codes.h"

namespace huiliu::mapping {
namespace {

Normalised DateOf(int year, int month, int day, bool day_assumed) {
  const absl::CivilDay date(year, month, day);
  if (year < 1000 || date.year() != year || date.month() != month || date.day() != day)
    return {"", "date"};
  if (date == absl::CivilDay(1899, 12, 31) || date == absl::CivilDay(2099, 12, 31) ||
      date == absl::CivilDay(1900, 1, 1) || date == absl::CivilDay(9999, 12, 31)) {
    return {"", "sentinel"};
  }
  return {absl::StrFormat("%04d-%02d-%02d", year, month, day), day_assumed ? "day_assumed" : ""};
}

// The whole numbers in a text, in order.
std::vector<int> Numbers(absl::string_view text) {
  std::vector<int> out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && absl::ascii_isdigit(text[end])) ++end;
    int number = 0;
    if (end > i && absl::SimpleAtoi(text.substr(i, end - i), &number)) out.push_back(number);
    i = end > i ? end : i + 1;
  }
  return out;
}

// Decimal text times 10^4, without rounding.
std::string TimesTenThousand(absl::string_view number) {
  const size_t dot = number.find('.');
  std::string whole(number.substr(0, dot));
  std::string fraction = dot == absl::string_view::npos ? "" : std::string(number.substr(dot + 1));
  fraction.resize(std::max<size_t>(fraction.size(), 4), '0');
  whole += fraction.substr(0, 4);
  fraction.erase(0, 4);
  return fraction.empty() ? whole : whole + "." + fraction;
}

std::string Canonical(std::string number) {
  const size_t first = number.find_first_not_of('0');
  if (first == std::string::npos) return "0";
  number.erase(0, number[first] == '.' ? first - std::min<size_t>(first, 1) : first);
  if (number[0] == '.') number.insert(0, "0");
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  return number;
}

}  // namespace

Normalised NormaliseDate(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const bool digits_only =
      !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  int n = 0;
  if (digits_only && (text.size() == 8 || text.size() == 6 || text.size() == 14) &&
      absl::SimpleAtoi(text.substr(0, text.size() == 6 ? 6 : 8), &n)) {
    if (text.size() == 6) return DateOf(n / 100, n % 100, 1, true);
    return DateOf(n / 10000, n / 100 % 100, n % 100, false);
  }
  const std::vector<int> parts = Numbers(text);
  if (parts.size() >= 3) return DateOf(parts[0], parts[1], parts[2], false);
  if (parts.size() == 2 && !digits_only) return DateOf(parts[0], parts[1], 1, true);
  return {"", "date"};
}

Normalised NormaliseAmount(absl::string_view text) {
  const std::string plain = absl::StrReplaceAll(text, {{",", ""}, {"，", ""}, {" ", ""}});
  size_t end = 0;
  while (end < plain.size() && (absl::ascii_isdigit(plain[end]) || plain[end] == '.')) ++end;
  const std::string number = plain.substr(0, end);
  const absl::string_view unit = absl::string_view(plain).substr(end);
  if (number.empty() || std::count(number.begin(), number.end(), '.') > 1 || number == ".")
    return {"", "amount"};
  for (absl::string_view foreign : {"美元", "港元", "港币", "欧元", "日元", "英镑", "澳元", "加元",
                                    "加拿大元", "新加坡元", "马克", "法郎", "韩元", "泰铢"}) {
    if (absl::StrContains(unit, foreign)) return {"", "currency"};
  }
  return {Canonical(absl::StrContains(unit, "万") ? TimesTenThousand(number) : number), ""};
}

absl::string_view FindingOn(huiliu::v1::ValueKind kind, absl::string_view text) {
  using codes::Flaw;
  const auto name = [](Flaw flaw) {
    return flaw == Flaw::kNone ? absl::string_view() : codes::FlawName(flaw);
  };
  if (codes::IsMaskedAtSource(text)) return "masked_at_source";
  switch (kind) {
    case huiliu::v1::VALUE_KIND_USCC:
      if (absl::StrContains(text, "、") || absl::StrContains(text, ",") ||
          absl::StrContains(text, ";"))
        return "several_codes";
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
