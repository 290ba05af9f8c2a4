// The department engineer's look at what the engine decided for each record: which were outside,
// which a rule withheld, where the evidence disagreed. docs/OPERATIONS.md.
#ifndef HUILIU_ADAPTERS_AGENT_DECISION_COMMANDS_H_
#define HUILIU_ADAPTERS_AGENT_DECISION_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "adapters/agent/config.h"

namespace huiliu::agent {

struct DecisionOptions {
  std::string source;     // empty: all of the configuration
  std::string outcome;    // returned, outside_area, withheld, quarantined or pending; empty: any
  std::string division;   // of this six-digit division only; empty: any
  bool conflict = false;  // only those whose evidence disagreed
  bool keys = false;      // row ids as they are, keys too: to the operator's terminal only
  size_t limit = 1000;    // rows printed; what is left out is said. 0: all
  bool json = false;
  bool english = false;
};

// The last decision of each record, in the order of row ids; reads beside a running worker.
// Citizen numbers in row ids are hidden unless `keys`.
absl::Status ListDecisions(const Config& config, const DecisionOptions& options);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_DECISION_COMMANDS_H_
