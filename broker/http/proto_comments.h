// The comments of the .proto files, which the compiled descriptors do not carry.
#ifndef HUILIU_BROKER_HTTP_PROTO_COMMENTS_H_
#define HUILIU_BROKER_HTTP_PROTO_COMMENTS_H_

#include <google/protobuf/descriptor.h>

#include <string>

namespace huiliu::http {

// From the descriptor set that the build made with its source info, embedded. Thread-safe.
class ProtoComments {
 public:
  ProtoComments();
  // Full names, e.g. huiliu.v1.Catalog.Get. One line; empty where there is no comment or no such
  // thing.
  std::string OfMethod(const std::string& name) const;
  std::string OfMessage(const std::string& name) const;
  std::string OfField(const std::string& name) const;
  std::string OfEnumValue(const std::string& name) const;

 private:
  google::protobuf::DescriptorPool pool_;
};

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_PROTO_COMMENTS_H_
