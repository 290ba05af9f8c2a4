// What a return rule makes of a record, on wire bytes.
#ifndef HUILIU_CORE_RULES_RECORD_TRANSFORM_H_
#define HUILIU_CORE_RULES_RECORD_TRANSFORM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cel/formula.h"
#include "core/rules/rule_set.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"

namespace huiliu::rules {

// What one rule does to a record: fields kept, dropped, masked, renamed, derived. Unlike
// schema::Projector it copies neighbouring fields as one slice and checks what it keeps, since here
// a record enters the receiver's area for the first time. Fields that the contract does not know
// never leave. Thread-compatible: one a lane.
class RecordTransform {
 public:
  enum class Result {
    kOk,
    kTorn,          // the bytes are no message
    kInvalidText,   // a kept text is not UTF-8, or a kept field's wire type is not its own
    kMaskFailed,    // a mask could not be applied
    kDeriveFailed,  // a derived field's expression gave no value of the field's type
  };
  // `rule` has passed ParseRuleSet against `contract`, which must outlive the transform.
  static absl::StatusOr<std::unique_ptr<RecordTransform>> Create(
      const schema::Contract& contract, const Rule& rule, const cel::Environment& environment,
      absl::string_view pseudonym_key);
  // Replaces *out; where the result is not kOk *out is empty and failed_field() names the field
  // (nullptr with kTorn).
  Result Apply(const cel::Activation& activation, std::string* out);
  const schema::Field* failed_field() const { return failed_field_; }

 private:
  enum class Action : uint8_t { kKeep, kDrop, kMask, kRename };
  struct FieldAction {
    Action action = Action::kKeep;
    bool text = false;
    schema::WireType type = schema::WireType::kBytes;
    const schema::Field* target = nullptr;  // as which it leaves: itself unless renamed
    huiliu::v1::Mask mask;
  };
  struct Derived {
    const schema::Field* field;
    std::unique_ptr<const cel::Formula> formula;
  };
  RecordTransform(const schema::Contract& contract, absl::string_view key);
  absl::Status Plan(const Rule& rule, const cel::Environment& environment);
  absl::StatusOr<const schema::Field*> Find(const Rule& rule, const std::string& name) const;
  Result Fail(Result result, const schema::Field* field, std::string* out);
  Result Mask(const schema::WireField& wire, int index, std::string* out);
  Result Derive(const cel::Activation& activation, std::string* out);

  const schema::Contract& contract_;
  const std::string key_;
  std::unique_ptr<const schema::FieldPlan> plan_;  // slot = Field::index
  std::vector<FieldAction> actions_;
  std::vector<Derived> derived_;
  std::string scratch_;
  std::string text_;
  const schema::Field* failed_field_ = nullptr;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RECORD_TRANSFORM_H_
