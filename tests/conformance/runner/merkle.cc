// transparency-dev/merkle's vectors: DIR/inclusion/**.json {leafIdx, treeSize, root, leafHash,
// proof, wantErr} and DIR/consistency/**.json {size1, size2, root1, root2, proof, wantErr}; hashes
// in base64.
#include "core/merkle/merkle.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "tests/conformance/runner/suite.h"

namespace huiliu::conformance {
namespace {

// Hashes of any length: the verifiers refuse what is none.
bool ReadHash(const nlohmann::json& json, std::string* out) {
  return json.is_string() && absl::Base64Unescape(json.get<std::string>(), out);
}

bool ReadProof(const nlohmann::json& object, std::vector<std::string>* proof) {
  const auto list = object.find("proof");
  if (list == object.end() || list->is_null()) return true;
  if (!list->is_array()) return false;
  for (const nlohmann::json& item : *list) {
    if (!ReadHash(item, &proof->emplace_back())) return false;
  }
  return true;
}

bool ReadSize(const nlohmann::json& object, const char* name, uint64_t* out) {
  const auto value = object.find(name);
  if (value == object.end()) return true;
  if (!value->is_number_unsigned()) return false;
  *out = value->get<uint64_t>();
  return true;
}

bool Hash(const nlohmann::json& object, const char* name, std::string* out) {
  const auto value = object.find(name);
  if (value == object.end() || value->is_null()) return true;
  return ReadHash(*value, out);
}

bool Includes(const nlohmann::json& o) {
  uint64_t index = 0, size = 0;
  std::string root, leaf;
  std::vector<std::string> proof;
  return ReadSize(o, "leafIdx", &index) && ReadSize(o, "treeSize", &size) &&
         Hash(o, "root", &root) && Hash(o, "leafHash", &leaf) && ReadProof(o, &proof) &&
         merkle::VerifyInclusion(index, size, leaf, absl::MakeConstSpan(proof), root).ok();
}

bool Continues(const nlohmann::json& o) {
  uint64_t from = 0, to = 0;
  std::string from_root, to_root;
  std::vector<std::string> proof;
  return ReadSize(o, "size1", &from) && ReadSize(o, "size2", &to) && Hash(o, "root1", &from_root) &&
         Hash(o, "root2", &to_root) && ReadProof(o, &proof) &&
         merkle::VerifyConsistency(from, to, absl::MakeConstSpan(proof), from_root, to_root).ok();
}

absl::Status RunFolder(const std::string& folder, bool (*verify)(const nlohmann::json&),
                       Tally* tally) {
  if (!std::filesystem::is_directory(folder)) return absl::OkStatus();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ASSIGN_OR_RETURN(const std::string content, ReadFile(entry.path().string()));
    const nlohmann::json object = nlohmann::json::parse(content, nullptr, false);
    if (!object.is_object())
      return absl::InvalidArgumentError(entry.path().string() + ": no JSON object");
    const bool refuse = object.value("wantErr", false);
    tally->Judge(verify(object) != refuse, entry.path().string(),
                 object.value("desc", std::string()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Tally> RunMerkle(const std::string& path) {
  Tally tally;
  RETURN_IF_ERROR(RunFolder(path + "/inclusion", Includes, &tally));
  RETURN_IF_ERROR(RunFolder(path + "/consistency", Continues, &tally));
  return tally;
}

}  // namespace huiliu::conformance
