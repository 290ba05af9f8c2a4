#include "core/schema/record_writer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {

absl::Status RecordWriter::SetText(const Field& field, absl::string_view text) {
  return AppendWire(field, text, &bytes_);
}

void RecordWriter::SetString(const Field& field, absl::string_view value) {
  AppendTag(field, WireType::kBytes, &bytes_);
  AppendVarint(&bytes_, value.size());
  bytes_.append(value.data(), value.size());
}

void RecordWriter::SetInt64(const Field& field, int64_t value) {
  // Through text only where the field's own encoding is not the plain varint.
  if (field.type == FieldType::kInt64) {
    AppendWire(field, absl::StrCat(value), &bytes_).IgnoreError();
  } else {
    AppendTag(field, WireType::kVarint, &bytes_);
    AppendVarint(&bytes_, static_cast<uint64_t>(value));
  }
}

void RecordWriter::SetDouble(const Field& field, double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  AppendTag(field, WireType::kFixed64, &bytes_);
  bytes_.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

void RecordWriter::SetBool(const Field& field, bool value) {
  AppendTag(field, WireType::kVarint, &bytes_);
  bytes_.push_back(value ? '\1' : '\0');
}

void RecordWriter::SetTimestamp(const Field& field, absl::Time value) {
  AppendTimestamp(field, value, &bytes_);
}

std::string RecordWriter::Finish() {
  std::string out;
  out.swap(bytes_);
  return out;
}

namespace {

std::unique_ptr<google::protobuf::Message> NewMessage(
    const Contract& contract, google::protobuf::DynamicMessageFactory& factory) {
  return std::unique_ptr<google::protobuf::Message>(
      factory.GetPrototype(contract.descriptor())->New());
}

// The library's words begin with the field's path, and may quote the value after it: only the name
// of a field that the contract has is taken from them.
const Field* FieldNamedIn(const Contract& contract, absl::string_view words) {
  const size_t colon = words.find(':');
  if (colon == absl::string_view::npos) return nullptr;
  absl::string_view path = words.substr(0, colon);
  if (absl::ConsumePrefix(&path, "(")) absl::ConsumeSuffix(&path, ")");
  path = path.substr(0, path.find_first_of(".["));
  for (const Field& field : contract.fields()) {
    if (path == field.name || path == field.descriptor->json_name()) return &field;
  }
  return nullptr;
}

// proto3 does not write a zero, but a key of 0 that the JSON shows is a key, not an empty one.
absl::StatusOr<std::string> AppendZeroKeys(const Contract& contract,
                                           const google::protobuf::StringPiece& json,
                                           std::string record) {
  google::protobuf::Struct shown;
  if (!google::protobuf::util::JsonStringToMessage(json, &shown).ok()) return record;
  for (const Field* key : contract.key_fields()) {
    if (key->type == FieldType::kString) continue;
    const auto& members = shown.fields();
    auto member = members.find(key->name);
    if (member == members.end()) member = members.find(key->descriptor->json_name());
    if (member == members.end() || member->second.has_null_value()) continue;
    const uint32_t number = key->number;
    FieldSlot slot;
    RETURN_IF_ERROR(
        FieldPlan(absl::MakeConstSpan(&number, 1)).Scan(record, absl::MakeSpan(&slot, 1)));
    if (!slot.present) RETURN_IF_ERROR(AppendWire(*key, "0", &record));
  }
  return record;
}

}  // namespace

absl::StatusOr<std::string> RecordToJson(const Contract& contract, absl::string_view record) {
  google::protobuf::DynamicMessageFactory factory;
  const auto message = NewMessage(contract, factory);
  if (!message->ParseFromArray(record.data(), static_cast<int>(record.size()))) {
    return absl::DataLossError(
        absl::StrCat("the record is no ", contract.descriptor()->full_name()));
  }
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(*message, &json, options).ok()) {
    return absl::DataLossError(
        absl::StrCat("the record of ", contract.id().value(), " cannot be written as JSON"));
  }
  return json;
}

absl::StatusOr<std::string> RecordFromJson(const Contract& contract, absl::string_view json) {
  google::protobuf::DynamicMessageFactory factory;
  const auto message = NewMessage(contract, factory);
  const google::protobuf::StringPiece text(json.data(), json.size());
  const auto status = google::protobuf::util::JsonStringToMessage(text, message.get());
  if (!status.ok()) {
    const absl::string_view words(status.message().data(), status.message().size());
    const Field* field = FieldNamedIn(contract, words);
    return absl::InvalidArgumentError(absl::StrCat(
        "JSON 不是该数据集的记录 / the JSON is no record of ", contract.id().value(),
        field == nullptr ? ": it is malformed, or names a field that the dataset does not have"
                         : absl::StrCat(": field ", field->name, ": a value of the wrong type")));
  }
  std::string record;
  message->SerializeToString(&record);
  return AppendZeroKeys(contract, text, record);
}

absl::StatusOr<std::string> FieldToText(const Contract& contract, const Field& field,
                                        absl::string_view record) {
  const uint32_t number = field.number;
  const FieldPlan plan(absl::MakeConstSpan(&number, 1));
  FieldSlot slot;
  RETURN_IF_ERROR(plan.Scan(record, absl::MakeSpan(&slot, 1)));
  std::string text;
  if (slot.present) RETURN_IF_ERROR(AppendText(field, slot.type, slot.number, slot.bytes, &text));
  return text;
}

}  // namespace huiliu::schema
