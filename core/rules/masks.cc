#include "core/rules/masks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/rules/utf8.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Mask;
using schema::FieldType;
using schema::WireField;
using schema::WireType;

constexpr int kMaxFillCodePoints = 4;
constexpr uint32_t kMaxKept = 1000;
constexpr size_t kMinKeyBytes = 16;

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

bool AppendPartial(const Mask::Partial& partial, absl::string_view value, std::string* out) {
  const int64_t length = CountCodePoints(value);
  if (length < 0) return false;
  int64_t first = partial.keep_first();
  int64_t last = partial.keep_last();
  if (first + last >= length) first = last = 0;
  const absl::string_view fill =
      partial.fill().empty() ? absl::string_view("*") : absl::string_view(partial.fill());
  for (int64_t i = 0; i < length; ++i) {
    const size_t size = CodePointLength(value);
    if (i < first || i >= length - last) {
      out->append(value.data(), size);
    } else {
      out->append(fill.data(), fill.size());
    }
    value.remove_prefix(size);
  }
  return true;
}

}  // namespace

absl::Status CheckMask(const Mask& mask, const schema::Field& field) {
  switch (mask.kind_case()) {
    case Mask::kKeep:
    case Mask::kDrop:
      return absl::OkStatus();
    case Mask::KIND_NOT_SET:
      return absl::InvalidArgumentError("脱敏方式为空 / no kind of mask");
    case Mask::kHash:
    case Mask::kPartial:
      break;
  }
  if (field.type != FieldType::kString) {
    return absl::InvalidArgumentError(
        "该脱敏方式只用于文本字段，其他类型请用 drop / this mask takes text fields only, use drop");
  }
  if (!mask.has_partial()) return absl::OkStatus();
  const Mask::Partial& partial = mask.partial();
  if (partial.keep_first() > kMaxKept || partial.keep_last() > kMaxKept) {
    return absl::InvalidArgumentError(
        absl::StrCat("保留字符数最多 / at most ", kMaxKept, " code points are kept"));
  }
  const int64_t fill = CountCodePoints(partial.fill());
  const bool control = std::any_of(partial.fill().begin(), partial.fill().end(), [](char c) {
    return static_cast<uint8_t>(c) < 0x20 || c == 0x7F;
  });
  if (fill < 0 || fill > kMaxFillCodePoints || control) {
    return absl::InvalidArgumentError(absl::StrCat("填充符须为 1–", kMaxFillCodePoints,
                                                   " 个可见字符 / fill is 1 to ",
                                                   kMaxFillCodePoints, " visible characters"));
  }
  return absl::OkStatus();
}

bool AppendMasked(const Mask& mask, absl::string_view value, absl::string_view key,
                  std::string* out) {
  switch (mask.kind_case()) {
    case Mask::kDrop:
      return true;
    case Mask::kKeep:
      if (!IsUtf8(value)) return false;
      out->append(value.data(), value.size());
      return true;
    case Mask::kPartial:
      return AppendPartial(mask.partial(), value, out);
    case Mask::kHash:
      if (key.size() < kMinKeyBytes || !IsUtf8(value)) return false;
      if (!value.empty())
        absl::StrAppend(out, absl::BytesToHexString(AsBytes(HmacSha256(key, value))));
      return true;
    case Mask::KIND_NOT_SET:
      return false;
  }
  return false;
}

RecordTransform::RecordTransform(const schema::Contract& contract, absl::string_view key)
    : contract_(contract), key_(key) {}

absl::StatusOr<std::unique_ptr<RecordTransform>> RecordTransform::Create(
    const schema::Contract& contract, const Rule& rule, absl::string_view pseudonym_key) {
  std::unique_ptr<RecordTransform> transform(new RecordTransform(contract, pseudonym_key));
  std::vector<uint32_t> numbers;
  for (const schema::Field& field : contract.fields()) {
    numbers.push_back(field.number);
    FieldAction action;
    action.text = field.type == FieldType::kString;
    action.type = WireTypeOf(field);
    if (!rule.keep.empty()) action.action = Action::kDrop;
    transform->actions_.push_back(std::move(action));
  }
  transform->plan_ = std::make_unique<schema::FieldPlan>(numbers);
  const auto find = [&](const std::string& name) -> absl::StatusOr<FieldAction*> {
    const schema::Field* field = contract.FindField(name);
    if (field == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("rule ", rule.id, ": unknown field ", name));
    return &transform->actions_[field->index];
  };
  for (const std::string& name : rule.keep) {
    ASSIGN_OR_RETURN(FieldAction * action, find(name));
    action->action = Action::kKeep;
  }
  for (const std::string& name : rule.drop) {
    ASSIGN_OR_RETURN(FieldAction * action, find(name));
    action->action = Action::kDrop;
  }
  for (const auto& [name, mask] : rule.masks) {
    ASSIGN_OR_RETURN(FieldAction * action, find(name));
    RETURN_IF_ERROR(CheckMask(mask, *contract.FindField(name)));
    if (mask.has_keep()) continue;
    action->action = mask.has_drop() ? Action::kDrop : Action::kMask;
    action->mask = mask;
  }
  return transform;
}

RecordTransform::Result RecordTransform::Fail(Result result, const schema::Field* field,
                                              std::string* out) {
  out->clear();
  failed_field_ = field;
  return result;
}

RecordTransform::Result RecordTransform::Mask(const WireField& wire, int index, std::string* out) {
  const schema::Field* field = &contract_.fields()[index];
  if (wire.type != WireType::kBytes) return Fail(Result::kMaskFailed, field, out);
  scratch_.clear();
  if (!AppendMasked(actions_[index].mask, wire.bytes, key_, &scratch_)) {
    return Fail(Result::kMaskFailed, field, out);
  }
  AppendVarint(out, uint64_t{wire.field_number} << 3 | static_cast<uint64_t>(WireType::kBytes));
  AppendVarint(out, scratch_.size());
  out->append(scratch_);
  return Result::kOk;
}

RecordTransform::Result RecordTransform::Apply(absl::string_view record, std::string* out) {
  out->clear();
  out->reserve(record.size());
  failed_field_ = nullptr;
  absl::string_view rest = record;
  // Neighbouring kept fields are copied as one slice.
  const char* kept = record.data();
  const auto flush = [&](const char* end) { out->append(kept, end - kept); };
  WireField wire;
  while (schema::TakeField(rest, &wire)) {
    const char* end = wire.whole.data() + wire.whole.size();
    const int index = plan_->SlotOf(wire.field_number);
    const FieldAction* action = index < 0 ? nullptr : &actions_[index];
    if (action != nullptr && action->action == Action::kKeep) {
      const schema::Field& field = contract_.fields()[index];
      if (!FitsType(wire.type, field, action->type) || (action->text && !IsUtf8(wire.bytes))) {
        return Fail(Result::kInvalidText, &field, out);
      }
      continue;
    }
    flush(wire.whole.data());
    kept = end;
    if (action == nullptr || action->action == Action::kDrop) continue;
    const Result result = Mask(wire, index, out);
    if (result != Result::kOk) return result;
  }
  if (!rest.empty()) return Fail(Result::kTorn, nullptr, out);
  flush(record.data() + record.size());
  return Result::kOk;
}

}  // namespace huiliu::rules
