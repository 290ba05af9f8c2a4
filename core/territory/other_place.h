// A second city or county that a text names. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_OTHER_PLACE_H_
#define HUILIU_CORE_TERRITORY_OTHER_PLACE_H_

#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"

namespace huiliu::territory {

struct OtherPlace {
  absl::string_view code;  // a view into the gazetteer; empty: there is none
  bool at_once = false;    // nothing but signs stands before it: 昆明市/玉溪市
};

// The first city or county in `rest`, what stands behind the one that the text begins with, that is
// named in full, lies in the same province, and is neither `written` nor contains it nor lies in
// it. An institution's (盘龙区粮食局), a road's or a firm's name names none, nor does one inside a
// street's, village's or road's name.
OtherPlace FindOtherPlace(const Gazetteer& gazetteer, absl::string_view rest,
                          absl::string_view written);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_OTHER_PLACE_H_
