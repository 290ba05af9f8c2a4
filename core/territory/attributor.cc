// How links of evidence become one attribution.
//
// The city (prefecture) is decided by the first link, strong ones before weak ones, that names a
// city or a county. The county is decided by the first strong link that names a county of that city
// (a village alone only where no weak link names another county), else by what the names in an
// address leave together with the first weak link, else by that link; where none does, the
// attribution is the city.
//
// An address is read again where a later link first says the city, or only the province: its
// streets mean something only inside one.
//
// Disagreement is a link whose division cannot be the same place as the decided one: another
// county, city or province. A province alone (530000) or a city alone disagrees with nothing inside
// it. The county that a managed area lies in does not disagree with the city that manages it.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/codes/codes.h"
#include "core/territory/gazetteer.h"
#include "core/territory/place_reader.h"

namespace huiliu::territory {
namespace {

using huiliu::v1::Evidence;

Disagreement Compare(absl::string_view said, absl::string_view decided) {
  if (said.empty() || decided.empty()) return Disagreement::kNone;
  if (said.substr(0, 2) != decided.substr(0, 2)) return Disagreement::kProvince;
  if (!IsCityOrCounty(said) || !IsCityOrCounty(decided)) return Disagreement::kNone;
  if (said.substr(0, 4) != decided.substr(0, 4)) return Disagreement::kCity;
  return IsCounty(said) && IsCounty(decided) && said != decided ? Disagreement::kCounty
                                                                : Disagreement::kNone;
}

class BasisAttributor : public Attributor {
 public:
  BasisAttributor(const huiliu::v1::TerritoryBasis& basis,
                  std::shared_ptr<const Gazetteer> gazetteer)
      : basis_(basis), gazetteer_(std::move(gazetteer)) {
    for (bool weak : {false, true}) {
      for (int i = 0; i < basis_.evidence_size(); ++i) {
        if (basis_.evidence(i).weak() == weak) order_.push_back(i);
      }
    }
  }

  void Attribute(absl::Span<const EvidenceValue> values, Attribution* out) override {
    out->division.clear();
    out->decided_by = out->county_by = -1;
    out->conflict = false;
    out->disagreement = Disagreement::kNone;
    out->county_means = CountyMeans::kNothing;
    out->findings.clear();
    out->reason.clear();
    places_.assign(order_.size(), Place());
    city_.clear();
    for (size_t i = 0; i < order_.size(); ++i) {
      const absl::string_view text = Text(values, order_[i]);
      if (text.empty()) {
        places_[i] = Place();
        continue;
      }
      const Evidence& evidence = basis_.evidence(order_[i]);
      places_[i] = Read(evidence, text, city_);
      DecideCity(places_[i], order_[i], out);
    }
    ReadAddressesAgain(values, out);
    DecideCounty(out);
    NoteFindings(out);
  }

 private:
  static absl::string_view Text(absl::Span<const EvidenceValue> values, int link) {
    return absl::StripAsciiWhitespace(values[static_cast<size_t>(link)].text);
  }

  void DecideCity(const Place& place, int link, Attribution* out) {
    if (!city_.empty() || !IsCityOrCounty(place.division) || LeftOpen(place, link)) return;
    city_ = CityOf(place.division);
    out->decided_by = link;
  }

  // A weak link says a city that an address leaves open between it and who manages a part of it.
  bool LeftOpen(const Place& place, int link) const {
    return basis_.evidence(link).weak() &&
           std::any_of(places_.begin(), places_.end(), [&](const Place& other) {
             return !other.open_in.empty() && CityOf(other.open_in) == CityOf(place.division);
           });
  }

  // Of addresses that were read before the city, or only the province, was known.
  void ReadAddressesAgain(absl::Span<const EvidenceValue> values, Attribution* out) {
    std::string known = city_;
    for (const Place& place : places_) {
      if (known.empty()) known = place.division;
    }
    if (known.empty()) return;
    for (size_t i = 0; i < order_.size() && order_[i] != out->decided_by; ++i) {
      const Evidence& evidence = basis_.evidence(order_[i]);
      if (evidence.kind() != huiliu::v1::EVIDENCE_KIND_ADDRESS || IsCounty(places_[i].division))
        continue;
      const absl::string_view text = Text(values, order_[i]);
      if (text.empty()) continue;
      places_[i] = ReadAddress(*gazetteer_, text, known);
      DecideCity(places_[i], order_[i], out);
      if (!city_.empty()) return;
    }
  }

  void DecideCounty(Attribution* out) {
    out->division = city_;
    if (city_.empty()) return;
    const bool decided = DecideCountyByStrong(out) || HasVillageAgainstCode();
    if (!decided && !DecideCountyByNames(out)) DecideCountyByWeak(out);
  }

