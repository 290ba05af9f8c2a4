#include "core/territory/named_places.h"

#include "absl/strings/str_cat.h"

namespace huiliu::territory {
namespace {

Place Neither(const Gazetteer& gazetteer, absl::string_view one, absl::string_view other) {
  Place place;
  place.ambiguous = true;
  if (!IsCounty(one) || !Inside(CityOf(one), other)) return place;
  place.division = CityOf(one);
  place.candidates.Add(gazetteer.Find(one)->code);
  place.candidates.Add(other);
  return place;
}

// What is left to other links where no name decides by itself.
Place Open(const NamedPlaces& named, const std::string& written) {
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
  if (!any) place.candidates = named.hints;
  // 春城路 alone may be any town's: an address that names its city means the city's own.
  const bool weakest_alone =
      named.streets.empty() && named.villages.empty() && named.landmarks.empty();
  place.may_decide = IsCityOrCounty(written) && place.candidates.size() == 1 && !weakest_alone;
  return place;
}

// A zone may reach into another county, by a township that is then named with it, or a village of
// it.
Place InZone(const NamedPlaces& named) {
  if (const auto street = named.streets.County(); !street.empty())
    return At(street, CountyMeans::kStreet);
  if (const auto village = named.villages.County(); !village.empty())
    return At(village, CountyMeans::kVillage);
  return At(named.zones.Only(), CountyMeans::kZone);
}

}  // namespace

Place At(absl::string_view division, CountyMeans by) {
  Place place;
  place.division = std::string(division);
  place.by = by;
  return place;
}

std::optional<Place> DecideManaged(const NamedPlaces& named) {
  if (named.manager.empty()) return std::nullopt;
  const absl::string_view in = named.managed_in;
  const bool elsewhere = named.streets.MayBeIn(in) || named.villages.MayBeIn(in) ||
                         (!named.counties.empty() && !named.counties.Has(in));
  if (elsewhere && !named.managed_for_sure) return std::nullopt;
  Place place;
  if (!elsewhere && named.managed_for_sure) {
    place.division = std::string(named.manager);
    place.managed_in = std::string(in);
    return place;
  }
  place.division = absl::StrCat(in.substr(0, 2), "0000");
  place.ambiguous = true;
  place.open_in = std::string(in);
  return place;
}

Place Decide(const NamedPlaces& named, const std::string& written, absl::string_view within) {
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
  if (city_known && !named.zones.Only().empty()) return InZone(named);
  if (!street.empty()) return At(street, CountyMeans::kStreet);
  if (named.streets.many() || !city_known) {
    Place place = At(written, CountyMeans::kNothing);
    place.ambiguous = named.streets.several();
    return place;
  }
  // A street of two counties may still say which of them a village cannot be in.
  const absl::string_view village = named.villages.County();
  // Nor does a village decide against a road or estate: several counties have a 刘家营.
  const bool agreed = named.landmarks.empty() || named.landmarks.MayBeIn(village);
  if (!village.empty() && agreed && named.streets.Allows(village))
    return At(village, CountyMeans::kVillage);
  return Open(named, written);
}

Place OfTwo(const Gazetteer& gazetteer, absl::string_view written, const OtherPlace& other,
            bool behind_city, Place place) {
  if (other.code.empty()) return place;
  const bool own = !other.rival && (behind_city || !IsCounty(written));
  if (!own) return Neither(gazetteer, written, other.code);
  if (place.also.empty()) place.also = std::string(other.code);
  return place;
}

}  // namespace huiliu::territory
