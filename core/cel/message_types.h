// The static types of messages and their fields, and the names that a descriptor pool gives.
#ifndef HUILIU_CORE_CEL_MESSAGE_TYPES_H_
#define HUILIU_CORE_CEL_MESSAGE_TYPES_H_

#include <string>

#include "core/cel/checker.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace huiliu::cel {

// Well-known types are what CEL makes of them; others are messages of that name.
Type TypeOfMessage(const google::protobuf::Descriptor& type);
Type TypeOfField(const google::protobuf::FieldDescriptor& field);

// An enum's constant or a message type as a value, by full name.
bool FindInPool(const google::protobuf::DescriptorPool& pool, const std::string& name,
                Declaration* declaration);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_MESSAGE_TYPES_H_
