// The department's pins: which rule set, by digest, its agent runs for a source. Kept in
// STATE_DIR/pins.json; the node cannot change them.
#ifndef HUILIU_ADAPTERS_AGENT_PINS_H_
#define HUILIU_ADAPTERS_AGENT_PINS_H_

#include <string>

#include "absl/status/statusor.h"

namespace huiliu::agent {

// Hexadecimal SHA-256 of the rule set's text; empty: not pinned, the one in force is run.
absl::StatusOr<std::string> PinnedDigest(const std::string& state_dir, const std::string& source);
// Empty digest: unpins.
absl::Status Pin(const std::string& state_dir, const std::string& source,
                 const std::string& digest);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_PINS_H_
