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

// Where a version stands: which of several sources told it (empty: there is only one), when, in
// which of its rows.
struct VersionPlace {
  int64_t time_us = 0;
  absl::string_view source;
  absl::string_view row_id;
};

// Whether a version is older than another. A time of 0 is unknown: then, and at the same time, the
// row id alone speaks, and an empty one is never older; of different sources their ids speak,
// compared as row ids are.
bool IsOlder(const VersionPlace& version, const VersionPlace& than);

// FNV-1a over the row id, the kept part of the payload digest and the source.
uint64_t FingerprintOf(absl::string_view source, absl::string_view row_id,
                       const Digest& payload_digest);
// The same of a fingerprint that was taken without a source.
uint64_t FingerprintIn(absl::string_view source, uint64_t fingerprint);

// Equal in the bytes that a decision keeps.
bool SamePayload(const Digest& a, const Digest& b);
bool SameRules(const Digest& a, const Digest& b);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_VERSION_ORDER_H_
