// Reads a place out of Chinese text: names, free text and addresses. Private to the module.
#ifndef HUILIU_CORE_TERRITORY_PLACE_READER_H_
#define HUILIU_CORE_TERRITORY_PLACE_READER_H_

#include <algorithm>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/territory/gazetteer.h"
#include "core/territory/territory.h"

namespace huiliu::territory {

// A small set of codes.
class Codes {
 public:
  void Add(absl::string_view code) {
    if (!Has(code)) codes_.push_back(code);
  }
  void AddAll(const Codes& other) {
    for (absl::string_view code : other.codes_) Add(code);
  }
  size_t size() const { return codes_.size(); }
  bool empty() const { return codes_.empty(); }
  bool Has(absl::string_view code) const {
    return std::find(codes_.begin(), codes_.end(), code) != codes_.end();
  }
  // The only one; empty where there are none or several.
  absl::string_view Only() const { return codes_.size() == 1 ? codes_[0] : absl::string_view(); }
  void Clear() { codes_.clear(); }
  void Intersect(const Codes& other) {
    codes_.erase(std::remove_if(codes_.begin(), codes_.end(),
                                [&](absl::string_view code) { return !other.Has(code); }),
                 codes_.end());
  }
  // In the order of the codes, so that the same place is told alike every time.
  std::string Joined(absl::string_view separator) const {
    auto sorted = codes_;
    std::sort(sorted.begin(), sorted.end());
    return absl::StrJoin(sorted, separator);
  }

 private:
  absl::InlinedVector<absl::string_view, 4> codes_;
};

struct Place {
  std::string division;    // resolved; empty: nothing
  bool ambiguous = false;  // several, so nothing (or nothing below `division`)
  std::string managed_in;  // the county that the managed area lies in, where `division` manages
  bool unread = false;     // a code that is none: malformed, masked, of no edition
  // The county of a managed area, where the text may mean the area or its county: it says neither,
  // and a weak link with a code of there cannot tell, either.
  std::string open_in;
  CountyMeans by = CountyMeans::kNothing;  // how `division` was told, where it is a county
  std::string also;  // another county that an address names in full behind the one it says
  // Where names below the county leave it open: the counties they allow (views into the gazetteer).
  // Too weak to stand against anything; together with a weak link they may decide.
  Codes candidates;
  bool may_decide = false;  // the only candidate counts by itself: the address names its city
};

// A region field: 昆明, 昆明市, 云南省_昆明市_无.
Place ReadName(const Gazetteer& gazetteer, absl::string_view text);

// An address. `known`: the city, else the province, that stronger evidence says (empty: nothing).
// Read from the left: province, city, county as written one after the other (a second county behind
// them is `also`; where no city stands before the first, neither is taken); then the only county
// that is named in full anywhere; then a development zone; then a street, town or township that
// stands in one county of the city (of the province, where no city is known); then a village or
// community. Road names (大理路) name no place; roads and estates kept by hand, and streets and
// villages of two counties, give `candidates`.
Place ReadAddress(const Gazetteer& gazetteer, absl::string_view text, absl::string_view known);

}  // namespace huiliu::territory

#endif  // HUILIU_CORE_TERRITORY_PLACE_READER_H_
