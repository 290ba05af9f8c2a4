#include "core/territory/place_reader.h"

#include <algorithm>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "core/territory/name_context.h"
#include "core/territory/second_county.h"

namespace huiliu::territory {
namespace {

// Counties by names below the county. A name that several counties have decides nothing by itself;
// several such names together may.
class LocalNames {
 public:
  void Add(const Codes& counties) {
    if (counties.empty()) return;
    if (counties.size() == 1) {
      sure_.Add(counties.Only());
    } else if (any_) {
      shared_.Intersect(counties);
    } else {
      shared_ = counties;
      any_ = true;
    }
  }
  bool empty() const { return sure_.empty() && !any_; }
  bool many() const { return sure_.size() > 1; }
  // The counties that are left: none where names contradict each other.
  Codes Left() const {
    if (sure_.empty()) return shared_;
    Codes left = sure_.size() == 1 ? sure_ : Codes();
    if (any_) left.Intersect(shared_);
    return left;
  }
  bool Allows(absl::string_view county) const { return !any_ || shared_.Has(county); }
  bool several() const { return sure_.size() > 1 || (sure_.empty() && any_); }
  absl::string_view County() const { return sure_.empty() ? shared_.Only() : sure_.Only(); }

 private:
  Codes sure_, shared_;
  bool any_ = false;
};

// What an address names behind its beginning.
struct Named {
  Codes counties, zones;
  LocalNames streets, villages, landmarks, hamlets;
  absl::string_view manager, managed_in;
};

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
  Named ReadRest(size_t begin, absl::string_view within) const {
    Named named;
    NameTrie::Match matches[NameTrie::kMaxMatches];
    for (size_t at = begin; at < text_.size();) {
      size_t took = 0;
      const size_t count = static_cast<uint8_t>(text_[at]) < 0x80
                               ? 0
                               : gazetteer_.names().MatchesAt(text_.substr(at), matches);
      for (size_t i = 0; i < count && took == 0; ++i) {
        if (Take(matches[i], at, within, &named)) took = matches[i].size;
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
    if (naming.kind != NameKind::kShort || ContinuesAsOtherName(rest)) return false;
    if (!within.empty() || name_expected_) return true;
    if (IsCounty(naming.code)) {
      return !known_.empty() && Inside(known_, naming.code) &&
             (!absl::StrContains(rest, "公司") || PlaceFollows(start + size, naming.code));
    }
    // A bare 海口 or 大同 may be a town or a firm: another place than the known one needs a second
    // name behind it, and so does one whose streets we do not know.
    const bool expected = known_.empty()
                              ? gazetteer_.IsDeep(naming.code)
                              : Inside(known_, naming.code) || Inside(naming.code, known_);
    return expected || PlaceFollows(start + size, naming.code);
  }

  // Whether a place inside `area` is named right at `start`.
  bool PlaceFollows(size_t start, absl::string_view area) const {
    NameTrie::Match matches[NameTrie::kMaxMatches];
    const size_t at = SkipFiller(start);
    const size_t count = gazetteer_.names().MatchesAt(text_.substr(at), matches);
    for (size_t i = 0; i < count; ++i) {
      const absl::string_view rest = text_.substr(at + matches[i].size);
      for (const Naming& naming : *matches[i].namings) {
        const bool place = naming.kind == NameKind::kDivision || naming.kind == NameKind::kStreet ||
                           naming.kind == NameKind::kVillage;
        if (place && Inside(area, naming.code) && !ContinuesAsRoad(rest)) return true;
      }
    }
    return false;
  }

  // Notes what a name at `at` means in an address; false where it means nothing.
  bool Take(const NameTrie::Match& match, size_t at, absl::string_view within, Named* named) const {
    const absl::string_view name = text_.substr(at, match.size);
    const absl::string_view rest = text_.substr(at + match.size);
    Codes counties, streets, villages, landmarks, numbered, hamlets;
    bool took = false;
    for (const Naming& naming : *match.namings) {
      if (naming.kind == NameKind::kManaged) {
        if (!Inside(within, naming.within) || ContinuesAsRoad(rest)) continue;
        named->manager = naming.code;
        named->managed_in = naming.within;
        took = true;
      }
      if (!Inside(within, naming.code) || naming.code == within) continue;
      switch (naming.kind) {
        case NameKind::kDivision:
          // 城区, 郊区 and 矿区 are words where no city is known.
          if (IsCounty(naming.code) && MeansDivision(name, rest) && !ContinuesAsInstitution(rest) &&
              (!within.empty() || name.size() >= 9))
            counties.Add(naming.code);
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
      hamlets = Codes();
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

Place At(absl::string_view division, CountyMeans by) {
  Place place;
  place.division = std::string(division);
  place.by = by;
  return place;
}

// An address that begins with a county and names `other` behind it (empty: none). Behind its city
// the first is the address's own, and the other contradicts it; without, either may be.
Place OfTwo(const Gazetteer& gazetteer, absl::string_view written, absl::string_view other,
            bool behind_city) {
  if (other.empty() || behind_city) {
    Place place = At(written, CountyMeans::kWritten);
    place.also = std::string(other);
    return place;
  }
  Place place;
  place.ambiguous = true;
  if (!Inside(CityOf(written), other)) return place;
  place.division = CityOf(written);
  place.candidates.Add(gazetteer.Find(written)->code);
  place.candidates.Add(other);
  return place;
}

// What is left to other links where no name decides by itself.
Place Open(const Named& named, const std::string& written) {
  Place place = At(written, CountyMeans::kNothing);
  place.ambiguous = named.streets.several() || named.villages.several();
  bool any = false;
  for (const LocalNames* names :
       {&named.streets, &named.villages, &named.landmarks, &named.hamlets}) {
    if (names->empty()) continue;
    if (any) {
      place.candidates.Intersect(names->Left());
    } else {
      place.candidates = names->Left();
    }
    any = true;
  }
  // 春城路 alone may be any town's: an address that names its city means the city's own.
  const bool hamlets_alone =
      named.streets.empty() && named.villages.empty() && named.landmarks.empty();
  place.may_decide = IsCityOrCounty(written) && place.candidates.size() == 1 && !hamlets_alone;
  return place;
}

// Which county of `within` the address says. `written`: what it begins with.
Place Decide(const Named& named, const std::string& written, absl::string_view within) {
  if (!named.manager.empty()) {
    Place place = At(named.manager, CountyMeans::kNothing);
    place.managed_in = std::string(named.managed_in);
    return place;
  }
  if (IsCounty(written)) return At(written, CountyMeans::kWritten);
  if (named.counties.size() > 1) {
    Place place = At(written, CountyMeans::kNothing);
    place.ambiguous = true;
    return place;
  }
  if (!named.counties.empty()) return At(named.counties.Only(), CountyMeans::kWritten);
  if (within.empty()) return At(written, CountyMeans::kNothing);
  const bool city_known = IsCityOrCounty(within);
  const absl::string_view street = named.streets.County();
  // A zone may reach into another county, by a township that is then named with it.
  if (city_known && !named.zones.Only().empty())
    return street.empty() ? At(named.zones.Only(), CountyMeans::kZone)
                          : At(street, CountyMeans::kStreet);
  if (!street.empty()) return At(street, CountyMeans::kStreet);
  if (named.streets.many() || !city_known) {
    Place place = At(written, CountyMeans::kNothing);
    place.ambiguous = named.streets.several();
    return place;
  }
  // A street of two counties may still say which of them a village cannot be in.
  const absl::string_view village = named.villages.County();
  if (!village.empty() && named.streets.Allows(village)) return At(village, CountyMeans::kVillage);
  return Open(named, written);
}

}  // namespace

Place ReadName(const Gazetteer& gazetteer, absl::string_view text) {
  Reader reader(gazetteer, text, "", true);
  size_t begin = 0;
  const std::string written = reader.ReadFromLeft(&begin);
  const Named named = reader.ReadRest(begin, written);
  const bool managed = !named.manager.empty();
  Place place = At(managed ? named.manager : absl::string_view(written),
                   IsCounty(written) && !managed ? CountyMeans::kWritten : CountyMeans::kNothing);
  place.managed_in = std::string(named.managed_in);
  if (!managed) place.ambiguous = written.empty() && reader.ambiguous();
  return place;
}

Place ReadAddress(const Gazetteer& gazetteer, absl::string_view text, absl::string_view known) {
  Reader reader(gazetteer, text, known, false);
  size_t begin = 0;
  const std::string written = reader.ReadFromLeft(&begin);
  // A province alone is no better than what is known inside it.
  const absl::string_view within =
      IsCityOrCounty(written) || !Inside(written, known) || known.empty() ? written : known;
  if (IsCounty(written) && !gazetteer.HasManaged(written))
    return OfTwo(gazetteer, written, OtherCounty(gazetteer, text.substr(begin), written),
                 reader.names_city());
  Place place = Decide(reader.ReadRest(begin, within), written, within);
  place.ambiguous = place.ambiguous || (place.division.empty() && reader.ambiguous());
  return place;
}

}  // namespace huiliu::territory
