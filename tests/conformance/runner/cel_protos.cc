#include "tests/conformance/runner/cel_protos.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

namespace huiliu::conformance {
namespace {

namespace pb = google::protobuf;
namespace fs = std::filesystem;

fs::path ProtoFolder(const std::string& suite) {
  const fs::path beside = fs::path(suite).parent_path() / "proto";
  if (fs::exists(beside)) return beside;
  const char* shared = std::getenv("HUILIU_SHARED");
  return fs::path(shared == nullptr ? "../shared" : shared) / "conformance" / "cel" / "proto";
}

// The suite's files before those that are linked in.
class Pool {
 public:
  explicit Pool(const fs::path& folder)
      : files_(&tree_),
        linked_(*pb::DescriptorPool::generated_pool()),
        all_(&files_, &linked_),
        pool_(&all_) {
    tree_.MapPath("", folder.string());
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
      const std::string name = fs::relative(entry.path(), folder).generic_string();
      if (entry.path().extension() == ".proto" && name.find("test_all_types") != std::string::npos)
        pool_.FindFileByName(name);
    }
    resolver_.reset(pb::util::NewTypeResolverForDescriptorPool("type.googleapis.com", &pool_));
  }
  const pb::DescriptorPool& pool() const { return pool_; }
  pb::util::TypeResolver* resolver() const { return resolver_.get(); }

 private:
  pb::compiler::DiskSourceTree tree_;
  pb::compiler::SourceTreeDescriptorDatabase files_;
  pb::DescriptorPoolDatabase linked_;
  pb::MergedDescriptorDatabase all_;
  pb::DescriptorPool pool_;
  std::unique_ptr<pb::util::TypeResolver> resolver_;
};

std::unique_ptr<Pool>& Current() {
  static auto* const current = new std::unique_ptr<Pool>();
  return *current;
}

}  // namespace

const pb::DescriptorPool& CelProtos(const std::string& suite) {
  pb::Any::descriptor();  // links the well-known types in
  Current() = std::make_unique<Pool>(ProtoFolder(suite));
  return Current()->pool();
}

const pb::DescriptorPool& CelPool() { return Current()->pool(); }

bool WireFromJson(const nlohmann::json& object, const pb::Descriptor** type, std::string* bytes) {
  const std::string url = object.value("@type", "");
  *type = CelPool().FindMessageTypeByName(url.substr(url.rfind('/') + 1));
  if (*type == nullptr) return false;
  nlohmann::json content = object;
  content.erase("@type");
  if ((*type)->well_known_type() != pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED)
    content = object.contains("value") ? object["value"] : nlohmann::json();
  return pb::util::JsonToBinaryString(Current()->resolver(),
                                      "type.googleapis.com/" + (*type)->full_name(), content.dump(),
                                      bytes)
      .ok();
}

}  // namespace huiliu::conformance
