#include "core/rules/override_matcher.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"

namespace huiliu::rules {

absl::StatusOr<std::unique_ptr<const OverrideMatcher>> OverrideMatcher::Create(
    const huiliu::v1::TerritoryOverride& given, const schema::Contract& contract,
    const cel::Environment& environment) {
  RETURN_IF_ERROR(CheckOverrideMatch(given, contract));
  std::unique_ptr<OverrideMatcher> matcher(new OverrideMatcher());
  if (given.has_record()) {
    matcher->record_ = absl::HexStringToBytes(given.record());
  } else if (given.has_name()) {
    matcher->field_ = contract.FindField(given.name().field())->index;
    matcher->name_ = std::string(NormalName(given.name().text()));
  } else {
    ASSIGN_OR_RETURN(matcher->predicate_, CompileOverride(given, contract, environment));
  }
  return std::unique_ptr<const OverrideMatcher>(std::move(matcher));
}

bool OverrideMatcher::Matches(absl::string_view system, absl::string_view key,
                              const cel::Activation& activation) const {
  if (!record_.empty()) return AsBytes(RecordDigest(system, key)) == record_;
  if (predicate_ != nullptr) return predicate_->Evaluate(activation) == cel::Truth::kTrue;
  const schema::FieldSlot& slot = activation.slots[static_cast<size_t>(field_)];
  return slot.present && slot.type == schema::WireType::kBytes && NormalName(slot.bytes) == name_;
}

}  // namespace huiliu::rules
