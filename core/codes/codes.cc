#include "core/codes/codes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"

namespace huiliu::codes {
namespace {

bool AllDigits(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// Index in `alphabet`, or -1.
int ValueIn(absl::string_view alphabet, char c) {
  const size_t at = alphabet.find(c);
  return at == absl::string_view::npos ? -1 : static_cast<int>(at);
}

bool IsDate(absl::string_view yyyymmdd) {
  int year = 0, month = 0, day = 0;
  if (!absl::SimpleAtoi(yyyymmdd.substr(0, 4), &year) ||
      !absl::SimpleAtoi(yyyymmdd.substr(4, 2), &month) ||
      !absl::SimpleAtoi(yyyymmdd.substr(6, 2), &day)) {
    return false;
  }
  const absl::CivilDay date(year, month, day);
  return date.year() == year && date.month() == month && date.day() == day;
}

// Zeros but for the last character, which is 0 or X: "00000000000000000X" stands for no code.
bool IsPlaceholder(absl::string_view code) {
  return std::all_of(code.begin(), code.end() - 1, [](char c) { return c == '0'; }) &&
         (code.back() == '0' || code.back() == 'X');
}

bool IsCodeText(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(c) || absl::ascii_isupper(c); });
}

// ISO 7064 hybrid systems MOD m+1,m: the check character's value.
template <typename Value>
int HybridCheck(absl::string_view text, int modulus, const Value& value_of) {
  int p = modulus;
  for (char c : text) {
    int s = (p + value_of(c)) % modulus;
    if (s == 0) s = modulus;
    p = s * 2 % (modulus + 1);
  }
  return (modulus + 1 - p) % modulus;
}

}  // namespace

absl::string_view FlawName(Flaw flaw) {
  switch (flaw) {
    case Flaw::kNone:
      return "ok";
    case Flaw::kLength:
      return "length";
    case Flaw::kAlphabet:
      return "alphabet";
    case Flaw::kDate:
      return "date";
    case Flaw::kCheckDigit:
      return "check_digit";
    case Flaw::kPlaceholder:
      return "placeholder";
    case Flaw::kShape:
      return "shape";
  }
  return "ok";
}

Flaw CheckUscc(absl::string_view code) {
  constexpr absl::string_view kAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  if (code.size() != 18) return Flaw::kLength;
  if (IsPlaceholder(code)) return Flaw::kPlaceholder;
  int sum = 0;
  int weight = 1;  // 3^(i-1) mod 31
  for (size_t i = 0; i < 17; ++i) {
    const int value = ValueIn(kAlphabet, code[i]);
    if (value < 0) return Flaw::kAlphabet;
    sum += value * weight;
    weight = weight * 3 % 31;
  }
  const int check = ValueIn(kAlphabet, code[17]);
  if (check < 0 || !AllDigits(code.substr(2, 6))) return Flaw::kAlphabet;
  return (31 - sum % 31) % 31 == check ? Flaw::kNone : Flaw::kCheckDigit;
}

absl::string_view UsccDivision(absl::string_view code) {
  if (code.size() != 18 || !AllDigits(code.substr(2, 6))) return {};
  return code.substr(2, 6);
}

absl::string_view UsccOrganisationCode(absl::string_view code) {
  return code.size() == 18 ? code.substr(8, 9) : absl::string_view();
}

Flaw CheckOrganisationCode(absl::string_view code) {
  constexpr int kWeights[] = {3, 7, 9, 10, 5, 8, 4, 2};
  char plain[9];
  if (code.size() == 10 && code[8] == '-') {
    std::copy(code.begin(), code.begin() + 8, plain);
    plain[8] = code[9];
  } else if (code.size() == 9) {
    std::copy(code.begin(), code.end(), plain);
  } else {
    return Flaw::kLength;
  }
  if (IsPlaceholder({plain, 9})) return Flaw::kPlaceholder;
  int sum = 0;
  for (int i = 0; i < 8; ++i) {
    const char c = plain[i];
    if (!absl::ascii_isdigit(c) && !absl::ascii_isupper(c)) return Flaw::kAlphabet;
    sum += kWeights[i] * (absl::ascii_isdigit(c) ? c - '0' : c - 'A' + 10);
  }
  const int check = 11 - sum % 11;
  const char wanted = check == 10 ? 'X' : check == 11 ? '0' : static_cast<char>('0' + check);
  return plain[8] == wanted ? Flaw::kNone : Flaw::kCheckDigit;
}

Flaw CheckRegistrationNumber(absl::string_view code) {
  if (code.size() != 15) return Flaw::kLength;
  if (!AllDigits(code)) return Flaw::kAlphabet;
  if (IsPlaceholder(code)) return Flaw::kPlaceholder;
  const int check = HybridCheck(code.substr(0, 14), 10, [](char c) { return c - '0'; });
  return check == code[14] - '0' ? Flaw::kNone : Flaw::kCheckDigit;
}

Flaw CheckCitizenId(absl::string_view code) {
  if (code.size() == 15) {
    if (!AllDigits(code)) return Flaw::kAlphabet;
    char date[8] = {'1', '9'};
    std::copy(code.begin() + 6, code.begin() + 12, date + 2);
    return IsDate({date, 8}) ? Flaw::kNone : Flaw::kDate;
  }
  if (code.size() != 18) return Flaw::kLength;
  if (!AllDigits(code.substr(0, 17)) || (!absl::ascii_isdigit(code[17]) && code[17] != 'X'))
    return Flaw::kAlphabet;
  if (!IsDate(code.substr(6, 8))) return Flaw::kDate;
  constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) sum += kWeights[i] * (code[i] - '0');
  return code[17] == "10X98765432"[sum % 11] ? Flaw::kNone : Flaw::kCheckDigit;
}

Flaw CheckCertificateId(absl::string_view code) {
  constexpr absl::string_view kPrefix = "1.2.156.3005.2.";
  constexpr absl::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (!absl::StartsWith(code, kPrefix)) return Flaw::kShape;
  // type, issuer, serial, version, check
  const std::vector<absl::string_view> parts = absl::StrSplit(code.substr(kPrefix.size()), '.');
  if (parts.size() != 5 || parts[0].size() != 21 || parts[1].size() != 18 || parts[2].empty() ||
      parts[3].size() != 3 || parts[4].size() != 1) {
    return Flaw::kShape;
  }
  std::string whole = "1215630052";
  for (size_t i = 0; i < 4; ++i) absl::StrAppend(&whole, parts[i]);
  if (!IsCodeText(whole)) return Flaw::kAlphabet;
  const int check = HybridCheck(whole, 36, [&](char c) { return ValueIn(kAlphabet, c); });
  return kAlphabet[static_cast<size_t>(check)] == parts[4][0] ? Flaw::kNone : Flaw::kCheckDigit;
}

Flaw CheckServiceItemCode(absl::string_view code) {
  if (code.size() == 12) return IsCodeText(code) ? Flaw::kNone : Flaw::kAlphabet;
  if (code.size() != 31) return Flaw::kLength;
  const Flaw flaw = CheckUscc(code.substr(0, 18));
  if (flaw != Flaw::kNone) return flaw;
  return AllDigits(code.substr(18, 1)) && IsCodeText(code.substr(19)) ? Flaw::kNone
                                                                      : Flaw::kAlphabet;
}

bool IsMaskedAtSource(absl::string_view text) {
  size_t stars = 0;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '*') {
      ++stars;
      ++i;
    } else if (absl::StartsWith(text.substr(i), "＊")) {
      ++stars;
      i += 3;
    } else {
      ++i;
    }
  }
  return stars >= 4;
}

}  // namespace huiliu::codes
