#include "core/schema/record_check.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kMaxDepth = 50;  // of messages in one another; libprotobuf reads 100

absl::Status Torn() {
  return absl::DataLossError(
      "the record is no protobuf message: torn field / 记录不是完整的 protobuf 消息");
}

absl::Status Wrong(const FieldDescriptor& field, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("field ", field.name(), ": ", what));
}

WireType ScalarWire(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return WireType::kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return WireType::kFixed32;
    default:
      return WireType::kVarint;
  }
}

bool IsPacked(WireType type, absl::string_view bytes) {
  if (type == WireType::kFixed64) return bytes.size() % 8 == 0;
  if (type == WireType::kFixed32) return bytes.size() % 4 == 0;
  uint64_t number = 0;
  while (!bytes.empty())
    if (!TakeVarint(bytes, &number)) return false;
  return true;
}

absl::Status CheckTime(const FieldDescriptor& field, absl::string_view bytes) {
  google::protobuf::Timestamp time;
  const bool readable = time.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (readable && time.seconds() >= kFirstSecond && time.seconds() <= kLastSecond &&
      time.nanos() >= 0 && time.nanos() <= 999999999)
    return absl::OkStatus();
  return Wrong(field, "it is no time of the years 1 to 9999 / 不是公元 1 至 9999 年的时间");
}

absl::Status CheckMessage(const Descriptor& type, absl::string_view bytes, int depth);

absl::Status CheckField(const FieldDescriptor& field, const WireField& wire, int depth) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      break;
    default: {
      const WireType scalar = ScalarWire(field);
      if (wire.type == scalar) return absl::OkStatus();
      if (field.is_repeated() && wire.type == WireType::kBytes && IsPacked(scalar, wire.bytes))
        return absl::OkStatus();
      return Wrong(field, "its bytes are not of the contract's type / 字节与契约的类型不符");
    }
  }
  if (wire.type != WireType::kBytes)
    return Wrong(field, "its bytes are not of the contract's type / 字节与契约的类型不符");
  if (field.type() == FieldDescriptor::TYPE_STRING)
    return IsUtf8(wire.bytes) ? absl::OkStatus()
                              : Wrong(field, "its text is not UTF-8 / 文本不是 UTF-8");
  if (field.type() == FieldDescriptor::TYPE_BYTES) return absl::OkStatus();
  if (field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_TIMESTAMP)
    return CheckTime(field, wire.bytes);
  return depth >= kMaxDepth ? Wrong(field, "messages lie too deep in one another / 消息嵌套过深")
                            : CheckMessage(*field.message_type(), wire.bytes, depth + 1);
}

absl::Status CheckMessage(const Descriptor& type, absl::string_view bytes, int depth) {
  WireField wire;
  while (TakeField(bytes, &wire)) {
    const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(wire.field_number));
    if (field != nullptr) RETURN_IF_ERROR(CheckField(*field, wire, depth));
  }
  return bytes.empty() ? absl::OkStatus() : Torn();
}

}  // namespace

absl::Status CheckRecord(const Contract& contract, absl::string_view record) {
  WireField wire;
  while (TakeField(record, &wire)) {
    const Field* field = contract.FindFieldByNumber(wire.field_number);
    if (field != nullptr) RETURN_IF_ERROR(CheckField(*field->descriptor, wire, 0));
  }
  return record.empty() ? absl::OkStatus() : Torn();
}

}  // namespace huiliu::schema