  // A village's name alone against a code: somewhere else there is an estate of that name.
  bool IsAgainstCode(const Place& place) const {
    const size_t weak = FirstWeakCounty();
    return place.by == CountyMeans::kVillage && weak < order_.size() &&
           places_[weak].division != place.division;
  }
  bool HasVillageAgainstCode() const {
    return std::any_of(places_.begin(), places_.end(),
                       [&](const Place& place) { return IsAgainstCode(place); });
  }

  bool IsOurCounty(absl::string_view code) const { return IsCounty(code) && Inside(city_, code); }

  bool DecideCountyByStrong(Attribution* out) const {
    for (size_t i = 0; i < order_.size(); ++i) {
      if (basis_.evidence(order_[i]).weak() || !IsOurCounty(places_[i].division) ||
          IsAgainstCode(places_[i]))
        continue;
      Settle(places_[i].division, i, places_[i].by, out);
      return true;
    }
    return false;
  }

  // The first address whose roads, estates and hamlets leave few counties. True: it leaves nothing
  // to a weak link.
  bool DecideCountyByNames(Attribution* out) const {
    for (size_t i = 0; i < order_.size(); ++i) {
      const Codes& allowed = places_[i].candidates;
      if (allowed.empty()) continue;
      const size_t weak = FirstWeakCounty();
      if (weak < order_.size() && allowed.Has(places_[weak].division)) {
        // Where the address would have decided alone, it did; else the weak link picked.
        Settle(places_[weak].division, places_[i].may_decide ? i : weak, CountyMeans::kAgreement,
               out);
      } else if (places_[i].may_decide && IsOurCounty(allowed.Only())) {
        Settle(allowed.Only(), i, CountyMeans::kLandmark, out);
      }
      return true;
    }
    return false;
  }

  // A code keeps the county of first registration: it decides only where no address names a county
  // and nothing says another city.
  void DecideCountyByWeak(Attribution* out) const {
    const size_t weak = FirstWeakCounty();
    const bool elsewhere = std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
      return IsCityOrCounty(place.division) && !Inside(city_, place.division);
    });
    if (weak < order_.size() && !elsewhere)
      Settle(places_[weak].division, weak, places_[weak].by, out);
  }

  size_t FirstWeakCounty() const {
    size_t i = 0;
    while (i < order_.size() &&
           !(basis_.evidence(order_[i]).weak() && IsOurCounty(places_[i].division)))
      ++i;
    return i;
  }

  void Settle(absl::string_view county, size_t place, CountyMeans means, Attribution* out) const {
    out->division = std::string(county);
    out->county_by = order_[place];
    out->county_means = means;
  }

  void NoteFindings(Attribution* out) const {
    bool ambiguous = false;
    absl::string_view managed_in;
    for (const Place& place : places_) {
      if (!place.managed_in.empty()) managed_in = place.managed_in;
    }
    for (size_t i = 0; i < order_.size(); ++i) {
      const Place& place = places_[i];
      ambiguous = ambiguous || place.ambiguous;
      if (place.division.empty() && !place.ambiguous && place.candidates.empty() && !place.unread)
        continue;
      out->findings.push_back({order_[i], place.division, place.ambiguous,
                               place.candidates.Joined("/"), place.also, place.unread,
                               Disagreement::kNone});
      const bool lies_there = place.managed_in.empty() && !managed_in.empty();
      if (lies_there && Inside(place.division, managed_in)) continue;
      const Disagreement apart =
          std::max(Compare(place.division, out->division), Compare(place.also, out->division));
      out->findings.back().disagreement = apart;
      out->disagreement = std::max(out->disagreement, apart);
    }
    out->conflict = out->disagreement != Disagreement::kNone;
    if (out->division.empty())
      out->reason = ambiguous ? "territory.ambiguous" : "territory.no_evidence";
  }

  Place Read(const Evidence& evidence, absl::string_view text, const std::string& city) {
    switch (evidence.kind()) {
      case huiliu::v1::EVIDENCE_KIND_CODE:
        // Systems of the upper levels send names there, too.
        return HasDigit(text) ? ReadCode(text, false) : Named(text);
      case huiliu::v1::EVIDENCE_KIND_COUNTER:
        return ReadCode(text, true);
      case huiliu::v1::EVIDENCE_KIND_NAME:
        return Named(text);
      case huiliu::v1::EVIDENCE_KIND_ADDRESS:
        return ReadAddress(*gazetteer_, text, city);
      case huiliu::v1::EVIDENCE_KIND_USCC:
      case huiliu::v1::EVIDENCE_KIND_AUTHORITY:
        return OfUsccs(text);
      default:
        return {};
    }
  }

