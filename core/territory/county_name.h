// Whether a county's name, where it stands in a text, means the county: by what follows it. A name
// in full right behind its city always does; these are for the weaker places. Private to the
// module.
#ifndef HUILIU_CORE_TERRITORY_COUNTY_NAME_H_
#define HUILIU_CORE_TERRITORY_COUNTY_NAME_H_

#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"

namespace huiliu::territory {

// Whether a known place inside `area` is named right at the start of `text`, behind signs at most:
// a division, street or village (not a road that is called so: 大理路); `weaker_too`, or a zone,
// road, estate or hamlet.
bool NamesPlaceInside(const Gazetteer& gazetteer, absl::string_view text, absl::string_view area,
                      bool weaker_too);

// `rest` is the text behind the county's short name (安宁): it means the county where the name ends
// there, a part of the county is named (安宁工业园区), or a known place of it (安宁连然镇). 安宁庄,
// 富民里, 石林楼 and 盘龙小学 are other names.
bool ShortNameStands(const Gazetteer& gazetteer, absl::string_view rest, absl::string_view county);

// `rest` is the text behind the county's name in full, somewhere behind other words: it means the
// county there, too, and where an address goes on (盘龙区羊肠大村). 五华区检察院宿舍,
// 官渡区乡镇企业局 and 西山区粮食局 may stand in another.
bool FullNameStands(const Gazetteer& gazetteer, absl::string_view rest, absl::string_view county);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_COUNTY_NAME_H_
