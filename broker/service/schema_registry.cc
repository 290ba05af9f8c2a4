#include "broker/service/schema_registry.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::service {

using nlohmann::json;

// One version of one subject.
struct SchemaRegistry::Schema {
  uint32_t id = 0;
  int version = 0;
  std::string dataset;  // empty: a file that datasets import
  std::string text;
  const google::protobuf::FileDescriptor* file = nullptr;
  std::shared_ptr<const schema::Contract> contract;  // keeps `file`
};

namespace {

// What every contract imports; its subject is its import path.
constexpr char kOptionsFile[] = "huiliu/v1/dataset.proto";
// Apart from the control versions, which count from 1.
constexpr uint32_t kOptionsId = 2'000'000'001;
constexpr char kSuffix[] = "-value";

RegistryAnswer Json(const json& value) {
  return {200, value.dump(-1, ' ', false, json::error_handler_t::replace)};
}

RegistryAnswer Error(int status, int code, const std::string& message) {
  RegistryAnswer answer = Json({{"error_code", code}, {"message", message}});
  answer.status = status;
  return answer;
}

RegistryAnswer NoPage() { return Error(404, 404, "HTTP 404 Not Found"); }
RegistryAnswer NoSubject(const std::string& subject) {
  return Error(404, 40401, absl::StrCat("Subject '", subject, "' not found."));
}
RegistryAnswer NoVersion(const std::string& version) {
  return Error(404, 40402, absl::StrCat("Version ", version, " not found."));
}
RegistryAnswer NoSchema() { return Error(404, 40403, "Schema not found"); }
// Datasets are registered by commands that two people answer for, not by a producer's start.
RegistryAnswer ReadOnly() {
  return Error(422, 42205,
               "Operation not permitted: datasets are registered with huiliu dataset put "
               "(数据集请用 huiliu dataset put 登记)");
}

json ReferencesOf(const google::protobuf::FileDescriptor& file) {
  json references = json::array();
  for (int i = 0; i < file.dependency_count(); ++i) {
    const std::string& name = file.dependency(i)->name();
    // Clients bring Google's own files with them.
    if (absl::StartsWith(name, "google/protobuf/")) continue;
    references.push_back({{"name", name}, {"subject", name}, {"version", 1}});
  }
  return references;
}

std::string Serialized(const google::protobuf::FileDescriptor& file) {
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  return absl::Base64Escape(proto.SerializeAsString());
}

std::string Parameter(const RegistryRequest& request, const std::string& name) {
  const auto it = request.parameters.find(name);
  return it == request.parameters.end() ? "" : it->second;
}

}  // namespace

bool IsRegistryPath(absl::string_view first) {
  return first == "subjects" || first == "schemas" || first == "config" || first == "mode" ||
         first == "compatibility";
}

std::vector<huiliu::v1::Receiver> SchemaRegistry::Receivers(const RegistryRequest& request) const {
  std::vector<huiliu::v1::Receiver> receivers = state_.Receivers();
  if (request.receiver.has_value())
    std::erase_if(receivers,
                  [&](const auto& receiver) { return receiver.id() != *request.receiver; });
  return receivers;
}

std::vector<std::string> SchemaRegistry::AllSubjects(const RegistryRequest& request) const {
  std::vector<std::string> subjects = {kOptionsFile};
  for (const huiliu::v1::Receiver& receiver : Receivers(request)) {
    for (const huiliu::v1::Dataset& dataset : state_.Datasets()) {
      subjects.push_back(absl::StrCat(
          topic_prefix_, pipeline::ReturnedTopic(receiver.id(), dataset.id()), kSuffix));
    }
  }
  std::sort(subjects.begin(), subjects.end());
  return subjects;
}

