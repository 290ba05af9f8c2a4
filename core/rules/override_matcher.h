// Whether one territory override (认领决定) speaks of a record, whatever evidence says of it. For
// counts; what decides is OverrideIndex.
#ifndef HUILIU_CORE_RULES_OVERRIDE_MATCHER_H_
#define HUILIU_CORE_RULES_OVERRIDE_MATCHER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cel/program.h"
#include "core/schema/contract.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::rules {

// Immutable, thread-safe. The contract must outlive it.
class OverrideMatcher {
 public:
  // INVALID_ARGUMENT where the override does not fit the contract.
  static absl::StatusOr<std::unique_ptr<const OverrideMatcher>> Create(
      const huiliu::v1::TerritoryOverride& given, const schema::Contract& contract,
      const cel::Environment& environment);
  // `key`: the contract's key of the record.
  bool Matches(absl::string_view system, absl::string_view key,
               const cel::Activation& activation) const;

 private:
  OverrideMatcher() = default;

  std::string record_;  // 32 bytes of digest; empty: not by record
  int field_ = -1;      // Field::index of a name
  std::string name_;
  std::unique_ptr<const cel::Predicate> predicate_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_OVERRIDE_MATCHER_H_
