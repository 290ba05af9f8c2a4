#include "core/territory/second_county.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "core/territory/name_context.h"
#include "core/territory/place_reader.h"

namespace huiliu::territory {
namespace {

// Few addresses have the last character of a county's name elsewhere than in 社区, 小区 and 市场:
// the others need no walk through all names.
bool MayNameCounty(absl::string_view rest) {
  constexpr size_t kSize = 3;  // bytes of each of these characters
  for (size_t at = kSize; at + kSize <= rest.size(); ++at) {
    const absl::string_view c = rest.substr(at, kSize);
    if (c == "县") return true;
    if (c == "市" && !absl::StartsWith(rest.substr(at + kSize), "场")) return true;
    const absl::string_view before = rest.substr(at - kSize, kSize);
    if (c == "区" && before != "社" && before != "小") return true;
  }
  return false;
}

// The county of the province that a name in full means; empty: none, or several.
absl::string_view CountyNamed(const NameTrie::Match& match, absl::string_view text,
                              absl::string_view province) {
  const absl::string_view name = text.substr(0, match.size), rest = text.substr(match.size);
  if (!EndsAsDivision(name) || !MeansDivision(name, rest) || ContinuesAsInstitution(rest) ||
      ContinuesAsOtherName(rest)) {
    return "";
  }
  Codes counties;
  for (const Naming& naming : *match.namings) {
    if (naming.kind == NameKind::kDivision && IsCounty(naming.code) &&
        absl::StartsWith(naming.code, province))
      counties.Add(naming.code);
  }
  return counties.Only();
}

bool NamesSmallerPlace(const NameTrie::Match& match) {
  return std::any_of(match.namings->begin(), match.namings->end(), [](const Naming& naming) {
    return naming.kind == NameKind::kStreet || naming.kind == NameKind::kVillage ||
           naming.kind == NameKind::kZone || naming.kind == NameKind::kLandmark;
  });
}

}  // namespace

absl::string_view OtherCounty(const Gazetteer& gazetteer, absl::string_view rest,
                              absl::string_view county) {
  if (!MayNameCounty(rest)) return "";
  NameTrie::Match matches[NameTrie::kMaxMatches];
  while (!rest.empty()) {
    size_t took = 0;
    const size_t count =
        static_cast<uint8_t>(rest[0]) < 0x80 ? 0 : gazetteer.names().MatchesAt(rest, matches);
    for (size_t i = 0; i < count && took == 0; ++i) {
      const absl::string_view other = CountyNamed(matches[i], rest, county.substr(0, 2));
      if (!other.empty() && other != county) return other;
      if (!other.empty() || NamesSmallerPlace(matches[i])) took = matches[i].size;
    }
    rest.remove_prefix(std::min(rest.size(), took > 0 ? took : CodePointSize(rest[0])));
  }
  return "";
}

}  // namespace huiliu::territory