std::vector<SchemaRegistry::Schema> SchemaRegistry::Versions(const RegistryRequest& request,
                                                             const std::string& subject) const {
  std::vector<Schema> versions;
  if (subject == kOptionsFile) {
    const auto* file =
        google::protobuf::DescriptorPool::generated_pool()->FindFileByName(kOptionsFile);
    if (file != nullptr)
      versions.push_back({kOptionsId, 1, "", file->DebugString(), file, nullptr});
    return versions;
  }
  for (const huiliu::v1::Receiver& receiver : Receivers(request)) {
    const std::string before =
        absl::StrCat(topic_prefix_, pipeline::ReturnedTopic(receiver.id(), ""));
    if (!absl::StartsWith(subject, before) || !absl::EndsWith(subject, kSuffix) ||
        subject.size() < before.size() + sizeof kSuffix - 1)
      continue;
    const std::string dataset =
        subject.substr(before.size(), subject.size() - before.size() - (sizeof kSuffix - 1));
    for (const huiliu::v1::Dataset& one : state_.DatasetVersions(dataset)) {
      auto contract = state_.FindContract(dataset, one.version());
      if (contract == nullptr) continue;
      const auto* file = contract->descriptor()->file();
      versions.push_back({static_cast<uint32_t>(one.control_version()),
                          static_cast<int>(one.version()), dataset, one.source_text(), file,
                          std::move(contract)});
    }
  }
  return versions;
}

std::vector<std::string> SchemaRegistry::SubjectsOf(const RegistryRequest& request,
                                                    const Schema& schema) const {
  if (schema.dataset.empty()) return {kOptionsFile};
  std::vector<std::string> subjects;
  for (const huiliu::v1::Receiver& receiver : Receivers(request))
    subjects.push_back(absl::StrCat(
        topic_prefix_, pipeline::ReturnedTopic(receiver.id(), schema.dataset), kSuffix));
  return subjects;
}

RegistryAnswer SchemaRegistry::Subjects(const RegistryRequest& request) const {
  const std::string prefix = Parameter(request, "subjectPrefix");
  json out = json::array();
  for (const std::string& subject : AllSubjects(request)) {
    if (absl::StartsWith(subject, prefix)) out.push_back(subject);
  }
  return Json(out);
}

RegistryAnswer SchemaRegistry::OfSubject(const RegistryRequest& request) const {
  const std::vector<std::string>& path = request.path;
  if (path.size() < 3 || path[2] != "versions") return NoPage();
  const std::vector<Schema> versions = Versions(request, path[1]);
  if (versions.empty()) return NoSubject(path[1]);
  if (path.size() == 3) {
    json out = json::array();
    for (const Schema& schema : versions) out.push_back(schema.version);
    return Json(out);
  }
  int wanted = versions.back().version;
  if (path[3] != "latest" && path[3] != "-1" && (!absl::SimpleAtoi(path[3], &wanted) || wanted < 1))
    return Error(422, 42202,
                 "The specified version is not a valid version id: 1 to 2147483647, or "
                 "latest");
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const Schema& schema) { return schema.version == wanted; });
  if (found == versions.end()) return NoVersion(path[3]);
  if (path.size() == 5 && path[4] == "schema") return {200, found->text};
  if (path.size() == 5 && path[4] == "referencedby") {
    json out = json::array();
    if (found->dataset.empty()) {
      for (const huiliu::v1::Dataset& dataset : state_.Datasets())
        out.push_back(dataset.control_version());
    }
    return Json(out);
  }
  if (path.size() != 4) return NoPage();
  return Json({{"subject", path[1]},
               {"version", found->version},
               {"id", found->id},
               {"schemaType", "PROTOBUF"},
               {"references", ReferencesOf(*found->file)},
               {"schema", Parameter(request, "format") == "serialized" ? Serialized(*found->file)
                                                                       : found->text}});
}

RegistryAnswer SchemaRegistry::OfId(const RegistryRequest& request) const {
  const std::vector<std::string>& path = request.path;
  if (path.size() == 2 && path[1] == "types") return Json(json::array({"PROTOBUF"}));
  uint32_t id = 0;
  if (path.size() < 3 || path[1] != "ids") return NoPage();
  if (!absl::SimpleAtoi(path[2], &id)) return NoSchema();
  std::vector<Schema> all = Versions(request, kOptionsFile);
  for (const std::string& subject : AllSubjects(request)) {
    if (all.back().id == id) break;
    for (Schema& schema : Versions(request, subject)) {
      all.push_back(std::move(schema));
      if (all.back().id == id) break;
    }
  }
  if (all.empty() || all.back().id != id) return NoSchema();
  const Schema& schema = all.back();
  if (path.size() == 3) {
    json out = {{"schema", Parameter(request, "format") == "serialized" ? Serialized(*schema.file)
                                                                        : schema.text},
                {"schemaType", "PROTOBUF"}};
    const json references = ReferencesOf(*schema.file);
    if (!references.empty()) out["references"] = references;
    return Json(out);
  }
  if (path.size() != 4) return NoPage();
  if (path[3] == "schema") return {200, schema.text};
  json out = json::array();
  for (const std::string& subject : SubjectsOf(request, schema)) {
    if (path[3] == "subjects") {
      out.push_back(subject);
    } else if (path[3] == "versions") {
      out.push_back({{"subject", subject}, {"version", schema.version}});
    } else {
      return NoPage();
    }
  }
  return Json(out);
}

