// The message types of the CEL suite, read from its .proto files.
#ifndef HUILIU_TESTS_CONFORMANCE_RUNNER_CEL_PROTOS_H_
#define HUILIU_TESTS_CONFORMANCE_RUNNER_CEL_PROTOS_H_

#include <nlohmann/json.hpp>
#include <string>

namespace google::protobuf {
class Descriptor;
class DescriptorPool;
}  // namespace google::protobuf

namespace huiliu::conformance {

// From proto/ beside `suite`, else from conformance/cel/proto of the shared material. Without the
// files there are only the well-known types. For the whole run: expressions point into it.
const google::protobuf::DescriptorPool& CelProtos(const std::string& suite);

// The pool of the last CelProtos call.
const google::protobuf::DescriptorPool& CelPool();

// {"@type": …} as wire bytes. False where the type is unknown or the JSON does not fit it.
bool WireFromJson(const nlohmann::json& object, const google::protobuf::Descriptor** type,
                  std::string* bytes);

}  // namespace huiliu::conformance

#endif  // HUILIU_TESTS_CONFORMANCE_RUNNER_CEL_PROTOS_H_
