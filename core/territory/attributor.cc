// How links of evidence become one attribution.
//
// The city (prefecture) is decided by the first link, strong ones before weak ones, that names a
// city or a county. The county is decided by the first link, in the same order, that names a county
// of that city; where none does, the attribution is the city. A conflict is a link that names
// another city than the decided one: a province alone (530000) or the city alone disagrees with
// nothing inside it, and another county of the same city is a move inside the city, which changes
// no receiver.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/territory/gazetteer.h"
#include "core/territory/place_reader.h"

namespace huiliu::territory {
namespace {

using huiliu::v1::Evidence;

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
    out->findings.clear();
    out->reason.clear();
    std::string city;
    bool ambiguous = false;
    for (int link : order_) {
      const absl::string_view text =
          absl::StripAsciiWhitespace(values[static_cast<size_t>(link)].text);
      if (text.empty()) continue;
      const Place place = Read(basis_.evidence(link), text, city);
      ambiguous = ambiguous || place.ambiguous;
      if (place.division.empty() && !place.ambiguous) continue;
      out->findings.push_back({link, place.division, place.ambiguous});
      if (place.division.empty()) continue;
      if (city.empty() && IsCityOrCounty(place.division)) {
        city = CityOf(place.division);
        out->decided_by = link;
        out->division = city;
      }
      if (!city.empty() && out->county_by < 0 && IsCounty(place.division) &&
          CityOf(place.division) == city) {
        out->division = place.division;
        out->county_by = link;
      }
    }
    for (const Finding& finding : out->findings) {
      out->conflict = out->conflict || Disagrees(finding.division, city);
    }
    if (out->division.empty())
      out->reason = ambiguous ? "territory.ambiguous" : "territory.no_evidence";
  }

 private:
  static bool Disagrees(absl::string_view division, absl::string_view city) {
    if (division.empty() || city.empty()) return false;
    if (!IsCityOrCounty(division)) return division.substr(0, 2) != city.substr(0, 2);
    return division.substr(0, 4) != city.substr(0, 4);
  }

  Place Read(const Evidence& evidence, absl::string_view text, const std::string& city) const {
    switch (evidence.kind()) {
      case huiliu::v1::EVIDENCE_KIND_CODE:
      case huiliu::v1::EVIDENCE_KIND_COUNTER:
        return {gazetteer_->Resolve(DigitsOf(text)), false};
      case huiliu::v1::EVIDENCE_KIND_NAME:
        return ReadName(*gazetteer_, text);
      case huiliu::v1::EVIDENCE_KIND_ADDRESS:
        return ReadAddress(*gazetteer_, text, city);
      case huiliu::v1::EVIDENCE_KIND_USCC:
      case huiliu::v1::EVIDENCE_KIND_AUTHORITY:
        return {text.size() == 18 ? gazetteer_->Resolve(text.substr(2, 6)) : "", false};
      default:
        return {};
    }
  }

  // The division code that a counter's or region's code begins with: 12, 9 or 6 digits.
  static absl::string_view DigitsOf(absl::string_view text) {
    size_t n = 0;
    while (n < text.size() && absl::ascii_isdigit(text[n])) ++n;
    return text.substr(0, n >= 12 ? 12 : n >= 9 ? 9 : n >= 6 ? 6 : n);
  }

  const huiliu::v1::TerritoryBasis basis_;
  const std::shared_ptr<const Gazetteer> gazetteer_;
  std::vector<int> order_;  // strong links, then weak ones
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
