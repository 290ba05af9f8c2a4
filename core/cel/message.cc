#include "core/cel/message.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/cel/field_access.h"

namespace huiliu::cel {
namespace {

namespace pb = google::protobuf;
using schema::WireField;
using schema::WireType;

constexpr absl::string_view kTorn = "a torn message (消息的字节残缺)";
constexpr absl::string_view kTooLarge = "the evaluation needs too much memory (计算占用内存过多)";
constexpr size_t kMaxValues = kMaxEvaluationBytes / sizeof(Value);

bool IsMessage(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
}
bool IsNullEnum(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM &&
         field.enum_type()->full_name() == "google.protobuf.NullValue";
}

// One occurrence's content.
Value Content(Frame& frame, const MessageData& message, const pb::FieldDescriptor& field,
              uint64_t number, absl::string_view bytes) {
  if (IsMessage(field)) return FromWire(frame, *field.message_type(), bytes, message.depth + 1);
  if (IsNullEnum(field)) return Null();
  return FieldAccess::Of(field).Decode(number, bytes);
}

Value DefaultOf(Frame& frame, const MessageData& message, const pb::FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto kind = field.message_type()->well_known_type();
      const bool wrapper = kind >= pb::Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
                           kind <= pb::Descriptor::WELLKNOWNTYPE_BOOLVALUE;
      if (wrapper || kind == pb::Descriptor::WELLKNOWNTYPE_ANY) return Null();
      return FromWire(frame, *field.message_type(), {}, message.depth + 1);
    }
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return Text(
          field.type() == pb::FieldDescriptor::TYPE_BYTES ? ValueKind::kBytes : ValueKind::kString,
          field.default_value_string());
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return Bool(field.default_value_bool());
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return Int(field.default_value_int32());
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return Int(field.default_value_int64());
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return Uint(field.default_value_uint32());
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return Uint(field.default_value_uint64());
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      return Double(field.default_value_float());
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return Double(field.default_value_double());
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return IsNullEnum(field) ? Null() : Int(field.default_value_enum()->number());
  }
  return Error("this field cannot be read (字段无法读取)");
}

struct Found {
  size_t occurrences = 0;
  uint64_t number = 0;
  absl::string_view bytes;  // of the last one
  size_t total = 0;         // bytes of all
};

bool InOneof(const pb::OneofDescriptor& oneof, uint32_t number) {
  for (int i = 0; i < oneof.field_count(); ++i) {
    if (static_cast<uint32_t>(oneof.field(i)->number()) == number) return true;
  }
  return false;
}

// A single field: the last occurrence counts, and another member of its oneof takes it away. False
// where the bytes are torn.
bool Find(absl::string_view rest, const pb::FieldDescriptor& field, Found* found) {
  const WireType wire = FieldAccess::Of(field).wire;
  const auto number = static_cast<uint32_t>(field.number());
  const pb::OneofDescriptor* oneof = field.real_containing_oneof();
  WireField at;
  while (schema::TakeField(rest, &at)) {
    if (at.field_number == number && at.type == wire) {
      ++found->occurrences;
      found->number = at.number;
      found->bytes = at.bytes;
      found->total += at.bytes.size();
    } else if (oneof != nullptr && at.field_number != number && InOneof(*oneof, at.field_number)) {
      *found = {};
    }
  }
  return rest.empty();
}

// Several occurrences of a message are one, merged: on the wire, joined.
Value Merged(Frame& frame, absl::string_view rest, const pb::FieldDescriptor& field, size_t total) {
  char* bytes = frame.arena.Bytes(total);
  if (bytes == nullptr) return Error(kTooLarge);
  char* to = bytes;
  WireField at;
  while (schema::TakeField(rest, &at)) {
    const bool ours = at.field_number == static_cast<uint32_t>(field.number());
    if (!ours || at.type != WireType::kBytes || to + at.bytes.size() > bytes + total) continue;
    std::copy(at.bytes.begin(), at.bytes.end(), to);
    to += at.bytes.size();
  }
  return String(absl::string_view(bytes, static_cast<size_t>(to - bytes)));
}

