// The bureau engineer's verbs over rows that a landing's target refused: list, show, redrive.
// docs/OPERATIONS.md.
#ifndef HUILIU_ADAPTERS_AGENT_LANDING_COMMANDS_H_
#define HUILIU_ADAPTERS_AGENT_LANDING_COMMANDS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "adapters/agent/config.h"

namespace huiliu::agent {

struct LandingOptions {
  std::string landing;  // empty: all of the configuration; of show and redrive: the only one
  bool json = false;
  bool english = false;
  std::vector<std::string> ids;
  bool all = false;  // redrive: all that are kept
  // redrive of one row: COLUMN=VALUE instead of its own, columns to leave empty.
  std::vector<std::string> set, nulls;
  int wait_seconds = 60;  // for the running worker's answer
};

// Whole lists; why and since when, nothing of a row.
absl::Status ListRefused(const Config& config, const LandingOptions& options);
// Rows with their content: to the operator's terminal only.
absl::Status ShowRefused(const Config& config, const LandingOptions& options);
// Asks the landing's worker, or lands them here where none runs. *still_kept: a row did not land.
absl::Status RedriveRefused(const Config& config, const LandingOptions& options,
                            const std::atomic<bool>& stopping, bool* still_kept);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_LANDING_COMMANDS_H_
