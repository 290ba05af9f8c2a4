#include "adapters/agent/pins.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

absl::StatusOr<nlohmann::json> Load(const std::string& path) {
  auto text = ReadFile(path);
  if (text.status().code() == absl::StatusCode::kNotFound) return nlohmann::json::object();
  if (!text.ok()) return text.status();
  auto json = nlohmann::json::parse(*text, nullptr, false);
  // A pin that cannot be read must not be taken for none.
  const bool readable =
      json.is_object() &&
      std::all_of(json.begin(), json.end(), [](const auto& v) { return v.is_string(); });
  if (!readable)
    return absl::DataLossError(
        absl::StrCat(path, ": the pins cannot be read; restore or pin again"));
  return json;
}

}  // namespace

absl::StatusOr<std::string> PinnedDigest(const std::string& state_dir, const std::string& source) {
  ASSIGN_OR_RETURN(const nlohmann::json pins, Load(state_dir + "/pins.json"));
  return pins.value(source, std::string());
}

absl::Status Pin(const std::string& state_dir, const std::string& source,
                 const std::string& digest) {
  const std::string path = state_dir + "/pins.json";
  RETURN_IF_ERROR(MakeDirectories(state_dir));
  ASSIGN_OR_RETURN(nlohmann::json pins, Load(path));
  if (digest.empty()) {
    pins.erase(source);
  } else {
    pins[source] = digest;
  }
  return WriteFileDurably(path, pins.dump(1));
}

}  // namespace huiliu::agent
