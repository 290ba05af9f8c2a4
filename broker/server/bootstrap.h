// What a node knows before anybody can tell it.
#ifndef HUILIU_BROKER_SERVER_BOOTSTRAP_H_
#define HUILIU_BROKER_SERVER_BOOTSTRAP_H_

#include <string>

#include "absl/status/status.h"
#include "broker/governance/state.h"
#include "broker/pipeline/governance_commands.h"

namespace huiliu::server {

// Registers what stands in the file, where nothing is registered yet. `path`: empty: none.
absl::Status ApplyBootstrap(const std::string& path, const governance::State& state,
                            pipeline::GovernanceCommands& commands);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_BOOTSTRAP_H_
