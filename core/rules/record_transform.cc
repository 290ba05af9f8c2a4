#include "core/rules/record_transform.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/rules/masks.h"
#include "core/rules/utf8.h"
#include "core/schema/text_value.h"

namespace huiliu::rules {
namespace {

using schema::FieldType;
using schema::WireField;
using schema::WireType;

WireType WireTypeOf(const schema::Field& field) {
  switch (field.type) {
    case FieldType::kDouble:
      return WireType::kFixed64;
    case FieldType::kBool:
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kEnum:
      return WireType::kVarint;
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kTimestamp:
    case FieldType::kMessage:
      return WireType::kBytes;
  }
  return WireType::kBytes;
}

// The contract's numeric types cover several wire forms (fixed32, float, sint); a text or message
// has exactly one.
bool FitsType(WireType wire, const schema::Field& field, WireType expected) {
  if (expected == WireType::kBytes) return wire == WireType::kBytes;
  return wire != WireType::kBytes || field.repeated;
}

// The same content under another field's number.
void AppendRenamed(const WireField& wire, const schema::Field& target, std::string* out) {
  schema::AppendTag(target, wire.type, out);
  absl::string_view content = wire.whole;
  while ((static_cast<uint8_t>(content.front()) & 0x80) != 0) content.remove_prefix(1);
  content.remove_prefix(1);  // the tag's last byte
  out->append(content.data(), content.size());
}

RecordTransform::Result Fail(RecordTransform::Result result, const schema::Field* field,
                             RecordTransform::Workspace* workspace, std::string* out) {
  out->clear();
  workspace->failed_field = field;
  return result;
}

}  // namespace

RecordTransform::RecordTransform(const schema::Contract& contract,
                                 std::shared_ptr<const schema::FieldPlan> plan,
                                 const cel::Environment& environment, absl::string_view key)
    : contract_(contract),
      key_(key),
      needs_{key_, environment.has_division, environment.resolve},
      plan_(std::move(plan)) {}

absl::StatusOr<const schema::Field*> RecordTransform::Find(const Rule& rule,
                                                           const std::string& name) const {
  const schema::Field* field = contract_.FindField(name);
  if (field != nullptr) return field;
  return absl::InvalidArgumentError(
      absl::StrCat("规则 / rule ", rule.id, ": 没有字段 / unknown field ", name));
}

std::shared_ptr<const schema::FieldPlan> RecordTransform::FieldsOf(
    const schema::Contract& contract) {
  std::vector<uint32_t> numbers;
  for (const schema::Field& field : contract.fields()) numbers.push_back(field.number);
  return std::make_shared<const schema::FieldPlan>(numbers);
}

absl::StatusOr<std::unique_ptr<const RecordTransform>> RecordTransform::Create(
    const schema::Contract& contract, std::shared_ptr<const schema::FieldPlan> plan,
    const Rule& rule, const cel::Environment& environment, absl::string_view pseudonym_key) {
  std::unique_ptr<RecordTransform> transform(
      new RecordTransform(contract, std::move(plan), environment, pseudonym_key));
  RETURN_IF_ERROR(transform->Plan(rule, environment));
  return std::unique_ptr<const RecordTransform>(std::move(transform));
}

absl::Status RecordTransform::Plan(const Rule& rule, const cel::Environment& environment) {
  actions_.reserve(contract_.fields().size());
  for (const schema::Field& field : contract_.fields()) {
    FieldAction action;
    action.text = field.type == FieldType::kString;
    action.type = WireTypeOf(field);
    action.target = &field;
    if (!rule.keep.empty()) action.action = Action::kDrop;
    actions_.push_back(std::move(action));
  }
  for (const std::string& name : rule.keep) {
    ASSIGN_OR_RETURN(const schema::Field* field, Find(rule, name));
    actions_[field->index].action = Action::kKeep;
  }
  for (const std::string& name : rule.drop) {
    ASSIGN_OR_RETURN(const schema::Field* field, Find(rule, name));
    actions_[field->index].action = Action::kDrop;
  }
  for (const auto& [from, to] : rule.rename) {
    ASSIGN_OR_RETURN(const schema::Field* field, Find(rule, from));
    ASSIGN_OR_RETURN(const schema::Field* target, Find(rule, to));
    actions_[field->index].action = Action::kRename;
    actions_[field->index].target = target;
    // What the source itself has there does not leave, unless it leaves under another name.
    if (actions_[target->index].action != Action::kRename)
      actions_[target->index].action = Action::kDrop;
  }
  for (const auto& [name, mask] : rule.masks) {
    ASSIGN_OR_RETURN(const schema::Field* field, Find(rule, name));
    FieldAction& action = actions_[field->index];
    RETURN_IF_ERROR(CheckMask(mask, *action.target));
    if (mask.has_keep()) continue;
    action.action = mask.has_drop() ? Action::kDrop : Action::kMask;
    action.mask = std::make_unique<const huiliu::v1::Mask>(mask);
  }
  for (const DerivedField& derived : rule.derive) {
    ASSIGN_OR_RETURN(const schema::Field* field, Find(rule, derived.field));
    ASSIGN_OR_RETURN(auto formula, cel::Formula::Compile(derived.expression, contract_, *field,
                                                         environment, nullptr));
    actions_[field->index].action = Action::kDrop;
    derived_.push_back({field, std::move(formula)});
  }
  return absl::OkStatus();
}

RecordTransform::Result RecordTransform::Mask(const WireField& wire, int index,
                                              Workspace* workspace, std::string* out) const {
  const schema::Field* field = &contract_.fields()[index];
  const FieldAction& action = actions_[index];
  std::string& masked = workspace->scratch;
  masked.clear();
  if (action.text) {
    if (wire.type != WireType::kBytes || !AppendMasked(*action.mask, wire.bytes, needs_, &masked)) {
      return Fail(Result::kMaskFailed, field, workspace, out);
    }
    schema::AppendTag(*action.target, WireType::kBytes, out);
    AppendVarint(out, masked.size());
    out->append(masked);
    return Result::kOk;
  }
  std::string& text = workspace->text;
  text.clear();
  if (!schema::AppendText(*field, wire.type, wire.number, wire.bytes, &text).ok() ||
      !AppendMasked(*action.mask, text, needs_, &masked) ||
      !schema::AppendWire(*action.target, masked, out).ok()) {
    return Fail(Result::kMaskFailed, field, workspace, out);
  }
  return Result::kOk;
}

RecordTransform::Result RecordTransform::Derive(const cel::Activation& activation,
                                                Workspace* workspace, std::string* out) const {
  std::string& text = workspace->text;
  for (const Derived& derived : derived_) {
    text.clear();
    if (!derived.formula->AppendText(activation, &text))
      return Fail(Result::kDeriveFailed, derived.field, workspace, out);
    if (!text.empty() && !schema::AppendWire(*derived.field, text, out).ok())
      return Fail(Result::kDeriveFailed, derived.field, workspace, out);
  }
  return Result::kOk;
}

RecordTransform::Result RecordTransform::Apply(const cel::Activation& activation,
                                               Workspace* workspace, std::string* out) const {
  out->clear();
  const absl::string_view record = activation.record;
  out->reserve(record.size());
  workspace->failed_field = nullptr;
  absl::string_view rest = record;
  // Neighbouring kept fields are copied as one slice.
  const char* kept = record.data();
  const auto flush = [&](const char* end) { out->append(kept, end - kept); };
  WireField wire;
  while (schema::TakeField(rest, &wire)) {
    const char* end = wire.whole.data() + wire.whole.size();
    const int index = plan_->SlotOf(wire.field_number);
    const FieldAction* action = index < 0 ? nullptr : &actions_[index];
    const bool as_it_is =
        action != nullptr && (action->action == Action::kKeep || action->action == Action::kRename);
    if (as_it_is) {
      const schema::Field& field = contract_.fields()[index];
      if (!FitsType(wire.type, field, action->type) || (action->text && !IsUtf8(wire.bytes))) {
        return Fail(Result::kInvalidText, &field, workspace, out);
      }
      if (action->action == Action::kKeep) continue;
    }
    flush(wire.whole.data());
    kept = end;
    if (as_it_is) {
      AppendRenamed(wire, *action->target, out);
      continue;
    }
    if (action == nullptr || action->action == Action::kDrop) continue;
    const Result result = Mask(wire, index, workspace, out);
    if (result != Result::kOk) return result;
  }
  if (!rest.empty()) return Fail(Result::kTorn, nullptr, workspace, out);
  flush(record.data() + record.size());
  return derived_.empty() ? Result::kOk : Derive(activation, workspace, out);
}

}  // namespace huiliu::rules
