// The host table that plugins get: logging and the wish to stop.
#ifndef HUILIU_ADAPTERS_AGENT_HOST_H_
#define HUILIU_ADAPTERS_AGENT_HOST_H_

#include <atomic>

#include "adapters/sdk/huiliu_plugin.h"

namespace huiliu::agent {

// `stopping` outlives the table.
huiliu_host MakeHost(const std::atomic<bool>& stopping);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_HOST_H_
