#include "adapters/agent/pins.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

constexpr char kAccepted[] = "/overrides.json";

absl::StatusOr<nlohmann::json> Load(const std::string& path,
                                    const std::function<bool(const nlohmann::json&)>& is_good) {
  auto text = ReadFile(path);
  if (text.status().code() == absl::StatusCode::kNotFound) return nlohmann::json::object();
  if (!text.ok()) return text.status();
  auto json = nlohmann::json::parse(*text, nullptr, false);
  // A pin that cannot be read must not be taken for none.
  const bool readable = json.is_object() && std::all_of(json.begin(), json.end(), is_good);
  if (!readable)
    return absl::DataLossError(absl::StrCat(path,
                                            ": 固定的规则集无法读出，请恢复该文件或重新固定 / the "
                                            "pins cannot be read; restore or pin again"));
  return json;
}

bool IsText(const nlohmann::json& value) { return value.is_string(); }
bool IsList(const nlohmann::json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), IsText);
}

}  // namespace

absl::StatusOr<std::string> PinnedDigest(const std::string& state_dir, const std::string& source) {
  ASSIGN_OR_RETURN(const nlohmann::json pins, Load(state_dir + "/pins.json", IsText));
  return pins.value(source, std::string());
}

absl::Status Pin(const std::string& state_dir, const std::string& source,
                 const std::string& digest) {
  const std::string path = state_dir + "/pins.json";
  RETURN_IF_ERROR(MakeDirectories(state_dir));
  ASSIGN_OR_RETURN(nlohmann::json pins, Load(path, IsText));
  if (digest.empty()) {
    pins.erase(source);
  } else {
    pins[source] = digest;
  }
  return WriteFileDurably(path, pins.dump(1));
}

absl::StatusOr<std::set<std::string>> AcceptedOverrides(const std::string& state_dir,
                                                        const std::string& source) {
  ASSIGN_OR_RETURN(const nlohmann::json accepted, Load(state_dir + kAccepted, IsList));
  return accepted.value(source, std::set<std::string>());
}

absl::Status SetAcceptedOverrides(const std::string& state_dir, const std::string& source,
                                  const std::set<std::string>& digests) {
  const std::string path = state_dir + kAccepted;
  RETURN_IF_ERROR(MakeDirectories(state_dir));
  ASSIGN_OR_RETURN(nlohmann::json accepted, Load(path, IsList));
  if (digests.empty()) {
    accepted.erase(source);
  } else {
    accepted[source] = digests;
  }
  return WriteFileDurably(path, accepted.dump(1));
}

}  // namespace huiliu::agent
