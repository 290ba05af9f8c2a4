#include "core/territory/place_reader.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "core/territory/county_name.h"
#include "core/territory/name_context.h"
#include "core/territory/named_places.h"
#include "core/territory/other_place.h"

namespace huiliu::territory {
namespace {

class Reader {
 public:
  Reader(const Gazetteer& gazetteer, absl::string_view text, absl::string_view known,
         bool name_expected)
      : gazetteer_(gazetteer), text_(text), known_(known), name_expected_(name_expected) {}

  // Province, city, county, as they follow each other from the left. `begin` moves behind what was
  // read.
  std::string ReadFromLeft(size_t* begin) {
    std::string at;
    while (!IsCounty(at)) {
      const size_t start = SkipFiller(*begin);
      size_t end = 0;
      const absl::string_view next = MatchAt(start, at, &end);
      if (next.empty()) break;
      names_city_ = names_city_ || (IsCityOrCounty(next) && !IsCounty(next));
      at = std::string(next);
      *begin = end;
    }
    return at;
  }

  // Whether what was read from the left names the city, not only a county of it.
  bool names_city() const { return names_city_; }

  // Several divisions have the name that the text begins with.
  bool ambiguous() const { return ambiguous_; }

  // All names behind `begin` of places inside `within`.
  NamedPlaces ReadRest(size_t begin, absl::string_view within) const {
    NamedPlaces named;
    NameTrie::Match matches[NameTrie::kMaxMatches];
    begin = SkipFiller(begin);
    for (size_t at = begin; at < text_.size();) {
      size_t took = 0;
      const size_t count = static_cast<uint8_t>(text_[at]) < 0x80
                               ? 0
                               : gazetteer_.names().MatchesAt(text_.substr(at), matches);
      for (size_t i = 0; i < count && took == 0; ++i) {
        if (Take(matches[i], at, at == begin, within, &named)) took = matches[i].size;
      }
      at += took > 0 ? took : CodePointSize(text_[at]);
    }
    return named;
  }

 private:
  // The first bytes of the fillers below.
  static bool MayBeginFiller(char c) { return c == '\xE3' || c == '\xEF' || c == '\xE6'; }

  size_t SkipFiller(size_t at) const {
    static constexpr absl::string_view kFillers[] = {"　", "，", "、", "：", "（", "）", "无"};
    if (at == 0 && absl::StartsWith(text_, "中国") && !absl::StartsWith(text_, "中国人")) at = 6;
    while (at < text_.size()) {
      const char c = text_[at];
      if (static_cast<uint8_t>(c) < 0x80 && !(c >= '0' && c <= '9')) {
        ++at;
      } else if (MayBeginFiller(c) && StartsWithAny(text_.substr(at), kFillers)) {
        at += 3;
      } else {
        break;
      }
    }
    return at;
  }

  // The longest name at `start` of one place inside `within`; `end` is behind it.
  absl::string_view MatchAt(size_t start, absl::string_view within, size_t* end) {
    NameTrie::Match matches[NameTrie::kMaxMatches];
    const size_t count = gazetteer_.names().MatchesAt(text_.substr(start), matches);
    for (size_t i = 0; i < count; ++i) {
      Codes codes, known_codes;
      for (const Naming& naming : *matches[i].namings) {
        if (naming.code == within || !Inside(within, naming.code) ||
            !Accepts(naming, start, matches[i].size, within))
          continue;
        codes.Add(naming.code);
        if (Inside(known_, naming.code)) known_codes.Add(naming.code);
      }
      const absl::string_view code = codes.size() == 1 ? codes.Only() : known_codes.Only();
      if (!code.empty()) {
        *end = start + matches[i].size;
        return code;
      }
      if (codes.size() > 1) {
        ambiguous_ = true;
        break;
      }
    }
    return "";
  }

