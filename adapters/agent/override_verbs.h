// What the providing department does with territory overrides (认领决定): lists them, and where it
// has pinned its rules, accepts them.
#ifndef HUILIU_ADAPTERS_AGENT_OVERRIDE_VERBS_H_
#define HUILIU_ADAPTERS_AGENT_OVERRIDE_VERBS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/agent/config.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::agent {

// Those of `in_force` that run here for a source: all where the department has pinned no rules,
// else those that it has accepted.
absl::StatusOr<std::vector<huiliu::v1::TerritoryOverride>> OverridesThatRun(
    const std::string& state_dir, const std::string& source,
    std::vector<huiliu::v1::TerritoryOverride> in_force);

// Those in force at the node, and which of them run here.
absl::Status ListOverrides(const Config& config, const std::string& source, bool json);
// `ids` of overrides in force; empty: all of them. NOT_FOUND, and nothing is accepted, where one is
// none.
absl::Status AcceptOverrides(const Config& config, const std::string& source,
                             const std::vector<std::string>& ids);
// Takes acceptance back.
absl::Status RefuseOverrides(const Config& config, const std::string& source,
                             const std::vector<std::string>& ids);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_OVERRIDE_VERBS_H_
