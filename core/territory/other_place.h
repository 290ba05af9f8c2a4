// Places that a text names beside the one it begins with. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_OTHER_PLACE_H_
#define HUILIU_CORE_TERRITORY_OTHER_PLACE_H_

#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"

namespace huiliu::territory {

struct OtherPlace {
  absl::string_view code;  // a view into the gazetteer; empty: there is none
  // It is as good as the first: nothing but signs stands before it (昆明市/玉溪市), or words that
  // say where the first's office, or the first itself, is now (驻昆明, 迁往西山区, 大理校区).
  bool rival = false;
};

// The first city or county in `rest`, what stands behind the one that the text begins with, that is
// named in full, lies in the same province, and is neither `written` nor contains it nor lies in
// it; with nothing but signs before it also a city of any province, or a province; by its short
// name only as a rival. An institution's (盘龙区粮食局), a road's or a firm's name names none, nor
// does one inside a street's, village's or road's name.
OtherPlace FindOtherPlace(const Gazetteer& gazetteer, absl::string_view rest,
                          absl::string_view written);

// Of what stands behind `written`: its office somewhere else (大理州驻昆办事处).
bool SitsElsewhere(const Gazetteer& gazetteer, absl::string_view rest, absl::string_view written);

// Whether a text excepts a place that it names: 非昆明市, 五华区除外. What is left is not known.
bool ExceptsPlace(const Gazetteer& gazetteer, absl::string_view text);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_OTHER_PLACE_H_
