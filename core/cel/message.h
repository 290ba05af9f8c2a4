// Messages as values: a type and wire bytes, read in place. The well-known types are the plain
// values that the specification makes of them (a wrapper is its content or null, a Struct a map, an
// Any what it holds).
#ifndef HUILIU_CORE_CEL_MESSAGE_H_
#define HUILIU_CORE_CEL_MESSAGE_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/functions.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace huiliu::cel {

inline constexpr int kMaxMessageDepth = 100;  // messages inside one another, as they are read

// The bytes and the type must outlive the value.
struct MessageData {
  const google::protobuf::Descriptor* type = nullptr;
  absl::string_view bytes;
  int depth = 0;
};

// The value of wire bytes of a type. `depth`: how far inside another message they stand.
Value FromWire(Frame& frame, const google::protobuf::Descriptor& type, absl::string_view bytes,
               int depth);

// By name, an extension by its full name; null where there is none.
const google::protobuf::FieldDescriptor* FindMessageField(const google::protobuf::Descriptor& type,
                                                          absl::string_view name);

// An absent field is its default, an absent message the empty one, an absent wrapper null.
// An error value where the bytes are torn or too deep.
Value ReadField(Frame& frame, const MessageData& message,
                const google::protobuf::FieldDescriptor& field);
// has(): as proto2 and proto3 say for the field; a repeated one: not empty.
Value HasField(Frame& frame, const MessageData& message,
               const google::protobuf::FieldDescriptor& field);

// Same type and same fields; unset where the bytes cannot be read. core/cel/message_equal.cc
std::optional<bool> SameMessages(const MessageData& a, const MessageData& b);

// A message of these fields; an error value where a value does not fit its field.
// core/cel/message_writer.cc
Value BuildMessage(Frame& frame, const google::protobuf::Descriptor& type,
                   absl::Span<const google::protobuf::FieldDescriptor* const> fields,
                   absl::Span<const Value> values);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_MESSAGE_H_
