// Equality of messages: field by field as values, so NaN is unequal to itself and the order on the
// wire does not matter.
#include <google/protobuf/descriptor.h>

#include <vector>

#include "core/cel/message.h"
#include "core/schema/wire_reader.h"

namespace huiliu::cel {
namespace {

namespace pb = google::protobuf;

const pb::FieldDescriptor* FieldOf(const pb::Descriptor& type, uint32_t number) {
  const auto n = static_cast<int>(number);
  if (const pb::FieldDescriptor* field = type.FindFieldByNumber(n)) return field;
  return type.file()->pool()->FindExtensionByNumber(&type, n);
}

// The known fields written in the bytes, each once. False where they are torn.
bool AddWritten(const MessageData& message, std::vector<const pb::FieldDescriptor*>* fields) {
  absl::string_view rest = message.bytes;
  schema::WireField at;
  uint32_t last = 0;
  while (schema::TakeField(rest, &at)) {
    if (at.field_number == last) continue;
    last = at.field_number;
    const pb::FieldDescriptor* field = FieldOf(*message.type, last);
    if (field == nullptr) continue;
    bool known = false;
    for (const pb::FieldDescriptor* other : *fields) known |= other == field;
    if (!known) fields->push_back(field);
  }
  return rest.empty();
}

bool IsAny(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE && !field.is_repeated() &&
         field.message_type()->well_known_type() == pb::Descriptor::WELLKNOWNTYPE_ANY;
}

// An Any's own bytes, where what it holds is not known.
absl::string_view RawBytes(const MessageData& message, const pb::FieldDescriptor& field) {
  absl::string_view rest = message.bytes, bytes;
  schema::WireField at;
  while (schema::TakeField(rest, &at)) {
    if (at.field_number == static_cast<uint32_t>(field.number())) bytes = at.bytes;
  }
  return bytes;
}

std::optional<bool> SameField(const MessageData& a, const MessageData& b,
                              const pb::FieldDescriptor& field) {
  Frame frame;
  const Value has_a = HasField(frame, a, field), has_b = HasField(frame, b, field);
  if (has_a.is_error() || has_b.is_error()) return std::nullopt;
  if (has_a.boolean != has_b.boolean) return false;
  if (!has_a.boolean) return true;
  const Value in_a = ReadField(frame, a, field), in_b = ReadField(frame, b, field);
  if (!in_a.is_error() && !in_b.is_error()) return Same(in_a, in_b);
  if (!IsAny(field)) return std::nullopt;
  return RawBytes(a, field) == RawBytes(b, field);
}

}  // namespace

std::optional<bool> SameMessages(const MessageData& a, const MessageData& b) {
  if (a.type != b.type)
    return a.type->full_name() == b.type->full_name() ? std::nullopt : std::optional(false);
  std::vector<const pb::FieldDescriptor*> fields;
  if (!AddWritten(a, &fields) || !AddWritten(b, &fields)) return std::nullopt;
  std::optional<bool> result = true;
  for (const pb::FieldDescriptor* field : fields) {
    const std::optional<bool> same = SameField(a, b, *field);
    if (same == false) return false;
    if (!same.has_value()) result = std::nullopt;
  }
  return result;
}

}  // namespace huiliu::cel
