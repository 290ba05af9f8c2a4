// Masks (脱敏) on wire bytes: keep, drop, partial, hash. A mask that cannot be applied never lets
// the value through.
#ifndef HUILIU_CORE_RULES_MASKS_H_
#define HUILIU_CORE_RULES_MASKS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/rules/rule_set.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::rules {

// Whether `mask` can be written for `field` at all: partial and hash give text, so they take string
// fields; a partial mask's fill is at most four code points, none of them a control character.
// INVALID_ARGUMENT in words, without the field's name.
absl::Status CheckMask(const huiliu::v1::Mask& mask, const schema::Field& field);

// Appends the masked form of a text value. Partial: by code point; where keep_first + keep_last
// reach its length, all of it is hidden. Hash: 64 hexadecimal digits of HMAC-SHA-256 under `key`.
// An empty value stays empty: it hides nothing. False, and nothing appended: the value is not
// UTF-8, or a hash lacks its key (16 bytes at least). kind drop appends nothing.
bool AppendMasked(const huiliu::v1::Mask& mask, absl::string_view value, absl::string_view key,
                  std::string* out);

// What one rule does to a record: fields kept, dropped, masked. Unlike schema::Projector it copies
// neighbouring fields as one slice and checks what it keeps, since here a record enters the
// receiver's area for the first time. Fields that the contract does not know never leave.
// Thread-compatible: one a lane.
class RecordTransform {
 public:
  enum class Result {
    kOk,
    kTorn,         // the bytes are no message
    kInvalidText,  // a kept text is not UTF-8, or a kept field's wire type is not its own
    kMaskFailed,   // a mask could not be applied
  };
  // `rule` has passed ParseRuleSet against `contract`, which must outlive the transform.
  static absl::StatusOr<std::unique_ptr<RecordTransform>> Create(const schema::Contract& contract,
                                                                 const Rule& rule,
                                                                 absl::string_view pseudonym_key);
  // Replaces *out; where the result is not kOk *out is empty and failed_field() names the field
  // (nullptr with kTorn).
  Result Apply(absl::string_view record, std::string* out);
  const schema::Field* failed_field() const { return failed_field_; }

 private:
  enum class Action : uint8_t { kKeep, kDrop, kMask };
  struct FieldAction {
    Action action = Action::kKeep;
    bool text = false;
    schema::WireType type = schema::WireType::kBytes;
    huiliu::v1::Mask mask;
  };
  RecordTransform(const schema::Contract& contract, absl::string_view key);
  Result Fail(Result result, const schema::Field* field, std::string* out);
  Result Mask(const schema::WireField& wire, int index, std::string* out);

  const schema::Contract& contract_;
  const std::string key_;
  std::unique_ptr<const schema::FieldPlan> plan_;  // slot = Field::index
  std::vector<FieldAction> actions_;
  std::string scratch_;
  const schema::Field* failed_field_ = nullptr;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_MASKS_H_
