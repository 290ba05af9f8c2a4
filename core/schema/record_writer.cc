#include "core/schema/record_writer.h"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <cstring>

#include "absl/strings/str_cat.h"
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
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), message.get());
  if (!status.ok()) {
    // The library's words may quote the value: the field's name is all that may be said.
    return absl::InvalidArgumentError(
        absl::StrCat("the JSON is no record of ", contract.id().value(),
                     ": an unknown field or a value of the wrong type"));
  }
  std::string record;
  message->SerializeToString(&record);
  return record;
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
