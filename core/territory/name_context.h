// What the text around a place name makes of it. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_NAME_CONTEXT_H_
#define HUILIU_CORE_TERRITORY_NAME_CONTEXT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace huiliu::territory {

bool StartsWithAny(absl::string_view text, absl::Span<const absl::string_view> heads);

// Of the text behind a name: it makes the name a road's (大理路), part of another name (五华大厦),
// or an institution's (西山区粮食局), which may stand in another county.
bool ContinuesAsRoad(absl::string_view rest);
bool ContinuesAsOtherName(absl::string_view rest);
bool ContinuesAsInstitution(absl::string_view rest);

// Of the text behind a county's name: a word for a part of it (工业园区, 新区).
bool ContinuesAsPart(absl::string_view rest);

// Of the text behind a county's full name: it goes on as an address does, with a road, town or
// village of whatever name (羊肠大村, 文明路86号), up to a sign, a digit or its end. 乡镇企业局,
// 公路管理段 and 农村信用社 do not.
bool ContinuesAsAddress(absl::string_view rest);
// The same of a road with a house number, or a village, alone: 振兴路83号, 龙街石碑村.
bool ContinuesAsPlainAddress(absl::string_view rest);

// Whether `text` begins with a sign (，、（ and, of signs, 与 和 及); with one or a digit, or is
// empty.
bool BeginsWithSign(absl::string_view text);
bool NameEnds(absl::string_view rest);

// Whether the words around a name except it: 除…, 非…, 不在…, 靠近…; …除外, …以外, …以东.
bool ExceptedBefore(absl::string_view before);
bool ExceptedBehind(absl::string_view rest);

// Whether a place's short name and what follows are the word for a thing: 普洱茶, 大理石, 昆明湖路.
bool IsThing(absl::string_view name, absl::string_view rest);

// The number right behind a road's name, in ASCII or full-width digits; 0: none.
uint32_t HouseNumber(absl::string_view rest);

// Bytes of the code point that begins with `c`.
inline size_t CodePointSize(char c) {
  const uint8_t b = static_cast<uint8_t>(c);
  return b < 0xC0 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

// Whether a division's name means the division, by the text behind it: 大同市 in 大同市场 is no
// city; an alias (景洪) is as weak as a short name before 路.
bool MeansDivision(absl::string_view name, absl::string_view rest);

// Of a name: 路, 街 …; 省, 市, 县 ….
bool IsRoad(absl::string_view name);
bool EndsAsDivision(absl::string_view name);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_NAME_CONTEXT_H_
