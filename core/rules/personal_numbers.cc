#include "core/rules/personal_numbers.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "core/codes/codes.h"
#include "core/codes/phone_numbers.h"
#include "core/text/utf8.h"

namespace huiliu::rules {
namespace {

bool IsCitizenId(absl::string_view run) {
  return run.size() == 18 &&
         codes::CheckCitizenId(absl::AsciiStrToUpper(run)) == codes::Flaw::kNone &&
         codes::CheckUscc(absl::AsciiStrToUpper(run)) != codes::Flaw::kNone;
}

// A mobile number may be written in groups: the last place from which one is seen is its first
// digit.
size_t BeginOfMobile(absl::string_view line) {
  size_t seen = 0, unseen = line.size();
  while (unseen - seen > 1) {
    const size_t at = seen + (unseen - seen) / 2;
    (codes::HoldsMobileNumber(line.substr(at)) ? seen : unseen) = at;
  }
  return seen;
}

}  // namespace

std::vector<Place> PersonalNumbersIn(absl::string_view yaml) {
  std::vector<Place> found;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(yaml, '\n')) {
    ++number;
    const auto note = [&](size_t at) {
      found.push_back({number, static_cast<int>(text::CodePointCount(line.substr(0, at))) + 1});
    };
    for (size_t at = 0; at < line.size();) {
      size_t end = at;
      while (end < line.size() && absl::ascii_isalnum(line[end])) ++end;
      if (IsCitizenId(line.substr(at, end - at))) note(at);
      at = end + 1;
    }
    if (codes::HoldsMobileNumber(line)) note(BeginOfMobile(line));
  }
  return found;
}

}  // namespace huiliu::rules
