// What an address names, and which place that is. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_NAMED_PLACES_H_
#define HUILIU_CORE_TERRITORY_NAMED_PLACES_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/territory/other_place.h"
#include "core/territory/place_reader.h"

namespace huiliu::territory {

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
  bool MayBeIn(absl::string_view county) const { return sure_.Has(county) || shared_.Has(county); }
  bool several() const { return sure_.size() > 1 || (sure_.empty() && any_); }
  // None where names contradict each other.
  absl::string_view County() const {
    if (sure_.empty()) return shared_.Only();
    return Allows(sure_.Only()) ? sure_.Only() : absl::string_view();
  }

 private:
  Codes sure_, shared_;
  bool any_ = false;
};

// What an address names behind its beginning.
struct NamedPlaces {
  Codes counties, zones;
  // Of counties whose name may be part of another (安宁庄, 五华区检察院): weaker than all names
  // below.
  Codes hints;
  LocalNames streets, villages, landmarks, hamlets;
  absl::string_view manager, managed_in;  // of a managed area
  bool managed_for_sure = false;          // named as such, not by what may be another place
};

Place At(absl::string_view division, CountyMeans by);

// Of a text that may mean a managed area: the area where it is named for sure, its county (nullopt:
// go on reading) where only another township is, else neither.
std::optional<Place> DecideManaged(const NamedPlaces& named);

// Which county of `within` the address says. `written`: what it begins with.
Place Decide(const NamedPlaces& named, const std::string& written, absl::string_view within);

// `place` of a text that begins with the city or county `written` and names `other` (perhaps
// nothing) behind it. What stands behind its city, or is a city followed by more, is the text's
// own, and the other contradicts it; else either may be, and neither is taken.
Place OfTwo(const Gazetteer& gazetteer, absl::string_view written, const OtherPlace& other,
            bool behind_city, Place place);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_NAMED_PLACES_H_