Value ListFrom(Frame& frame, const std::vector<Value>& values, ValueKind kind) {
  for (const Value& value : values) {
    if (value.is_error()) return value;
  }
  Value* items = frame.arena.Values(values.size());
  if (items == nullptr) return Error(kTooLarge);
  std::copy(values.begin(), values.end(), items);
  return Items(kind, items, kind == ValueKind::kMap ? values.size() / 2 : values.size());
}

// entry: key = 1, value = 2; a later entry of a key replaces the earlier one.
bool AddEntry(Frame& frame, const MessageData& map, std::vector<Value>* entries) {
  const pb::FieldDescriptor& key_field = *map.type->map_key();
  const Value key = ReadField(frame, map, key_field);
  Found found;
  const pb::FieldDescriptor& value_field = *map.type->map_value();
  if (!Find(map.bytes, value_field, &found)) return false;
  Value value = found.occurrences == 0 && IsMessage(value_field)
                    ? FromWire(frame, *value_field.message_type(), {}, map.depth + 1)
                    : ReadField(frame, map, value_field);
  if (key.is_error()) value = key;
  if (!frame.Charge(1 + static_cast<int64_t>(entries->size() / 16))) return false;
  for (size_t i = 0; i < entries->size(); i += 2) {
    if (!Equal((*entries)[i], key)) continue;
    (*entries)[i + 1] = value;
    return true;
  }
  entries->push_back(key);
  entries->push_back(value);
  return true;
}

Value ReadMap(Frame& frame, const MessageData& message, const pb::FieldDescriptor& field) {
  std::vector<Value> entries;
  absl::string_view rest = message.bytes;
  WireField at;
  while (schema::TakeField(rest, &at)) {
    if (at.field_number != static_cast<uint32_t>(field.number()) || at.type != WireType::kBytes)
      continue;
    const MessageData entry{field.message_type(), at.bytes, message.depth + 1};
    if (entries.size() > kMaxValues) return Error(kTooLarge);
    if (!AddEntry(frame, entry, &entries)) return Error(frame.Charge(0) ? kTorn : kTooCostly);
  }
  if (!rest.empty()) return Error(kTorn);
  return ListFrom(frame, entries, ValueKind::kMap);
}

Value ReadRepeated(Frame& frame, const MessageData& message, const pb::FieldDescriptor& field) {
  const FieldAccess access = FieldAccess::Of(field);
  std::vector<Value> values;
  absl::string_view rest = message.bytes;
  WireField at;
  while (schema::TakeField(rest, &at)) {
    if (at.field_number != static_cast<uint32_t>(field.number())) continue;
    if (values.size() > kMaxValues) return Error(kTooLarge);
    if (at.type == access.wire) {
      values.push_back(Content(frame, message, field, at.number, at.bytes));
    } else if (at.type == WireType::kBytes && !access.DecodePacked(at.bytes, &values)) {
      return Error("a torn repeated field (重复字段的字节残缺)");
    }
  }
  if (!rest.empty()) return Error(kTorn);
  if (IsNullEnum(field)) std::fill(values.begin(), values.end(), Null());
  return ListFrom(frame, values, ValueKind::kList);
}

Value MakeMessageValue(Frame& frame, const pb::Descriptor& type, absl::string_view bytes,
                       int depth) {
  char* memory = frame.arena.Bytes(sizeof(MessageData));
  if (memory == nullptr) return Error(kTooLarge);
  Value value;
  value.kind = ValueKind::kMessage;
  value.message = new (memory) MessageData{&type, bytes, depth};
  return value;
}

Value ReadNumber(Frame& frame, const MessageData& message, int number) {
  return ReadField(frame, message, *message.type->FindFieldByNumber(number));
}