  // Whether a name read from the left means the place. Nothing before it: `within` is empty.
  bool Accepts(const Naming& naming, size_t start, size_t size, absl::string_view within) {
    const absl::string_view name = text_.substr(start, size), rest = text_.substr(start + size);
    if (naming.kind == NameKind::kDivision) return MeansDivision(name, rest);
    if (naming.kind != NameKind::kShort || ContinuesAsOtherName(rest) || IsThing(name, rest))
      return false;
    const bool placed = !within.empty() || name_expected_;
    if (IsCounty(naming.code)) {
      if (!placed && (known_.empty() || !Inside(known_, naming.code))) return false;
      // Behind its city 富民商业街5号 may be a street there; else the name is there to say where.
      return ShortNameStands(gazetteer_, rest, naming.code) ||
             (!IsCityOrCounty(within) && ContinuesAsPlainAddress(rest));
    }
    if (placed) return true;
    // A bare 海口 or 大同 may be a town or a firm: another place than the known one needs a second
    // name behind it, and so does one whose streets we do not know.
    const bool expected = known_.empty()
                              ? gazetteer_.IsDeep(naming.code)
                              : Inside(known_, naming.code) || Inside(naming.code, known_);
    return expected || NamesPlaceInside(gazetteer_, rest, naming.code, false);
  }

  // Whether the name at `at` of a county stands right behind its city's.
  bool BehindItsCity(absl::string_view county, size_t at) const {
    const Division* city = gazetteer_.Find(CityOf(county));
    return city != nullptr && absl::EndsWith(text_.substr(0, at), city->name);
  }

  // Notes a managed area's name. A bare 磨憨 means it only where the address goes down to it
  // (勐腊县磨憨): behind other words it is a direction, a firm's or an office's.
  static bool TakeManaged(const Naming& naming, absl::string_view rest, bool first,
                          NamedPlaces* named) {
    if (ContinuesAsRoad(rest)) return false;
    const bool sure = naming.kind == NameKind::kManaged ||
                      (naming.kind == NameKind::kManagedStem && first &&
                       !ContinuesAsOtherName(rest) && !absl::StrContains(rest, "公司"));
    if (named->managed_for_sure && !sure) return true;
    named->manager = naming.code;
    named->managed_in = naming.within;
    named->managed_for_sure = named->managed_for_sure || sure;
    return true;
  }

  // Notes a county's name in full: the county where it stands for it, else a hint.
  void TakeCounty(absl::string_view county, size_t at, absl::string_view name, Codes* counties,
                  Codes* hints) const {
    const absl::string_view rest = text_.substr(at + name.size());
    if (!MeansDivision(name, rest)) return;
    const bool stands = BehindItsCity(county, at) || FullNameStands(gazetteer_, rest, county);
    (stands ? counties : hints)->Add(county);
  }

  // Notes what a name at `at` means in an address; false where it means nothing.
  bool Take(const NameTrie::Match& match, size_t at, bool first, absl::string_view within,
            NamedPlaces* named) const {
    const absl::string_view name = text_.substr(at, match.size);
    const absl::string_view rest = text_.substr(at + match.size);
    Codes counties, streets, villages, landmarks, numbered, hamlets;
    absl::string_view managed_in;
    for (const Naming& naming : *match.namings) {
      const bool village = naming.kind == NameKind::kManagedVillage;
      if (naming.within.empty() || !Inside(within, naming.within) || (within.empty() && village))
        continue;
      if (TakeManaged(naming, rest, first, named)) managed_in = naming.within;
    }
    bool took = !managed_in.empty();
    for (const Naming& naming : *match.namings) {
      // The village may be the managed area's.
      if (naming.code == managed_in) continue;
      if (!Inside(within, naming.code) || (naming.code == within && !IsCounty(within))) continue;
      switch (naming.kind) {
        case NameKind::kDivision:
          // 城区, 郊区 and 矿区 are words where no city is known.
          if (!IsCounty(naming.code) || (within.empty() && name.size() < 9)) break;
          TakeCounty(naming.code, at, name, &counties, &named->hints);
          break;
        case NameKind::kShort:
          if (first && !within.empty() && IsCounty(naming.code) && !ContinuesAsOtherName(rest) &&
              !IsThing(name, rest))
            named->hints.Add(naming.code);
          break;
        case NameKind::kZone:
          // 嵩阳镇经济开发区 is the town's own.
          if (!named->streets.empty()) break;
          named->zones.Add(naming.code);
          took = true;
          break;
        case NameKind::kStreet:
          if (!ContinuesAsRoad(rest)) streets.Add(naming.code);
          break;
        case NameKind::kVillage:
          if (!ContinuesAsRoad(rest)) villages.Add(naming.code);
          break;
        case NameKind::kLandmark:
          if (IsRoad(name) ? absl::StartsWith(rest, "道") : ContinuesAsRoad(rest)) break;
          if (naming.first_number == 0) {
            landmarks.Add(naming.code);
          } else if (const uint32_t number = HouseNumber(rest);
                     number >= naming.first_number && number <= naming.last_number) {
            numbered.Add(naming.code);
          }
          took = true;
          break;
        case NameKind::kHamlet:
          if (!ContinuesAsRoad(rest)) hamlets.Add(naming.code);
          break;
        default:
          break;
      }
    }
    if (counties.size() == 1) named->counties.Add(counties.Only());
    named->streets.Add(streets);
    named->villages.Add(villages);
    // One name, several places: any of them may be meant.
    if (!landmarks.empty()) {
      landmarks.AddAll(hamlets);
      hamlets.Clear();
    }
    named->landmarks.Add(numbered.empty() ? landmarks : numbered);
    named->hamlets.Add(hamlets);
    return took || counties.size() == 1 || !streets.empty() || !villages.empty() ||
           !hamlets.empty();
  }

