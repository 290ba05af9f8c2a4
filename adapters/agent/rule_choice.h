// Which rules an agent runs for a source: those that the department pinned, else those in force.
#ifndef HUILIU_ADAPTERS_AGENT_RULE_CHOICE_H_
#define HUILIU_ADAPTERS_AGENT_RULE_CHOICE_H_

#include "absl/status/statusor.h"
#include "adapters/agent/config.h"
#include "adapters/agent/node_client.h"

namespace huiliu::agent {

// FAILED_PRECONDITION where nothing is in force, or the pinned version is not there or never was.
absl::StatusOr<huiliu::v1::RuleSet> ChooseRuleSet(const Config& config,
                                                  const huiliu::v1::Source& source,
                                                  NodeClient& node);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_RULE_CHOICE_H_
