// Which records a territory override (认领决定) speaks of: a record by its digest, a name, a
// pattern or condition. docs/formats/overrides.md.
#ifndef HUILIU_CORE_RULES_OVERRIDE_MATCH_H_
#define HUILIU_CORE_RULES_OVERRIDE_MATCH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/digest.h"
#include "core/cel/program.h"
#include "core/schema/contract.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::rules {

inline constexpr size_t kMaxOverrideText = 500;  // bytes of a name, pattern or condition

// INVALID_ARGUMENT in words: no match or a malformed one, an unknown field, one that holds personal
// information (named by its record instead), a citizen number in the text, a condition that does
// not compile, or one that an empty record satisfies.
absl::Status CheckOverrideMatch(const huiliu::v1::TerritoryOverride& given,
                                const schema::Contract& contract);

// What a pattern or condition tests. The contract must outlive it. INVALID_ARGUMENT where it does
// not compile against this contract.
absl::StatusOr<std::unique_ptr<const cel::Predicate>> CompileOverride(
    const huiliu::v1::TerritoryOverride& given, const schema::Contract& contract,
    const cel::Environment& environment);

// A field's text as a name is compared: as territory reads it, without white space around it.
absl::string_view NormalName(absl::string_view text);

// Whether it stands for no value, as real systems write it: N/A, NULL, 无, -, /. Each of them would
// claim every record whose field is empty in its own way.
bool MeansNothing(absl::string_view text);

// SHA-256 over system id, 0x00, key: what a record is named by.
Digest RecordDigest(absl::string_view system, absl::string_view key);

// Over those that hold: their ids, for what an id means never changes. Zeros: there are none.
Digest DigestOfOverrides(absl::Span<const huiliu::v1::TerritoryOverride> overrides);
Digest DigestOfOverrideIds(std::vector<absl::string_view> ids);

// Over what one of them matches and says: what a department accepts.
Digest DigestOfOverride(const huiliu::v1::TerritoryOverride& given);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_OVERRIDE_MATCH_H_