  const Gazetteer& gazetteer_;
  const absl::string_view text_;
  const absl::string_view known_;
  const bool name_expected_;
  bool ambiguous_ = false;
  bool names_city_ = false;
};

// Of a text that names places, none of which it need mean.
Place Unclear() {
  Place place;
  place.ambiguous = true;
  return place;
}

// `place`, or what is left of it, by what is named behind the division `written`.
Place WithOthers(const Gazetteer& gazetteer, absl::string_view written, absl::string_view rest,
                 bool behind_city, Place place) {
  if (!IsCityOrCounty(written)) return place;
  const OtherPlace other = FindOtherPlace(gazetteer, rest, written);
  if (other.code.empty() && SitsElsewhere(gazetteer, rest, written)) return Unclear();
  return OfTwo(gazetteer, written, other, behind_city, std::move(place));
}

}  // namespace

Place ReadName(const Gazetteer& gazetteer, absl::string_view text) {
  if (ExceptsPlace(gazetteer, text)) return Unclear();
  Reader reader(gazetteer, text, "", true);
  size_t begin = 0;
  const std::string written = reader.ReadFromLeft(&begin);
  const std::optional<Place> managed = DecideManaged(reader.ReadRest(begin, written));
  if (managed.has_value()) return *managed;
  Place place = At(written, IsCounty(written) ? CountyMeans::kWritten : CountyMeans::kNothing);
  place.ambiguous = written.empty() && reader.ambiguous();
  return WithOthers(gazetteer, written, text.substr(begin), reader.names_city(), std::move(place));
}

Place ReadAddress(const Gazetteer& gazetteer, absl::string_view text, absl::string_view known) {
  if (ExceptsPlace(gazetteer, text)) return Unclear();
  Reader reader(gazetteer, text, known, false);
  size_t begin = 0;
  const std::string written = reader.ReadFromLeft(&begin);
  // A province alone is no better than what is known inside it.
  const absl::string_view within =
      IsCityOrCounty(written) || !Inside(written, known) || known.empty() ? written : known;
  Place place = At(written, CountyMeans::kWritten);
  if (!IsCounty(written) || gazetteer.HasManaged(written)) {
    const NamedPlaces named = reader.ReadRest(begin, within);
    std::optional<Place> managed = DecideManaged(named);
    if (managed.has_value()) return *std::move(managed);
    place = Decide(named, written, within);
    place.ambiguous = place.ambiguous || (place.division.empty() && reader.ambiguous());
  }
  return WithOthers(gazetteer, written, text.substr(begin), reader.names_city(), std::move(place));
}

}  // namespace huiliu::territory
