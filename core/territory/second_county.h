// A second county that an address names. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_SECOND_COUNTY_H_
#define HUILIU_CORE_TERRITORY_SECOND_COUNTY_H_

#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"

namespace huiliu::territory {

// The first county in `rest`, what stands behind the county that the address begins with, that is
// named in full, lies in the same province and is another one. An institution's (盘龙区粮食局), a
// road's or a firm's name names none, nor does one inside a street's, village's or road's name.
// Empty: none. A view into the gazetteer.
absl::string_view OtherCounty(const Gazetteer& gazetteer, absl::string_view rest,
                              absl::string_view county);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_SECOND_COUNTY_H_
