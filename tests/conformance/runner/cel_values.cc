#include "tests/conformance/runner/cel_values.h"

#include <google/protobuf/descriptor.h>

#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/cel/message.h"
#include "core/cel/message_types.h"
#include "tests/conformance/runner/cel_protos.h"

namespace huiliu::conformance {
namespace {

using cel::Type;
using cel::TypeKind;
using cel::Value;
using cel::ValueKind;
using nlohmann::json;

std::string Text(const json& j) { return j.is_string() ? j.get<std::string>() : j.dump(); }

bool IntFromJson(const json& j, Value* value) {
  int64_t i = 0;
  if (!absl::SimpleAtoi(Text(j), &i)) return false;
  *value = cel::Int(i);
  return true;
}

bool UintFromJson(const json& j, Value* value) {
  uint64_t u = 0;
  if (!absl::SimpleAtoi(Text(j), &u)) return false;
  *value = cel::Uint(u);
  return true;
}

bool DoubleFromJson(const json& j, Value* value) {
  double d = 0;
  if (j.is_number())
    d = j.get<double>();
  else if (!absl::SimpleAtod(Text(j), &d))
    return false;
  *value = cel::Double(d);
  return true;
}

bool BytesFromJson(const json& j, cel::Frame* frame, Value* value) {
  std::string bytes;
  if (!absl::Base64Unescape(Text(j), &bytes)) return false;
  *value = frame->arena.Copy(ValueKind::kBytes, bytes);
  return true;
}

bool ListFromJson(const json& list, cel::Frame* frame, Value* value) {
  const json values = list.value("values", json::array());
  Value* items = frame->arena.Values(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!ValueFromJson(values[i], frame, &items[i])) return false;
  }
  *value = cel::Items(ValueKind::kList, items, values.size());
  return true;
}

bool MapFromJson(const json& map, cel::Frame* frame, Value* value) {
  const json entries = map.value("entries", json::array());
  Value* items = frame->arena.Values(2 * entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!ValueFromJson(entries[i]["key"], frame, &items[2 * i]) ||
        !ValueFromJson(entries[i]["value"], frame, &items[2 * i + 1]))
      return false;
  }
  *value = cel::Items(ValueKind::kMap, items, entries.size());
  return true;
}

// Kept in the arena, as the bytes of a variable must outlive it.
bool ObjectFromJson(const json& object, cel::Frame* frame, Value* value) {
  const google::protobuf::Descriptor* type = nullptr;
  std::string bytes;
  if (!WireFromJson(object, &type, &bytes)) return false;
  const Value kept = frame->arena.Copy(ValueKind::kBytes, bytes);
  *value = cel::FromWire(*frame, *type, kept.text(), 0);
  return !value->is_error();
}

bool PrimitiveFromJson(const std::string& name, Type* type) {
  static const std::pair<const char*, TypeKind> kNames[] = {
      {"BOOL", TypeKind::kBool},     {"INT64", TypeKind::kInt},     {"UINT64", TypeKind::kUint},
      {"DOUBLE", TypeKind::kDouble}, {"STRING", TypeKind::kString}, {"BYTES", TypeKind::kBytes}};
  for (const auto& [word, kind] : kNames) {
    if (name != word) continue;
    *type = cel::Simple(kind);
    return true;
  }
  return false;
}

bool MessageTypeFromJson(const std::string& name, Type* type) {
  const auto* message = CelPool().FindMessageTypeByName(name);
  if (message == nullptr) return false;
  *type = cel::TypeOfMessage(*message);
  return true;
}

bool WellKnownFromJson(const std::string& name, Type* type) {
  if (name == "TIMESTAMP")
    *type = cel::Simple(TypeKind::kTimestamp);
  else if (name == "DURATION")
    *type = cel::Simple(TypeKind::kDuration);
  else if (name == "ANY")
    *type = cel::Simple(TypeKind::kDyn);
  else
    return false;
  return true;
}

}  // namespace