  // Region fields have few values, so what they say is kept.
  Place Named(absl::string_view text) {
    constexpr size_t kMaxNames = 1024, kMaxBytes = 64;
    if (const auto known = names_.find(text); known != names_.end()) return known->second;
    Place place = ReadName(*gazetteer_, text);
    if (names_.size() == kMaxNames) names_.clear();
    if (text.size() <= kMaxBytes) names_.emplace(text, place);
    return place;
  }

  Place OfCode(absl::string_view code) const {
    Place place = OfDivision(gazetteer_->Resolve(code));
    place.managed_in = std::string(gazetteer_->ManagedIn(code));
    return place;
  }

  static Place OfDivision(std::string division) {
    Place place;
    place.by = IsCounty(division) ? CountyMeans::kCode : CountyMeans::kNothing;
    place.division = std::move(division);
    return place;
  }

  // One USCC, or several joined by 、 that must agree.
  Place OfUsccs(absl::string_view text) const {
    Place all;
    if (text.size() == 18) {
      all = OfDivision(OfUscc(text));
      all.unread = all.division.empty() && HasDigit(text);
      return all;
    }
    for (absl::string_view part : absl::StrSplit(text, absl::ByAnyChar(",;/ "))) {
      for (absl::string_view code : absl::StrSplit(part, "、")) {
        const std::string division = OfUscc(code);
        all.unread = all.unread || (division.empty() && HasDigit(code));
        if (division.empty() || division == all.division) continue;
        all.ambiguous = all.ambiguous || !all.division.empty();
        all.division = division;
      }
    }
    if (all.ambiguous) all.division.clear();
    if (IsCounty(all.division)) all.by = CountyMeans::kCode;
    return all;
  }

  // A code whose check digit is wrong, a masked one, a placeholder and a citizen number in a USCC's
  // field say nothing: any of their characters may be another.
  std::string OfUscc(absl::string_view text) const {
    if (text.size() != 18) return "";
    if (std::any_of(text.begin(), text.end(), absl::ascii_islower))
      return OfUscc(absl::AsciiStrToUpper(text));
    if (codes::CheckUscc(text) != codes::Flaw::kNone) return "";
    return gazetteer_->Resolve(text.substr(2, 6));
  }

  static bool HasDigit(absl::string_view text) {
    return std::any_of(text.begin(), text.end(), absl::ascii_isdigit);
  }

  // A field that holds the code of a division and nothing else; a counter's code goes on behind it.
  // A number that is longer (a citizen's), was cut, or was masked (530102****) is no code.
  Place ReadCode(absl::string_view text, bool of_counter) const {
    size_t n = 0;
    while (n < text.size() && absl::ascii_isdigit(text[n])) ++n;
    const absl::string_view rest = text.substr(n);
    const bool whole = rest.empty() || (of_counter && absl::ascii_toupper(rest[0]) != 'X' &&
                                        !absl::StrContains(rest, '*'));
    Place place;
    if (whole && (n == 6 || n == 9 || n == 12)) place = OfCode(text.substr(0, n));
    if (IsAnotherIn(rest, place.division)) {
      place = {};
      place.ambiguous = true;
    }
    place.unread = place.division.empty() && !place.ambiguous && HasDigit(text);
    return place;
  }

  // Whether the code of a division elsewhere stands in `rest` by itself (530102、532901).
  bool IsAnotherIn(absl::string_view rest, absl::string_view division) const {
    if (division.empty()) return false;
    for (size_t i = 0; i < rest.size();) {
      size_t n = 0;
      while (i + n < rest.size() && absl::ascii_isalnum(rest[i + n])) ++n;
      const absl::string_view word = rest.substr(i, n);
      const bool digits = std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
      // What goes on right behind the first code is of the counter.
      if (i > 0 && digits && (n == 6 || n == 9 || n == 12)) {
        const std::string other = gazetteer_->Resolve(word);
        if (!other.empty() && !Inside(division, other) && !Inside(other, division)) return true;
      }
      i += std::max<size_t>(n, 1);
    }
    return false;
  }

  const huiliu::v1::TerritoryBasis basis_;
  const std::shared_ptr<const Gazetteer> gazetteer_;
  std::vector<int> order_;  // strong links, then weak ones
  absl::flat_hash_map<std::string, Place> names_;
  // Of the record at hand.
  std::vector<Place> places_;  // by place in order_
  std::string city_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Attributor>> Attributor::Create(
    const huiliu::v1::TerritoryBasis& basis, std::shared_ptr<const Divisions> divisions) {
  auto gazetteer = std::dynamic_pointer_cast<const Gazetteer>(divisions);
  if (gazetteer == nullptr)
    return absl::InvalidArgumentError("divisions must come from Divisions::Load");
  return std::make_unique<BasisAttributor>(basis, std::move(gazetteer));
}

}  // namespace huiliu::territory
