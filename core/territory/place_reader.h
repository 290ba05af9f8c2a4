// Reads a place out of Chinese text: names, free text and addresses. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_PLACE_READER_H_
#define HUILIU_CORE_TERRITORY_PLACE_READER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"

namespace huiliu::territory {

struct Place {
  std::string division;    // resolved; empty: nothing
  bool ambiguous = false;  // several, so nothing
};

// A region field: 昆明, 昆明市, 云南省_昆明市_无.
Place ReadName(const Gazetteer& gazetteer, absl::string_view text);

// An address. `city`: what stronger evidence says (empty: nothing); streets and villages are looked
// for inside it only. Read from the left: province, city, county as written one after the other;
// then the only county that is named in full anywhere; then a development zone; then streets,
// towns, villages that stand in one county of the city. Road names (大理路) name nothing.
Place ReadAddress(const Gazetteer& gazetteer, absl::string_view text, absl::string_view city);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_PLACE_READER_H_
