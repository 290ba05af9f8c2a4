#include "core/territory/other_place.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "core/territory/county_name.h"
#include "core/territory/name_context.h"
#include "core/territory/place_reader.h"

namespace huiliu::territory {
namespace {

// Behind a place's short name: a part of an institution that sits there.
constexpr absl::string_view kBranches[] = {"校区", "分校", "分院"};

// Few addresses have the last character of a city's or county's name elsewhere than in 社区, 小区
// and 市场, or a word that makes a short name count: the others need no walk through all names.
bool MayNamePlace(absl::string_view rest) {
  constexpr size_t kSize = 3;  // bytes of each of these characters
  for (size_t at = kSize; at + kSize <= rest.size(); ++at) {
    const absl::string_view c = rest.substr(at, kSize);
    if (c == "县" || c == "州") return true;
    if (c == "市" && !absl::StartsWith(rest.substr(at + kSize), "场")) return true;
    const absl::string_view before = rest.substr(at - kSize, kSize);
    if (c == "区" && before != "社" && before != "小") return true;
    if ((c == "校" || c == "院") && before == "分") return true;
  }
  return absl::StrContains(rest, "驻");
}

bool EndsWithAny(absl::string_view text, absl::Span<const absl::string_view> tails) {
  return std::any_of(tails.begin(), tails.end(),
                     [&](absl::string_view tail) { return absl::EndsWith(text, tail); });
}

// One match of the walk, with what stands around it.
struct Named {
  const NameTrie::Match& match;
  absl::string_view before, text;  // `text` begins with the name
  bool at_once;                    // nothing but signs stands in `before`

  absl::string_view name() const { return text.substr(0, match.size); }
  absl::string_view rest() const { return text.substr(match.size); }
  bool sits_here() const { return absl::EndsWith(before, "驻"); }
  bool moved_here() const {
    return EndsWithAny(before, {"迁往", "迁至", "迁到", "迁入", "搬往", "搬至", "搬到", "现", "今",
                                "划归", "划入", "并入", "变更为", "改为", "调整为"});
  }
  bool branch() const { return StartsWithAny(rest(), kBranches); }
};

// The cities and counties of the province that a name in full means. Right beside the first it may
// be a city of any, or a province.
Codes InFull(const Named& named, absl::string_view province) {
  Codes places;
  if (!EndsAsDivision(named.name()) || !MeansDivision(named.name(), named.rest()) ||
      ContinuesAsInstitution(named.rest()) || ContinuesAsOtherName(named.rest()))
    return places;
  for (const Naming& naming : *named.match.namings) {
    const bool near = (absl::StartsWith(naming.code, province) && IsCityOrCounty(naming.code)) ||
                      (named.at_once && !IsCounty(naming.code));
    if (naming.kind == NameKind::kDivision && near) places.Add(naming.code);
  }
  return places;
}

// The same by a short name, or one in full before 办事处, where the words around it make it a
// place.
Codes InShort(const Named& named, absl::string_view province) {
  Codes places;
  const bool ends = named.at_once && NameEnds(named.rest());
  if (!ends && !named.sits_here() && !named.branch()) return places;
  for (const Naming& naming : *named.match.namings) {
    const bool kind = naming.kind == NameKind::kShort || naming.kind == NameKind::kDivision;
    if (kind && IsCityOrCounty(naming.code) && absl::StartsWith(naming.code, province))
      places.Add(naming.code);
  }
  return places;
}

bool NamesSmallerPlace(const NameTrie::Match& match) {
  return std::any_of(match.namings->begin(), match.namings->end(), [](const Naming& naming) {
    return naming.kind == NameKind::kStreet || naming.kind == NameKind::kVillage ||
           naming.kind == NameKind::kZone || naming.kind == NameKind::kLandmark;
  });
}

}  // namespace

OtherPlace FindOtherPlace(const Gazetteer& gazetteer, absl::string_view rest,
                          absl::string_view written) {
  const bool anywhere = MayNamePlace(rest);
  const absl::string_view province = written.substr(0, 2);
  NameTrie::Match matches[NameTrie::kMaxMatches];
  bool at_once = true;
  for (size_t at = 0; at < rest.size() && (at_once || anywhere);) {
    const absl::string_view text = rest.substr(at);
    size_t took = 0;
    const size_t count =
        static_cast<uint8_t>(text[0]) < 0x80 ? 0 : gazetteer.names().MatchesAt(text, matches);
    for (size_t i = 0; i < count && took == 0; ++i) {
      const Named named{matches[i], rest.substr(0, at), text, at_once};
      const Codes full = InFull(named, province);
      const absl::string_view code = full.empty() ? InShort(named, province).Only() : full.Only();
      if (!code.empty() && !Inside(code, written) && !Inside(written, code)) {
        const bool rival = at_once || full.empty() || named.sits_here() || named.moved_here();
        return {code, rival};
      }
      if (!full.Only().empty() || NamesSmallerPlace(matches[i])) took = matches[i].size;
    }
    at_once = at_once && BeginsWithSign(text);
    at += std::min(text.size(), took > 0 ? took : CodePointSize(text[0]));
  }
  return {};
}

bool SitsElsewhere(const Gazetteer& gazetteer, absl::string_view rest, absl::string_view written) {
  return absl::StartsWith(rest, "驻") && !StartsWithAny(rest, {"驻地", "驻军"}) &&
         !NamesPlaceInside(gazetteer, rest.substr(3), written, false);
}

bool ExceptsPlace(const Gazetteer& gazetteer, absl::string_view text) {
  static constexpr absl::string_view kWords[] = {"外", "非", "除", "不", "邻", "近", "以"};
  if (std::none_of(std::begin(kWords), std::end(kWords),
                   [&](absl::string_view word) { return absl::StrContains(text, word); }))
    return false;
  NameTrie::Match matches[NameTrie::kMaxMatches];
  for (size_t at = 0; at < text.size(); at += CodePointSize(text[at])) {
    const size_t count = gazetteer.names().MatchesAt(text.substr(at), matches);
    for (size_t i = 0; i < count; ++i) {
      const bool excepted =
          ExceptedBefore(text.substr(0, at)) || ExceptedBehind(text.substr(at + matches[i].size));
      if (excepted && std::any_of(matches[i].namings->begin(), matches[i].namings->end(),
                                  [](const Naming& naming) {
                                    return naming.kind == NameKind::kDivision ||
                                           naming.kind == NameKind::kShort;
                                  }))
        return true;
    }
  }
  return false;
}

}  // namespace huiliu::territory