// google.protobuf.Value: null_value 1, number_value 2, string_value 3, bool_value 4, struct_value
// 5, list_value 6.
Value ReadJson(Frame& frame, const MessageData& message) {
  for (int number = 2; number <= 6; ++number) {
    Found found;
    const pb::FieldDescriptor& field = *message.type->FindFieldByNumber(number);
    if (!Find(message.bytes, field, &found)) return Error(kTorn);
    if (found.occurrences > 0) return ReadField(frame, message, field);
  }
  return Null();
}

// google.protobuf.Any: type_url 1, value 2.
Value Unpack(Frame& frame, const MessageData& any) {
  const Value url = ReadNumber(frame, any, 1);
  const Value content = ReadNumber(frame, any, 2);
  if (url.is_error() || content.is_error()) return Error(kTorn);
  const absl::string_view text = url.text();
  const size_t slash = text.rfind('/');
  if (slash == absl::string_view::npos)
    return Error("an Any without the name of its type (Any 没有写明类型)");
  const pb::Descriptor* type =
      any.type->file()->pool()->FindMessageTypeByName(std::string(text.substr(slash + 1)));
  if (type == nullptr) return Error("an Any of an unknown type (Any 的类型未知)");
  return FromWire(frame, *type, content.text(), any.depth + 1);
}

}  // namespace

const pb::FieldDescriptor* FindMessageField(const pb::Descriptor& type, absl::string_view name) {
  const std::string text(name);
  if (const pb::FieldDescriptor* field = type.FindFieldByName(text)) return field;
  if (name.find('.') == absl::string_view::npos) return nullptr;
  const pb::FieldDescriptor* extension = type.file()->pool()->FindExtensionByName(text);
  return extension != nullptr && extension->containing_type() == &type ? extension : nullptr;
}

Value FromWire(Frame& frame, const pb::Descriptor& type, absl::string_view bytes, int depth) {
  if (depth > kMaxMessageDepth) return Error("messages nested too deep (消息嵌套过深)");
  const MessageData message{&type, bytes, depth};
  switch (type.well_known_type()) {
    case pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
    case pb::Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return MakeMessageValue(frame, type, bytes, depth);
    case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return DecodeTime(bytes, /*timestamp=*/true);
    case pb::Descriptor::WELLKNOWNTYPE_DURATION:
      return DecodeTime(bytes, /*timestamp=*/false);
    case pb::Descriptor::WELLKNOWNTYPE_ANY:
      return Unpack(frame, message);
    case pb::Descriptor::WELLKNOWNTYPE_VALUE:
      return ReadJson(frame, message);
    default:  // the wrappers' value, a Struct's fields, a ListValue's values: field 1
      return ReadNumber(frame, message, 1);
  }
}

Value ReadField(Frame& frame, const MessageData& message, const pb::FieldDescriptor& field) {
  if (!frame.ChargeText(message.bytes.size())) return Error(kTooCostly);
  if (field.is_map()) return ReadMap(frame, message, field);
  if (field.is_repeated()) return ReadRepeated(frame, message, field);
  Found found;
  if (!Find(message.bytes, field, &found)) return Error(kTorn);
  if (found.occurrences == 0) return DefaultOf(frame, message, field);
  if (IsMessage(field) && found.occurrences > 1) {
    const Value merged = Merged(frame, message.bytes, field, found.total);
    if (merged.is_error()) return merged;
    found.bytes = merged.text();
  }
  return Content(frame, message, field, found.number, found.bytes);
}

Value HasField(Frame& frame, const MessageData& message, const pb::FieldDescriptor& field) {
  if (field.is_repeated()) {
    const Value list = ReadField(frame, message, field);
    return list.is_error() ? list : Bool(list.size > 0);
  }
  if (!frame.ChargeText(message.bytes.size())) return Error(kTooCostly);
  Found found;
  if (!Find(message.bytes, field, &found)) return Error(kTorn);
  if (found.occurrences == 0) return Bool(false);
  if (field.has_presence()) return Bool(true);
  return Bool(found.number != 0 || !found.bytes.empty());
}

}  // namespace huiliu::cel
