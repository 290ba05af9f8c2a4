#include "core/cel/message_types.h"

#include <google/protobuf/descriptor.h>

#include "core/cel/field_access.h"

namespace huiliu::cel {
namespace {

namespace pb = google::protobuf;

Type TypeOfElement(const pb::FieldDescriptor& field) {
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE)
    return TypeOfMessage(*field.message_type());
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM &&
      field.enum_type()->full_name() == "google.protobuf.NullValue")
    return Simple(TypeKind::kNull);
  FieldAccess access = FieldAccess::Of(field);
  access.repeated = false;
  return access.type();
}

}  // namespace

Type TypeOfMessage(const pb::Descriptor& type) {
  switch (type.well_known_type()) {
    case pb::Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case pb::Descriptor::WELLKNOWNTYPE_FLOATVALUE:
      return WrapperOf(TypeKind::kDouble);
    case pb::Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_INT32VALUE:
      return WrapperOf(TypeKind::kInt);
    case pb::Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_UINT32VALUE:
      return WrapperOf(TypeKind::kUint);
    case pb::Descriptor::WELLKNOWNTYPE_STRINGVALUE:
      return WrapperOf(TypeKind::kString);
    case pb::Descriptor::WELLKNOWNTYPE_BYTESVALUE:
      return WrapperOf(TypeKind::kBytes);
    case pb::Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return WrapperOf(TypeKind::kBool);
    case pb::Descriptor::WELLKNOWNTYPE_ANY:
    case pb::Descriptor::WELLKNOWNTYPE_VALUE:
      return Simple(TypeKind::kDyn);
    case pb::Descriptor::WELLKNOWNTYPE_DURATION:
      return Simple(TypeKind::kDuration);
    case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return Simple(TypeKind::kTimestamp);
    case pb::Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return ListOf(Simple(TypeKind::kDyn));
    case pb::Descriptor::WELLKNOWNTYPE_STRUCT:
      return MapOf(Simple(TypeKind::kString), Simple(TypeKind::kDyn));
    default:
      return Type{TypeKind::kMessage, {}, type.full_name()};
  }
}

Type TypeOfField(const pb::FieldDescriptor& field) {
  if (field.is_map())
    return MapOf(TypeOfElement(*field.message_type()->map_key()),
                 TypeOfElement(*field.message_type()->map_value()));
  return field.is_repeated() ? ListOf(TypeOfElement(field)) : TypeOfElement(field);
}

bool FindInPool(const pb::DescriptorPool& pool, const std::string& name, Declaration* declaration) {
  const size_t dot = name.rfind('.');
  const pb::EnumDescriptor* numbers =
      dot == std::string::npos ? nullptr : pool.FindEnumTypeByName(name.substr(0, dot));
  const pb::EnumValueDescriptor* constant =
      numbers == nullptr ? nullptr : numbers->FindValueByName(name.substr(dot + 1));
  if (constant != nullptr) {
    declaration->reference = {Reference::Kind::kNumber, 0, constant->number(), {}};
    declaration->type = Simple(TypeKind::kInt);
    return true;
  }
  if (pool.FindMessageTypeByName(name) == nullptr) return false;
  declaration->reference = {Reference::Kind::kTypeName, 0, 0, name};
  declaration->type = Simple(TypeKind::kType);
  return true;
}

}  // namespace huiliu::cel
