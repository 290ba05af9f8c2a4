#include "core/cel/field_access.h"

#include <google/protobuf/descriptor.h>

#include "core/model/varint.h"

namespace huiliu::cel {
namespace {

namespace pb = google::protobuf;
using schema::WireType;

struct Shape {
  Encoding encoding;
  WireType wire;
};

Shape ShapeOf(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_STRING:
      return {Encoding::kString, WireType::kBytes};
    case pb::FieldDescriptor::TYPE_BYTES:
      return {Encoding::kBytes, WireType::kBytes};
    case pb::FieldDescriptor::TYPE_BOOL:
      return {Encoding::kBool, WireType::kVarint};
    case pb::FieldDescriptor::TYPE_ENUM:
    case pb::FieldDescriptor::TYPE_INT32:
      return {Encoding::kInt32, WireType::kVarint};
    case pb::FieldDescriptor::TYPE_INT64:
      return {Encoding::kInt64, WireType::kVarint};
    case pb::FieldDescriptor::TYPE_SINT32:
    case pb::FieldDescriptor::TYPE_SINT64:
      return {Encoding::kSint, WireType::kVarint};
    case pb::FieldDescriptor::TYPE_SFIXED32:
      return {Encoding::kSfixed32, WireType::kFixed32};
    case pb::FieldDescriptor::TYPE_SFIXED64:
      return {Encoding::kInt64, WireType::kFixed64};
    case pb::FieldDescriptor::TYPE_UINT32:
      return {Encoding::kUint32, WireType::kVarint};
    case pb::FieldDescriptor::TYPE_UINT64:
      return {Encoding::kUint64, WireType::kVarint};
    case pb::FieldDescriptor::TYPE_FIXED32:
      return {Encoding::kUint32, WireType::kFixed32};
    case pb::FieldDescriptor::TYPE_FIXED64:
      return {Encoding::kUint64, WireType::kFixed64};
    case pb::FieldDescriptor::TYPE_FLOAT:
      return {Encoding::kFloat, WireType::kFixed32};
    case pb::FieldDescriptor::TYPE_DOUBLE:
      return {Encoding::kDouble, WireType::kFixed64};
    case pb::FieldDescriptor::TYPE_MESSAGE: {
      const std::string& name = field.message_type()->full_name();
      if (name == "google.protobuf.Timestamp") return {Encoding::kTimestamp, WireType::kBytes};
      if (name == "google.protobuf.Duration") return {Encoding::kDuration, WireType::kBytes};
      return {Encoding::kUnsupported, WireType::kBytes};
    }
    case pb::FieldDescriptor::TYPE_GROUP:
      break;
  }
  return {Encoding::kUnsupported, WireType::kBytes};
}

bool IsDefault(const Value& v) {
  switch (v.kind) {
    case ValueKind::kBool:
      return !v.boolean;
    case ValueKind::kInt:
      return v.integer == 0;
    case ValueKind::kUint:
      return v.natural == 0;
    case ValueKind::kDouble:
      return v.natural == 0;  // by bits, as proto3 does: -0.0 is written
    case ValueKind::kString:
    case ValueKind::kBytes:
      return v.size == 0;
    default:
      return false;
  }
}

}  // namespace

