// The department engineer's verbs over kept rows: list, show, redrive. docs/OPERATIONS.md.
#ifndef HUILIU_ADAPTERS_AGENT_REPAIR_COMMANDS_H_
#define HUILIU_ADAPTERS_AGENT_REPAIR_COMMANDS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "adapters/agent/config.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::agent {

struct RepairOptions {
  KeptKind kind = KeptKind::kQuarantined;
  std::string source;     // empty: all of the configuration
  std::string reason;     // only rows kept for this reason; empty: any
  std::string day;        // only rows of this day
  bool redriven = false;  // those that were decided again, too
  bool json = false;
  bool english = false;
  std::vector<std::string> ids;
  bool all = false;              // redrive: all that the filters leave
  std::vector<std::string> set;  // COLUMN=VALUE, corrections of the one id
  std::string corrections;       // file: a line a row, {"id":…,"cells":{column: text or null}}
  int wait_seconds = 60;         // for the running worker's answer
};

// Whole lists, never cut silently; nothing of a row but its place and reason.
absl::Status ListKept(const Config& config, const RepairOptions& options);
// One row with its content: to the operator's terminal only.
absl::Status ShowKept(const Config& config, const RepairOptions& options);
// Hands the rows to the source's worker, or decides them here where none runs. *still_kept: a row
// was not moved.
absl::Status RedriveKept(const Config& config, const RepairOptions& options,
                         const std::atomic<bool>& stopping, bool* still_kept);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_REPAIR_COMMANDS_H_
