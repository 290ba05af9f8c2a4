// Coarser values: a division to a level, a date to its month or year, a number to its band.
#ifndef HUILIU_CORE_RULES_GENERALISE_H_
#define HUILIU_CORE_RULES_GENERALISE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/schema/contract.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::rules {

// INVALID_ARGUMENT in words: no kind, a band that is not above 0, a field that cannot hold one.
absl::Status CheckGeneralise(const huiliu::v1::Mask::Generalise& to, const schema::Field& field);

// Whether some edition has a division code; null: none is known.
using HasDivision = std::function<bool(absl::string_view code)>;
// The current division that a code belongs to today (territory::Divisions::Resolve); null: areas
// that another city manages are not known.
using ResolveDivision = std::function<std::string(absl::string_view code)>;

// Appends the coarser form of `value`, a field's text. False, and nothing appended, where it is no
// value of the kind: a division code has 6, 9 or 12 digits, and both its county (or city, or
// province: the first six digits) and what it becomes are in some edition; a date is RFC 3339,
// YYYY-MM-DD with or without a time (Asia/Shanghai), or YYYYMMDD, and becomes YYYY-MM-01 or
// YYYY-01-01; a number is decimal, below 10^15. The city and province of an area that another city
// manages are its manager's (532823105 → 530100).
bool AppendGeneralised(const huiliu::v1::Mask::Generalise& to, absl::string_view value,
                       const HasDivision& has_division, std::string* out,
                       const ResolveDivision& resolve = nullptr);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_GENERALISE_H_
