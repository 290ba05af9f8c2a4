// What an officer may write as an area.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/territory/territory.h"

namespace huiliu::territory {
namespace {

using absl::StrCat;

constexpr size_t kMaxShown = 32;  // bytes of what was written

// Hostile texts are not repeated at length.
std::string Shown(absl::string_view code) {
  const bool plain =
      code.size() <= kMaxShown && std::all_of(code.begin(), code.end(), absl::ascii_isalnum);
  return plain ? StrCat(" \"", code, "\"") : "";
}

absl::Status Refuse(absl::string_view code, absl::string_view chinese, absl::string_view english) {
  return absl::InvalidArgumentError(
      StrCat("区划", Shown(code), "：", chinese, " / division", Shown(code), ": ", english));
}

}  // namespace

absl::Status CheckArea(const Divisions& divisions, absl::string_view code) {
  const bool digits = !code.empty() && std::all_of(code.begin(), code.end(), absl::ascii_isdigit);
  if (code.size() != 6 || !digits) {
    std::string chinese = "范围只到县区，请写省、州市或县区的六位代码",
                english = "an area is a province, city or county: write its six-digit code";
    const std::string wider = divisions.Resolve(code);
    if (digits && !wider.empty()) {
      absl::StrAppend(&chinese, "，如 ", wider);
      absl::StrAppend(&english, ", such as ", wider);
    }
    return Refuse(code, chinese, english);
  }
  if (divisions.Find(code) == nullptr) {
    return Refuse(code,
                  "没有这个代码（现行与已撤销的都没有），没有记录会属于它；请核对 "
                  "schemas/divisions",
                  "no edition has this code, so no record would ever lie in it; look it up in "
                  "schemas/divisions");
  }
  if (divisions.Resolve(code).empty()) {
    return Refuse(code, "已撤销，也没有承接的区划；请写现行代码",
                  "abolished, and nothing took its place; write a code of today");
  }
  return absl::OkStatus();
}

}  // namespace huiliu::territory