bool ValueFromJson(const json& j, cel::Frame* frame, Value* value) {
  if (!j.is_object() || j.empty()) return false;
  const std::string kind = j.begin().key();
  const json& content = j.begin().value();
  if (kind == "int64Value") return IntFromJson(content, value);
  if (kind == "uint64Value") return UintFromJson(content, value);
  if (kind == "doubleValue") return DoubleFromJson(content, value);
  if (kind == "bytesValue") return BytesFromJson(content, frame, value);
  if (kind == "listValue") return ListFromJson(content, frame, value);
  if (kind == "mapValue") return MapFromJson(content, frame, value);
  if (kind == "objectValue") return ObjectFromJson(content, frame, value);
  if (kind == "nullValue")
    *value = cel::Null();
  else if (kind == "boolValue")
    *value = cel::Bool(content.get<bool>());
  else if (kind == "stringValue")
    *value = frame->arena.Copy(ValueKind::kString, content.get<std::string>());
  else if (kind == "typeValue")
    *value = frame->arena.Copy(ValueKind::kType, content.get<std::string>());
  else
    return false;
  return true;
}

bool TypeFromJson(const json& j, Type* type) {
  if (!j.is_object() || j.empty()) return false;
  const std::string kind = j.begin().key();
  const json& content = j.begin().value();
  if (kind == "primitive") return PrimitiveFromJson(Text(content), type);
  if (kind == "dyn")
    *type = cel::Simple(TypeKind::kDyn);
  else if (kind == "null")
    *type = cel::Simple(TypeKind::kNull);
  else if (kind == "type")
    *type = cel::Simple(TypeKind::kType);
  else if (kind == "messageType")
    return MessageTypeFromJson(Text(content), type);
  else if (kind == "wellKnown")
    return WellKnownFromJson(Text(content), type);
  else if (kind == "wrapper") {
    Type inner;
    if (!PrimitiveFromJson(Text(content), &inner)) return false;
    *type = cel::WrapperOf(inner.kind);
  } else if (kind == "listType") {
    Type element;
    if (!TypeFromJson(content["elemType"], &element)) return false;
    *type = cel::ListOf(element);
  } else if (kind == "mapType") {
    Type key, value;
    if (!TypeFromJson(content["keyType"], &key) || !TypeFromJson(content["valueType"], &value))
      return false;
    *type = cel::MapOf(key, value);
  } else {
    return false;
  }
  return true;
}

bool SameValue(const Value& a, const Value& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == ValueKind::kDouble && std::isnan(a.number)) return std::isnan(b.number);
  if (a.kind == ValueKind::kList) {
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; ++i) {
      if (!SameValue(a.items[i], b.items[i])) return false;
    }
    return true;
  }
  if (a.kind == ValueKind::kMap) {
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; ++i) {
      const Value* other = cel::FindInMap(b, a.items[2 * i]);
      if (other == nullptr || !SameValue(a.items[2 * i + 1], *other)) return false;
    }
    return true;
  }
  return cel::Equal(a, b);
}

std::string ShowValue(const Value& v) {
  switch (v.kind) {
    case ValueKind::kBool:
      return v.boolean ? "true" : "false";
    case ValueKind::kInt:
      return absl::StrCat(v.integer);
    case ValueKind::kUint:
      return absl::StrCat(v.natural, "u");
    case ValueKind::kDouble:
      return absl::StrCat("double ", cel::FormatDouble(v.number));
    case ValueKind::kTimestamp:
      return cel::FormatTimestamp(v);
    case ValueKind::kDuration:
      return cel::FormatDuration(v);
    case ValueKind::kNull:
      return "null";
    case ValueKind::kMessage:
      return absl::StrCat(v.message->type->full_name(), " \"", absl::CHexEscape(v.message->bytes),
                          "\"");
    case ValueKind::kList:
    case ValueKind::kMap:
      return absl::StrCat(std::string(cel::TypeNameOf(v)), " of ", v.size);
    default:
      return absl::StrCat(std::string(cel::TypeNameOf(v)), " \"", absl::CHexEscape(v.text()), "\"");
  }
}

}  // namespace huiliu::conformance
