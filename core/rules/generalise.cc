#include "core/rules/generalise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/schema/text_value.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;
using schema::FieldType;

constexpr double kLargest = 1e15;  // whole numbers below it are exact in a double

size_t DigitsOf(Mask::Generalise::Level level) {
  switch (level) {
    case Mask::Generalise::LEVEL_PROVINCE:
      return 2;
    case Mask::Generalise::LEVEL_CITY:
      return 4;
    case Mask::Generalise::LEVEL_COUNTY:
      return 6;
    case Mask::Generalise::LEVEL_TOWNSHIP:
      return 9;
    default:
      return 0;
  }
}

// A number that is no code may be anything (a citizen number's beginning): none of it is shown.
bool AppendDivision(Mask::Generalise::Level level, absl::string_view code,
                    const HasDivision& has_division, const ResolveDivision& resolve,
                    std::string* out) {
  const size_t kept = DigitsOf(level);
  if (kept == 0 || (code.size() != 6 && code.size() != 9 && code.size() != 12) ||
      !std::all_of(code.begin(), code.end(), [](char c) { return absl::ascii_isdigit(c); }) ||
      has_division == nullptr || !has_division(code.substr(0, 6))) {
    return false;
  }
  std::string coarse(code.substr(0, kept));
  if (kept < 6 && code.size() > 6 && resolve != nullptr) {
    // Part of a county that belongs elsewhere than the county does is managed from there.
    const std::string manager = resolve(code);
    if (manager.size() == 6 && manager != resolve(code.substr(0, 6)))
      coarse = manager.substr(0, kept);
  }
  if (kept < 6) coarse.append(6 - kept, '0');
  if (!has_division(coarse)) return false;
  out->append(coarse);
  return true;
}

bool ParseDate(absl::string_view text, absl::CivilDay* day) {
  if (text.size() == 8 &&
      std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); })) {
    return absl::ParseCivilTime(
        absl::StrCat(text.substr(0, 4), "-", text.substr(4, 2), "-", text.substr(6, 2)), day);
  }
  absl::Time time;
  if (!schema::ParseTime(text, &time)) return false;
  *day = absl::ToCivilDay(time, ShanghaiTimeZone());
  return true;
}

bool AppendDate(Mask::Generalise::Precision precision, absl::string_view text, std::string* out) {
  absl::CivilDay day;
  if (!ParseDate(text, &day) || day.year() < 1 || day.year() > 9999) return false;
  switch (precision) {
    case Mask::Generalise::PRECISION_MONTH:
      absl::StrAppendFormat(out, "%04d-%02d-01", day.year(), day.month());
      return true;
    case Mask::Generalise::PRECISION_YEAR:
      absl::StrAppendFormat(out, "%04d-01-01", day.year());
      return true;
    default:
      return false;
  }
}

bool AppendBand(double width, absl::string_view text, std::string* out) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !(std::fabs(number) < kLargest)) return false;
  // 0.3 is in the third band of 0.1, whatever their quotient is in binary.
  const double bands = number / width, whole = std::round(bands);
  const double slack = 4 * std::numeric_limits<double>::epsilon() * std::max(1.0, std::fabs(whole));
  const double low = (std::fabs(bands - whole) <= slack ? whole : std::floor(bands)) * width;
  if (low == std::floor(low)) {
    absl::StrAppendFormat(out, "%.0f", low == 0 ? 0.0 : low);
    return true;
  }
  std::string digits = absl::StrFormat("%.6f", low);
  while (digits.back() == '0') digits.pop_back();
  absl::StrAppend(out, absl::StripSuffix(digits, "."));
  return true;
}

}  // namespace

absl::Status CheckGeneralise(const Mask::Generalise& to, const schema::Field& field) {
  const bool text = field.type == FieldType::kString;
  const bool whole = field.type == FieldType::kInt64 || field.type == FieldType::kUint64;
  bool fits = false;
  switch (to.to_case()) {
    case Mask::Generalise::kDivision:
      if (DigitsOf(to.division()) == 0)
        return absl::InvalidArgumentError("级别：province、city、county、township / no such level");
      fits = text || whole;
      break;
    case Mask::Generalise::kDate:
      if (to.date() != Mask::Generalise::PRECISION_MONTH &&
          to.date() != Mask::Generalise::PRECISION_YEAR)
        return absl::InvalidArgumentError("日期精度：month、year / no such precision");
      fits = text || field.type == FieldType::kTimestamp;
      break;
    case Mask::Generalise::kBand:
      if (!(to.band() >= 1e-6 && to.band() < kLargest))
        return absl::InvalidArgumentError("区间宽度应大于 0 / a band is wider than 0");
      // Of bands of 1.5 every other one holds a single whole number.
      if ((whole || text) && to.band() != std::floor(to.band()))
        return absl::InvalidArgumentError(
            "文本与整数字段的区间宽度应为整数 / the band of a text or a whole number is whole");
      // A whole number's band of 1 is the number itself.
      if ((whole || text) && to.band() <= 1)
        return absl::InvalidArgumentError(
            "文本与整数字段的区间宽度应大于 1 / the band of a text or a whole number is wider than "
            "1");
      fits = text || whole || field.type == FieldType::kDouble;
      break;
    case Mask::Generalise::TO_NOT_SET:
      return absl::InvalidArgumentError("概化方式为空 / nothing to generalise to");
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError("该概化方式不适用于此字段类型 / not for a field of this type");
}

bool AppendGeneralised(const Mask::Generalise& to, absl::string_view value,
                       const HasDivision& has_division, std::string* out,
                       const ResolveDivision& resolve) {
  switch (to.to_case()) {
    case Mask::Generalise::kDivision:
      return AppendDivision(to.division(), value, has_division, resolve, out);
    case Mask::Generalise::kDate:
      return AppendDate(to.date(), value, out);
    case Mask::Generalise::kBand:
      return AppendBand(to.band(), value, out);
    case Mask::Generalise::TO_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace huiliu::rules
