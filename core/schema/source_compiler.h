// Compiles a contract's proto source with libprotobuf's own compiler. Private to the module.
#ifndef HUILIU_CORE_SCHEMA_SOURCE_COMPILER_H_
#define HUILIU_CORE_SCHEMA_SOURCE_COMPILER_H_

#include <string>

#include "absl/status/statusor.h"

namespace google::protobuf {
class DescriptorPool;
class FileDescriptor;
}  // namespace google::protobuf

namespace huiliu::schema {

// Builds `text` and the few files that a contract may import into an empty `pool`, which owns the
// result. proto3 without services, at most 1 MiB and 50 levels deep. INVALID_ARGUMENT names file,
// line and column.
absl::StatusOr<const google::protobuf::FileDescriptor*> CompileSource(
    const std::string& name, const std::string& text, google::protobuf::DescriptorPool* pool);

}  // namespace huiliu::schema

#endif  // HUILIU_CORE_SCHEMA_SOURCE_COMPILER_H_
