// What an index can use of a predicate: its top-level conjuncts that compare one field with
// constants.
#ifndef HUILIU_CORE_CEL_CONJUNCTS_H_
#define HUILIU_CORE_CEL_CONJUNCTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace huiliu::cel {

// A constant of a field's own type: bool, int64 (enums too), uint64, double, text or bytes,
// timestamp.
using Constant = std::variant<bool, int64_t, uint64_t, double, std::string, absl::Time>;

// One end of a range.
struct Bound {
  Constant value;
  bool inclusive = true;
};

// One necessary condition of a predicate: where it does not hold, the predicate is kFalse, so an
// index may skip the record. (Only a timestamp field whose bytes are out of range makes it kError.)
// Several conjuncts hold together (&&). An absent field counts as its default value ("", 0, false,
// the epoch), as in the predicate itself.
struct Conjunct {
  enum class Kind {
    kEquals,      // values[0]
    kIn,          // any of values, in no order, without duplicates; none: nothing satisfies it
    kPrefix,      // text starts with values[0]
    kRange,       // between lower and upper, at least one is set
    kHas,         // the field is present
    kInDivision,  // the code lies in the area values[0] (Environment::contains)
  };
  // The record's attributed division, which is no field: kEquals, kIn and kInDivision.
  static constexpr int kAttributedDivision = -1;

  // So many terms can be named in `proves`.
  static constexpr int kMaxProven = 31;

  Kind kind = Kind::kEquals;
  int field = kAttributedDivision;  // Field::index; a single-valued field
  std::vector<Constant> values;
  std::optional<Bound> lower;
  std::optional<Bound> upper;
  // Bit i: where this holds, so does the i-th of the terms that && joins in the predicate, without
  // an error (not of a number that is NaN, nor of a code longer than 32 bytes).
  uint32_t proves = 0;
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_CONJUNCTS_H_
