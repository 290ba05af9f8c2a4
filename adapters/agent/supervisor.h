// Runs each source and each landing in a process of its own, so that a plugin that crashes harms
// nobody else.
#ifndef HUILIU_ADAPTERS_AGENT_SUPERVISOR_H_
#define HUILIU_ADAPTERS_AGENT_SUPERVISOR_H_

#include <atomic>

#include "absl/status/status.h"
#include "adapters/agent/config.h"

namespace huiliu::agent {

// Starts the workers of `config` from the program `self`, restarts those that end (named with exit
// code or signal, with growing pauses), until `stopping`; then ends them and waits.
absl::Status Supervise(const Config& config, const std::string& self,
                       const std::atomic<bool>& stopping);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_SUPERVISOR_H_
