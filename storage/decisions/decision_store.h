// What the return engine remembers per (system, dataset, key): one store a source in the agent, one
// for all sources of a lane at the node.
#ifndef HUILIU_STORAGE_DECISIONS_DECISION_STORE_H_
#define HUILIU_STORAGE_DECISIONS_DECISION_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace huiliu {

struct DecisionUpdate {
  std::string key;
  std::string value;  // rules::EncodeDecision; empty: forget
};

// Decisions change in the same commit as their output, across two machines: the changes of batch n
// are staged durably *before* the batch is sent, and become the truth when the node has
// acknowledged n. After a crash the node's stored sequence says which staged batches were taken
// over. Legal calls: Recover (GetMany | Stage | Commit)*. Stage(n) before Commit(n); sequences grow
// by one. One thread at a time.
class DecisionStore {
 public:
  virtual ~DecisionStore() = default;
  // After opening: `node_sequence` is the last sequence that the node has taken over. Staged
  // batches up to it are applied, later ones dropped. FAILED_PRECONDITION where the store is behind
  // the node beyond what was staged: it must be rebuilt.
  virtual absl::Status Recover(uint64_t node_sequence) = 0;
  // Answers include staged changes, newest first. nullopt: nothing is remembered.
  virtual absl::StatusOr<std::vector<std::optional<std::string>>> GetMany(
      absl::Span<const absl::string_view> keys) = 0;
  virtual absl::Status Stage(uint64_t sequence, std::vector<DecisionUpdate> updates) = 0;
  virtual absl::Status Commit(uint64_t sequence) = 0;
  virtual uint64_t committed_sequence() const = 0;
  // Calls f(key, value) for all that is committed, in no order; a failure of f ends the walk and is
  // returned.
  virtual absl::Status ForEach(
      const std::function<absl::Status(absl::string_view key, absl::string_view value)>& f) = 0;
  // Forgets everything, takes what `next` gives until it gives an empty batch, and stands committed
  // at `sequence`. Allowed before Recover, which it replaces. After a crash in the middle Recover
  // says FAILED_PRECONDITION until a rebuild has ended.
  virtual absl::Status Rebuild(
      uint64_t sequence,
      const std::function<absl::StatusOr<std::vector<DecisionUpdate>>()>& next) = 0;
};

// In memory, for tests and for what need not survive: Recover(n) accepts only the sequence it
// stands at.
std::unique_ptr<DecisionStore> NewMemoryDecisionStore();

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_DECISION_STORE_H_
