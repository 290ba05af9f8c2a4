#include "core/territory/other_place.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "core/territory/name_context.h"
#include "core/territory/place_reader.h"

namespace huiliu::territory {
namespace {

// Few addresses have the last character of a city's or county's name elsewhere than in 社区, 小区
// and 市场: the others need no walk through all names.
bool MayNamePlace(absl::string_view rest) {
  constexpr size_t kSize = 3;  // bytes of each of these characters
  for (size_t at = kSize; at + kSize <= rest.size(); ++at) {
    const absl::string_view c = rest.substr(at, kSize);
    if (c == "县" || c == "州") return true;
    if (c == "市" && !absl::StartsWith(rest.substr(at + kSize), "场")) return true;
    const absl::string_view before = rest.substr(at - kSize, kSize);
    if (c == "区" && before != "社" && before != "小") return true;
  }
  return false;
}

// The city or county of the province that a name in full means; empty: none, or several.
absl::string_view PlaceNamed(const NameTrie::Match& match, absl::string_view text,
                             absl::string_view province) {
  const absl::string_view name = text.substr(0, match.size), rest = text.substr(match.size);
  if (!EndsAsDivision(name) || !MeansDivision(name, rest) || ContinuesAsInstitution(rest) ||
      ContinuesAsOtherName(rest)) {
    return "";
  }
  Codes places;
  for (const Naming& naming : *match.namings) {
    if (naming.kind == NameKind::kDivision && IsCityOrCounty(naming.code) &&
        absl::StartsWith(naming.code, province))
      places.Add(naming.code);
  }
  return places.Only();
}

bool NamesSmallerPlace(const NameTrie::Match& match) {
  return std::any_of(match.namings->begin(), match.namings->end(), [](const Naming& naming) {
    return naming.kind == NameKind::kStreet || naming.kind == NameKind::kVillage ||
           naming.kind == NameKind::kZone || naming.kind == NameKind::kLandmark;
  });
}

bool IsSign(absl::string_view text) {
  static constexpr absl::string_view kSigns[] = {"　", "，", "、", "：", "（", "）",
                                                 "；", "／", "与", "和", "及"};
  return static_cast<uint8_t>(text[0]) < 0x80 || StartsWithAny(text, kSigns);
}

}  // namespace

OtherPlace FindOtherPlace(const Gazetteer& gazetteer, absl::string_view rest,
                          absl::string_view written) {
  if (!MayNamePlace(rest)) return {};
  NameTrie::Match matches[NameTrie::kMaxMatches];
  bool at_once = true;
  while (!rest.empty()) {
    size_t took = 0;
    const size_t count =
        static_cast<uint8_t>(rest[0]) < 0x80 ? 0 : gazetteer.names().MatchesAt(rest, matches);
    for (size_t i = 0; i < count && took == 0; ++i) {
      const absl::string_view named = PlaceNamed(matches[i], rest, written.substr(0, 2));
      if (!named.empty() && !Inside(named, written) && !Inside(written, named))
        return {named, at_once};
      if (!named.empty() || NamesSmallerPlace(matches[i])) took = matches[i].size;
    }
    at_once = at_once && IsSign(rest);
    rest.remove_prefix(std::min(rest.size(), took > 0 ? took : CodePointSize(rest[0])));
  }
  return {};
}

}  // namespace huiliu::territory
