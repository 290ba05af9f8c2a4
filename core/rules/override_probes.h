// Whether a pattern or condition of a territory override says anything about a record at all.
#ifndef HUILIU_CORE_RULES_OVERRIDE_PROBES_H_
#define HUILIU_CORE_RULES_OVERRIDE_PROBES_H_

#include "absl/status/status.h"
#include "core/schema/contract.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::rules {

// Tries a pattern or condition on records made up to be unlike each other: once with any texts in
// their fields, once with texts of each field's kind (dates, codes, decimals …).
// INVALID_ARGUMENT in words where more than half of one series match, or a pattern has no text that
// must stand in the value: it would claim most records that have those fields filled. Of a match
// that CheckOverrideMatch accepts; asked of what is proposed or approved, not of what holds.
absl::Status CheckTellsApart(const huiliu::v1::TerritoryOverride& given,
                             const schema::Contract& contract);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_OVERRIDE_PROBES_H_
