// What the providing department does with rules before it runs them, and after: tries a draft on
// its own records, explains one of them. docs/OPERATIONS.md.
#ifndef HUILIU_ADAPTERS_AGENT_RULE_TRIALS_H_
#define HUILIU_ADAPTERS_AGENT_RULE_TRIALS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "adapters/agent/config.h"

namespace huiliu::agent {

struct TrialOptions {
  std::string source;
  std::string draft;     // a rule file; or …
  uint32_t version = 0;  // … a version as registered; explain: 0: what this agent runs
  bool json = false;
  bool english = false;
  bool personal = false;  // show personal fields and row ids as they are
  // dry run
  std::string from, to;  // by the source's time: a day or RFC 3339
  int samples = 5;
  uint64_t seed = 0;
  bool publish = true;  // tell the node what it came to, where the version waits for approval
  // explain
  std::vector<std::string> key;  // values of the key fields
  std::string kept;              // or a row kept for repair, by its id
  bool newest = false;           // read to the end: of several versions the newest
};

// Reads the source again from its beginning and prints the report.
absl::Status TryRules(const Config& config, const TrialOptions& options,
                      const std::atomic<bool>& stopping);
// Why one record is decided as it is.
absl::Status ExplainRow(const Config& config, const TrialOptions& options,
                        const std::atomic<bool>& stopping);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_RULE_TRIALS_H_
