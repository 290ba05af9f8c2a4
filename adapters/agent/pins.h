// The department's pins: which rule set, by digest, its agent runs for a source, kept in
// STATE_DIR/pins.json; and which territory overrides it accepts while it pins, in
// STATE_DIR/overrides.json. The node cannot change them.
#ifndef HUILIU_ADAPTERS_AGENT_PINS_H_
#define HUILIU_ADAPTERS_AGENT_PINS_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"

namespace huiliu::agent {

// Hexadecimal SHA-256 of the rule set's text; empty: not pinned, the one in force is run.
absl::StatusOr<std::string> PinnedDigest(const std::string& state_dir, const std::string& source);
// Empty digest: unpins.
absl::Status Pin(const std::string& state_dir, const std::string& source,
                 const std::string& digest);

// Hexadecimal digests (rules::DigestOfOverride). They count while a rule set is pinned.
absl::StatusOr<std::set<std::string>> AcceptedOverrides(const std::string& state_dir,
                                                        const std::string& source);
absl::Status SetAcceptedOverrides(const std::string& state_dir, const std::string& source,
                                  const std::set<std::string>& digests);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_PINS_H_