// seconds = 1, nanos = 2.
Value DecodeTime(absl::string_view bytes, bool timestamp) {
  constexpr size_t kMaxBytes =
      64;  // two varints need 22; what is longer is no time, and costs time
  if (bytes.size() > kMaxBytes) return Error("no timestamp or duration (不是时间或时长)");
  int64_t seconds = 0;
  int32_t nanos = 0;
  schema::WireField field;
  while (schema::TakeField(bytes, &field)) {
    if (field.type != WireType::kVarint) continue;
    if (field.field_number == 1) seconds = static_cast<int64_t>(field.number);
    if (field.field_number == 2) nanos = static_cast<int32_t>(field.number);
  }
  if (!bytes.empty()) return Error("a torn timestamp or duration (时间或时长的字节残缺)");
  if (timestamp) return Timestamp(seconds, nanos);
  int64_t total = 0;
  if (__builtin_mul_overflow(seconds, int64_t{1'000'000'000}, &total) ||
      __builtin_add_overflow(total, int64_t{nanos}, &total))
    return Error("duration out of range (时长超出范围)");
  return Duration(total);
}

FieldAccess FieldAccess::Of(const pb::FieldDescriptor& field) {
  const Shape shape = ShapeOf(field);
  FieldAccess access;
  access.number = static_cast<uint32_t>(field.number()) & 0x1FFFFFFF;
  access.encoding = field.is_map() ? Encoding::kUnsupported : shape.encoding;
  access.wire = shape.wire;
  access.repeated = field.is_repeated() ? 1 : 0;
  access.tracks_presence = field.has_presence() ? 1 : 0;
  return access;
}

FieldAccess FieldAccess::Of(const schema::Field& field) {
  FieldAccess access = Of(*field.descriptor);
  access.index = static_cast<int16_t>(field.index);
  return access;
}

FieldAccess FieldAccess::Division() {
  FieldAccess access;
  access.index = kDivision;
  access.encoding = Encoding::kString;
  return access;
}

Type FieldAccess::type() const {
  TypeKind kind = TypeKind::kDyn;
  switch (encoding) {
    case Encoding::kString:
      kind = TypeKind::kString;
      break;
    case Encoding::kBytes:
      kind = TypeKind::kBytes;
      break;
    case Encoding::kBool:
      kind = TypeKind::kBool;
      break;
    case Encoding::kInt32:
    case Encoding::kInt64:
    case Encoding::kSint:
    case Encoding::kSfixed32:
      kind = TypeKind::kInt;
      break;
    case Encoding::kUint32:
    case Encoding::kUint64:
      kind = TypeKind::kUint;
      break;
    case Encoding::kFloat:
    case Encoding::kDouble:
      kind = TypeKind::kDouble;
      break;
    case Encoding::kTimestamp:
      kind = TypeKind::kTimestamp;
      break;
    case Encoding::kDuration:
      kind = TypeKind::kDuration;
      break;
    case Encoding::kUnsupported:
      kind = TypeKind::kMessage;
      break;
  }
  return repeated ? ListOf(Simple(kind)) : Simple(kind);
}

Value FieldAccess::Decode(uint64_t raw, absl::string_view bytes) const {
  switch (encoding) {
    case Encoding::kString:
      return String(bytes);
    case Encoding::kBytes:
      return cel::Text(ValueKind::kBytes, bytes);
    case Encoding::kBool:
      return Bool(raw != 0);
    case Encoding::kInt32:
    case Encoding::kInt64:
    case Encoding::kSint:
    case Encoding::kSfixed32:
      return Int(DecodeInteger(raw));
    case Encoding::kUint32:
    case Encoding::kUint64:
      return Uint(DecodeNatural(raw));
    case Encoding::kFloat:
    case Encoding::kDouble:
      return Double(DecodeNumber(raw));
    case Encoding::kTimestamp:
      return DecodeTime(bytes, true);
    case Encoding::kDuration:
      return DecodeTime(bytes, false);
    case Encoding::kUnsupported:
      break;
  }
  return Error("this field cannot be read (字段无法读取)");
}

Value FieldAccess::Read(const Activation& activation) const {
  if (index == kDivision) return String(activation.division);
  const schema::FieldSlot* slot = Slot(activation);
  return slot == nullptr ? Decode(0, {}) : Decode(slot->number, slot->bytes);
}

bool FieldAccess::DecodePacked(absl::string_view bytes, std::vector<Value>* values) const {
  while (!bytes.empty()) {
    uint64_t raw = 0;
    if (wire == WireType::kVarint) {
      if (!TakeVarint(bytes, &raw)) return false;
    } else {
      const size_t width = wire == WireType::kFixed32 ? 4 : 8;
      if (bytes.size() < width) return false;
      std::memcpy(&raw, bytes.data(), width);
      bytes.remove_prefix(width);
    }
    values->push_back(Decode(raw, {}));
  }
  return true;
}

Value FieldAccess::ReadList(Frame& frame) const {
  std::vector<Value> values;
  absl::string_view rest = frame.activation->record;
  if (!frame.ChargeText(rest.size())) return Error(kTooCostly);
  schema::WireField field;
  while (schema::TakeField(rest, &field)) {
    if (field.field_number != number) continue;
    if (field.type == wire) {
      values.push_back(Decode(field.number, field.bytes));
    } else if (field.type == WireType::kBytes && !DecodePacked(field.bytes, &values)) {
      return Error("a torn repeated field (重复字段的字节残缺)");
    }
  }
  if (!rest.empty()) return Error("the record is torn (记录的字节残缺)");
  for (const Value& value : values) {
    if (value.is_error()) return value;
  }
  Value* items = frame.arena.Values(values.size());
  if (items == nullptr) return Error("the evaluation needs too much memory (计算占用内存过多)");
  std::copy(values.begin(), values.end(), items);
  return Items(ValueKind::kList, items, values.size());
}

bool FieldAccess::Present(const Activation& activation) const {
  const schema::FieldSlot& slot = activation.slots[static_cast<size_t>(index)];
  if (!slot.present) return false;
  if (repeated) return slot.type == wire || (slot.type == WireType::kBytes && !slot.bytes.empty());
  if (slot.type != wire) return false;
  return tracks_presence || !IsDefault(Decode(slot.number, slot.bytes));
}

}  // namespace huiliu::cel