RegistryAnswer SchemaRegistry::Compatibility(const RegistryRequest& request) const {
  const std::vector<std::string>& path = request.path;
  if (path.size() < 4 || path.size() > 5 || path[1] != "subjects" || path[3] != "versions")
    return NoPage();
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("schema") || !body["schema"].is_string())
    return Error(422, 42201,
                 "Invalid schema: the body is {\"schemaType\": \"PROTOBUF\", \"schema\": "
                 "…}");
  std::vector<Schema> versions = Versions(request, path[2]);
  if (versions.empty()) return NoSubject(path[2]);
  if (path.size() == 5 && (path[4] == "latest" || path[4] == "-1")) {
    versions.erase(versions.begin(), versions.end() - 1);
  } else if (path.size() == 5) {
    int wanted = 0;
    if (!absl::SimpleAtoi(path[4], &wanted)) return NoVersion(path[4]);
    std::erase_if(versions, [&](const Schema& schema) { return schema.version != wanted; });
    if (versions.empty()) return NoVersion(path[4]);
  }
  json messages = json::array();
  if (versions[0].contract == nullptr) {
    // The node's own file changes with the node.
    if (body["schema"].get<std::string>() != versions[0].text)
      messages.push_back(absl::StrCat(kOptionsFile, " comes with the node"));
  } else {
    const auto next = schema::Contract::Parse("schema.proto", body["schema"].get<std::string>());
    if (!next.ok())
      return Error(422, 42201, absl::StrCat("Invalid schema: ", next.status().message()));
    for (const Schema& schema : versions) {
      const absl::Status fits = schema::CheckEvolution(*schema.contract, **next);
      if (!fits.ok()) messages.push_back(std::string(fits.message()));
    }
  }
  json out = {{"is_compatible", messages.empty()}};
  if (Parameter(request, "verbose") == "true") out["messages"] = messages;
  return Json(out);
}

RegistryAnswer SchemaRegistry::Lookup(const RegistryRequest& request) const {
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("schema") || !body["schema"].is_string())
    return Error(422, 42201,
                 "Invalid schema: the body is {\"schemaType\": \"PROTOBUF\", \"schema\": "
                 "…}");
  const std::string text = body["schema"].get<std::string>();
  const std::vector<Schema> versions = Versions(request, request.path[1]);
  if (versions.empty()) return NoSubject(request.path[1]);
  for (const Schema& schema : versions) {
    if (text != schema.text && text != Serialized(*schema.file)) continue;
    return Json({{"subject", request.path[1]},
                 {"version", schema.version},
                 {"id", schema.id},
                 {"schemaType", "PROTOBUF"},
                 {"references", ReferencesOf(*schema.file)},
                 {"schema", schema.text}});
  }
  return NoSchema();
}

RegistryAnswer SchemaRegistry::Answer(const RegistryRequest& request) const {
  const std::vector<std::string>& path = request.path;
  const std::string first = path.empty() ? "" : path[0];
  if (!IsRegistryPath(first)) return NoPage();
  if (first == "compatibility" && request.method == "POST") return Compatibility(request);
  if (first == "subjects" && request.method == "POST" && path.size() == 2) return Lookup(request);
  if (request.method != "GET") return ReadOnly();
  if (first == "subjects") return path.size() == 1 ? Subjects(request) : OfSubject(request);
  if (first == "schemas") return OfId(request);
  if (path.size() > 2) return NoPage();
  if (path.size() == 2 && Versions(request, path[1]).empty()) return NoSubject(path[1]);
  // A newer contract keeps every field: readers and writers of all versions understand each other.
  if (first == "config") return Json({{"compatibilityLevel", "FULL_TRANSITIVE"}});
  if (first == "mode") return Json({{"mode", "READONLY"}});
  return NoPage();
}

}  // namespace huiliu::service
