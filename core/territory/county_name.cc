#include "core/territory/county_name.h"

#include <algorithm>

#include "core/territory/name_context.h"

namespace huiliu::territory {
namespace {

bool IsPlace(NameKind kind, bool weaker_too) {
  switch (kind) {
    case NameKind::kDivision:
    case NameKind::kStreet:
    case NameKind::kVillage:
      return true;
    case NameKind::kZone:
    case NameKind::kLandmark:
    case NameKind::kHamlet:
      return weaker_too;
    default:
      return false;
  }
}

}  // namespace

bool NamesPlaceInside(const Gazetteer& gazetteer, absl::string_view text, absl::string_view area,
                      bool weaker_too) {
  while (BeginsWithSign(text)) text.remove_prefix(CodePointSize(text[0]));
  NameTrie::Match matches[NameTrie::kMaxMatches];
  const size_t count = gazetteer.names().MatchesAt(text, matches);
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view name = text.substr(0, matches[i].size);
    if (!IsRoad(name) && ContinuesAsRoad(text.substr(matches[i].size))) continue;
    if (std::any_of(matches[i].namings->begin(), matches[i].namings->end(),
                    [&](const Naming& naming) {
                      return IsPlace(naming.kind, weaker_too) && Inside(area, naming.code);
                    }))
      return true;
  }
  return false;
}

bool ShortNameStands(const Gazetteer& gazetteer, absl::string_view rest, absl::string_view county) {
  return NameEnds(rest) || ContinuesAsPart(rest) || NamesPlaceInside(gazetteer, rest, county, true);
}

bool FullNameStands(const Gazetteer& gazetteer, absl::string_view rest, absl::string_view county) {
  return ShortNameStands(gazetteer, rest, county) || ContinuesAsAddress(rest);
}

}  // namespace huiliu::territory
