// Which of two versions of one record is newer, and how a version is recognised again.
// docs/formats/decision.md.
#ifndef HUILIU_CORE_RULES_VERSION_ORDER_H_
#define HUILIU_CORE_RULES_VERSION_ORDER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/base/digest.h"

namespace huiliu::rules {

// Bytes of a payload digest and of a rule digest that a decision keeps.
inline constexpr size_t kKeptPayloadDigestBytes = 16;
inline constexpr size_t kKeptRuleDigestBytes = 8;

// Negative, zero or positive. Runs of digits compare as numbers: a.csv:9 comes before a.csv:10.
int CompareRowIds(absl::string_view a, absl::string_view b);

// Whether (time, row) is an older version than (than_time, than_row). A time of 0 is unknown: then
// the row id alone speaks; an empty row id is never older.
bool IsOlder(int64_t time_us, absl::string_view row_id, int64_t than_time_us,
             absl::string_view than_row_id);

// FNV-1a over the row id and the kept part of the payload digest.
uint64_t FingerprintOf(absl::string_view row_id, const Digest& payload_digest);

// Equal in the bytes that a decision keeps.
bool SamePayload(const Digest& a, const Digest& b);
bool SameRules(const Digest& a, const Digest& b);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_VERSION_ORDER_H_
