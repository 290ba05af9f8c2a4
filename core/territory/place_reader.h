// Reads a place out of Chinese text: names, free text and addresses. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_PLACE_READER_H_
#define HUILIU_CORE_TERRITORY_PLACE_READER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"

namespace huiliu::territory {

struct Place {
  std::string division;    // resolved; empty: nothing
  bool ambiguous = false;  // several, so nothing (or nothing below `division`)
  std::string landmark;    // county by a road or estate alone: only where nothing better decides
  std::string managed_in;  // the county that the managed area lies in, where `division` manages one
};

// A region field: 昆明, 昆明市, 云南省_昆明市_无.
Place ReadName(const Gazetteer& gazetteer, absl::string_view text);

// An address. `known`: the city, else the province, that stronger evidence says (empty: nothing).
// Read from the left: province, city, county as written one after the other; then the only county
// that is named in full anywhere; then a development zone; then a street, town or township that
// stands in one county of the city (of the province, where no city is known); then a village or
// community. Road names (大理路) name no place; roads and estates kept by hand give `landmark`.
Place ReadAddress(const Gazetteer& gazetteer, absl::string_view text, absl::string_view known);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_PLACE_READER_H_
