#include "cli/profile.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <map>

#include "absl/strings/str_cat.h"
#include "cli/audit_keys.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::cli {
namespace {

absl::Status At(const std::string& path, const YAML::Mark& mark, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ":", mark.line + 1, ":", mark.column + 1, ": ", what));
}

std::string Beside(const std::string& path, const std::string& file) {
  if (file.empty() || file[0] == '/') return file;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? file : path.substr(0, slash + 1) + file;
}

struct Key {
  std::string* value;
  bool is_path = false;
};

absl::Status ReadKeys(const std::string& path, const YAML::Node& node,
                      const std::map<std::string, Key>& keys) {
  if (!node.IsMap()) return At(path, node.Mark(), "a mapping of keys is wanted here");
  for (const auto& entry : node) {
    const std::string name = entry.first.as<std::string>("");
    const auto found = keys.find(name);
    if (found == keys.end())
      return At(path, entry.first.Mark(), absl::StrCat("unknown key \"", name, "\""));
    if (found->second.value == nullptr) continue;
    if (!entry.second.IsScalar())
      return At(path, entry.second.Mark(), absl::StrCat(name, " is one text"));
    const std::string value = entry.second.as<std::string>();
    *found->second.value = found->second.is_path ? Beside(path, value) : value;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Profile> LoadProfile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Profile profile;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return profile;
    RETURN_IF_ERROR(ReadKeys(path, root,
                             {{"node", {nullptr}},
                              {"token_file", {&profile.token_file, true}},
                              {"language", {&profile.language}},
                              {"receiver", {&profile.receiver}},
                              {"purpose", {&profile.purpose}},
                              {"audit_key", {&profile.audit_key}}}));
    if (!profile.audit_key.empty()) {
      const YAML::Mark mark = root["audit_key"].Mark();
      RETURN_IF_ERROR(PublicKeyFromHex(absl::StrCat(path, ":", mark.line + 1, ":", mark.column + 1,
                                                    ": audit_key"),
                                       profile.audit_key)
                          .status());
    }
    if (root["node"]) {
      RETURN_IF_ERROR(ReadKeys(path, root["node"],
                               {{"address", {&profile.address}},
                                {"ca", {&profile.ca, true}},
                                {"certificate", {&profile.certificate, true}},
                                {"key", {&profile.key, true}},
                                {"server_name", {&profile.server_name}}}));
    }
  } catch (const YAML::Exception& error) {
    return At(path, error.mark, error.msg);
  }
  if (!profile.language.empty() && profile.language != "zh" && profile.language != "en")
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": 语言为 zh 或 en / language is zh or en, not \"", profile.language, "\""));
  return profile;
}

std::string DefaultProfilePath() {
  if (const char* named = std::getenv("HUILIU_CONFIG"); named != nullptr && *named != '\0')
    return named;
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : absl::StrCat(home, "/.config/huiliu/cli.yaml");
}

}  // namespace huiliu::cli
