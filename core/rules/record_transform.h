// What a return rule makes of a record, on wire bytes.
#ifndef HUILIU_CORE_RULES_RECORD_TRANSFORM_H_
#define HUILIU_CORE_RULES_RECORD_TRANSFORM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cel/formula.h"
#include "core/rules/masks.h"
#include "core/rules/rule_set.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"

namespace huiliu::rules {

// What one rule does to a record: fields kept, dropped, masked, renamed, derived. Unlike
// schema::Projector it copies neighbouring fields as one slice and checks what it keeps, since here
// a record enters the receiver's area for the first time. Fields that the contract does not know
// never leave. Immutable, thread-safe.
class RecordTransform {
 public:
  enum class Result {
    kOk,
    kTorn,          // the bytes are no message
    kInvalidText,   // a kept text is not UTF-8, or a kept field's wire type is not its own
    kMaskFailed,    // a mask could not be applied
    kDeriveFailed,  // a derived field's expression gave no value of the field's type
  };
  // What one thread's calls need, of one transform after another.
  struct Workspace {
    const schema::Field* failed_field = nullptr;  // of the last call
    std::string scratch;
    std::string text;
  };
  // The contract's fields, slot = Field::index: one for all transforms.
  static std::shared_ptr<const schema::FieldPlan> FieldsOf(const schema::Contract& contract);
  // `rule` has passed ParseRuleSet against `contract`, which must outlive the transform. `plan`:
  // FieldsOf(contract).
  static absl::StatusOr<std::unique_ptr<const RecordTransform>> Create(
      const schema::Contract& contract, std::shared_ptr<const schema::FieldPlan> plan,
      const Rule& rule, const cel::Environment& environment, absl::string_view pseudonym_key);
  // Replaces *out; where the result is not kOk *out is empty and failed_field names the field
  // (nullptr with kTorn).
  Result Apply(const cel::Activation& activation, Workspace* workspace, std::string* out) const;

 private:
  enum class Action : uint8_t { kKeep, kDrop, kMask, kRename };
  struct FieldAction {
    Action action = Action::kKeep;
    bool text = false;
    schema::WireType type = schema::WireType::kBytes;
    const schema::Field* target = nullptr;         // as which it leaves: itself unless renamed
    std::unique_ptr<const huiliu::v1::Mask> mask;  // of kMask
  };
  struct Derived {
    const schema::Field* field;
    std::unique_ptr<const cel::Formula> formula;
  };
  RecordTransform(const schema::Contract& contract, std::shared_ptr<const schema::FieldPlan> plan,
                  const cel::Environment& environment, absl::string_view key);
  absl::Status Plan(const Rule& rule, const cel::Environment& environment);
  absl::StatusOr<const schema::Field*> Find(const Rule& rule, const std::string& name) const;
  Result Mask(const schema::WireField& wire, int index, Workspace* workspace,
              std::string* out) const;
  Result Derive(const cel::Activation& activation, Workspace* workspace, std::string* out) const;

  const schema::Contract& contract_;
  const std::string key_;
  const MaskNeeds needs_;
  const std::shared_ptr<const schema::FieldPlan> plan_;  // slot = Field::index
  std::vector<FieldAction> actions_;
  std::vector<Derived> derived_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RECORD_TRANSFORM_H_
