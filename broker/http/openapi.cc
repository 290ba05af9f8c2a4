#include "broker/http/openapi.h"

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "broker/http/proto_comments.h"

namespace huiliu::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

// A reference cannot carry a description of its own in every reader: allOf can.
json Described(json schema, const std::string& comment) {
  if (comment.empty()) return schema;
  if (schema.contains("$ref")) schema = {{"allOf", json::array({schema})}};
  const std::string own = schema.value("description", "");  // an enum's meanings
  schema["description"] = own.empty() ? comment : absl::StrCat(comment, ". ", own);
  return schema;
}

// Collects the schemas of messages as they are named.
class Schemas {
 public:
  explicit Schemas(const ProtoComments& comments) : comments_(comments) {}

  json Reference(const Descriptor& message) {
    const std::string name = message.full_name();
    if (name == "google.protobuf.Timestamp") return {{"type", "string"}, {"format", "date-time"}};
    if (name == "google.protobuf.Struct") return {{"type", "object"}};
    if (seen_.insert(name).second) {
      json properties = json::object();
      for (int i = 0; i < message.field_count(); ++i)
        properties[message.field(i)->name()] =
            Described(Field(*message.field(i)), comments_.OfField(message.field(i)->full_name()));
      all_[name] =
          Described({{"type", "object"}, {"properties", properties}}, comments_.OfMessage(name));
    }
    return {{"$ref", absl::StrCat("#/components/schemas/", name)}};
  }
  const json& all() const { return all_; }

 private:
  json Field(const FieldDescriptor& field) {
    if (field.is_map()) {
      return {{"type", "object"},
              {"additionalProperties", Single(*field.message_type()->FindFieldByName("value"))}};
    }
    if (field.is_repeated()) return {{"type", "array"}, {"items", Single(field)}};
    return Single(field);
  }

  json Single(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Reference(*field.message_type());
      case FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case FieldDescriptor::CPPTYPE_ENUM: {
        json names = json::array();
        std::string meanings;
        for (int i = 0; i < field.enum_type()->value_count(); ++i) {
          const auto& value = *field.enum_type()->value(i);
          names.push_back(value.name());
          const std::string comment = comments_.OfEnumValue(value.full_name());
          if (!comment.empty())
            absl::StrAppend(&meanings, meanings.empty() ? "" : "; ", value.name(), ": ", comment);
        }
        return Described({{"type", "string"}, {"enum", names}}, meanings);
      }
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_UINT32:
        return {{"type", "integer"}};
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_UINT64:
        return {{"type", "string"}, {"format", "int64"}};
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return {{"type", "number"}};
      default:
        if (field.type() == FieldDescriptor::TYPE_BYTES)
          return {{"type", "string"}, {"format", "byte"}};
        return {{"type", "string"}};
    }
  }

  const ProtoComments& comments_;
  json all_ = json::object();
  std::set<std::string> seen_;
};

}  // namespace

std::string OpenApi(const service::MethodTable& methods) {
  const ProtoComments comments;
  Schemas schemas(comments);
  json paths = json::object();
  for (const auto& [path, method] : methods.methods()) {
    const char* type = method.unary != nullptr ? "application/json" : "application/connect+json";
    const std::string service = path.substr(0, path.find('/'));
    paths["/" + path]["post"] = {
        {"operationId", path},
        {"tags", json::array({service})},
        {"description", comments.OfMethod(absl::StrReplaceAll(path, {{"/", "."}}))},
        {"requestBody",
         {{"required", true},
          {"content",
           {{type, {{"schema", schemas.Reference(*method.request->GetDescriptor())}}}}}}},
        {"responses",
         {{"200",
           {{"description", "OK"},
            {"content",
             {{type, {{"schema", schemas.Reference(*method.response->GetDescriptor())}}}}}}},
          {"default",
           {{"description", "Connect error"},
            {"content",
             {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}}}}}};
  }
  json components = schemas.all();
  components["Error"] = {
      {"type", "object"},
      {"properties", {{"code", {{"type", "string"}}}, {"message", {{"type", "string"}}}}}};
  const json document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Huiliu 回流"},
        {"version", "v1"},
        {"description", "Connect protocol, JSON over HTTP"}}},
      {"paths", paths},
      {"components",
       {{"schemas", components},
        {"securitySchemes",
         {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
          {"mtls", {{"type", "mutualTLS"}}}}}}},
      {"security", json::array({{{"bearer", json::array()}}, {{"mtls", json::array()}}})}};
  return document.dump(1, ' ', false, json::error_handler_t::replace);
}

}  // namespace huiliu::http
