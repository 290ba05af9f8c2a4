// What the providing department does with the rules that its agent runs: list, read, pin.
#ifndef HUILIU_ADAPTERS_AGENT_RULE_VERBS_H_
#define HUILIU_ADAPTERS_AGENT_RULE_VERBS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/agent/config.h"
#include "adapters/agent/node_client.h"

namespace huiliu::agent {

// Every version, what state it is in, which one is pinned.
absl::Status ListRules(const Config& config, const std::string& source);
// The text of a version; 0: of what the agent runs now.
absl::Status ShowRules(const Config& config, const std::string& source, uint32_t version);
// `digest`: of a version that is or was in force, or its first eight characters at least; empty:
// unpins. INVALID_ARGUMENT or NOT_FOUND, and nothing is pinned, where it is none.
absl::Status PinRules(const Config& config, const std::string& source, const std::string& digest);

// The one version that `digest` means.
absl::StatusOr<huiliu::v1::RuleSet> FindPinnable(const std::vector<huiliu::v1::RuleSet>& versions,
                                                 const std::string& digest);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_RULE_VERBS_H_
