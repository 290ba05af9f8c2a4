// Identifier vectors: FILE.json with groups GB32100 {valid, invalid}, GB11643 {valid18, invalid18,
// valid15, …}, GB11714, regno15. An invalid case is a code, or [code, why].
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/codes/codes.h"
#include "tests/conformance/runner/suite.h"

namespace huiliu::conformance {

absl::StatusOr<Tally> RunIds(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  const nlohmann::json groups = nlohmann::json::parse(content, nullptr, false);
  if (!groups.is_object()) return absl::InvalidArgumentError(path + ": no JSON object of groups");
  const std::map<std::string, std::function<codes::Flaw(absl::string_view)>> checks = {
      {"GB32100", codes::CheckUscc},
      {"GB11643", codes::CheckCitizenId},
      {"GB11714", codes::CheckOrganisationCode},
      {"regno15", codes::CheckRegistrationNumber},
      {"certificate", codes::CheckCertificateId},
      {"service_item", codes::CheckServiceItemCode}};
  Tally tally;
  for (const auto& [group, lists] : groups.items()) {
    if (!lists.is_object()) continue;
    const auto check = checks.find(group);
    for (const auto& [name, list] : lists.items()) {
      const bool valid = absl::StartsWith(name, "valid");
      if (!list.is_array() || (!valid && !absl::StartsWith(name, "invalid"))) continue;
      for (const nlohmann::json& item : list) {
        const nlohmann::json& code = item.is_array() && !item.empty() ? item[0] : item;
        if (!code.is_string())
          return absl::InvalidArgumentError(path + ": " + group + "." + name +
                                            ": a code is a string");
        if (check == checks.end()) {
          ++tally.refused;
          continue;
        }
        const std::string text = code.get<std::string>();
        const codes::Flaw flaw = check->second(text);
        tally.Judge((flaw == codes::Flaw::kNone) == valid, group + " " + text,
                    std::string(codes::FlawName(flaw)));
      }
    }
  }
  return tally;
}

}  // namespace huiliu::conformance
