// What the return engine remembers per (source's system and dataset, key): one store a source, in the agent or at the node.
#ifndef HUILIU_STORAGE_DECISIONS_DECISION_STORE_H_
#define HUILIU_STORAGE_DECISIONS_DECISION_STORE_H_

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

// Decisions change in the same commit as their output, across two machines: the changes of batch n are staged durably *before*
// the batch is sent, and become the truth when the node has acknowledged n. After a crash the node's stored sequence says which
// staged batches were taken over.
// Legal calls: Recover (GetMany | Stage | Commit)*. Stage(n) before Commit(n); sequences grow by one. One thread at a time.
class DecisionStore {
 public:
  virtual ~DecisionStore() = default;
  // After opening: `node_sequence` is the last sequence that the node has taken over. Staged batches up to it are applied, later
  // ones dropped. FAILED_PRECONDITION where the store is behind the node beyond what was staged: it must be rebuilt.
  virtual absl::Status Recover(uint64_t node_sequence) = 0;
  // Answers include staged changes, newest first. nullopt: nothing is remembered.
  virtual absl::StatusOr<std::vector<std::optional<std::string>>> GetMany(absl::Span<const absl::string_view> keys) = 0;
  virtual absl::Status Stage(uint64_t sequence, std::vector<DecisionUpdate> updates) = 0;
  virtual absl::Status Commit(uint64_t sequence) = 0;
  virtual uint64_t committed_sequence() const = 0;
};

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_DECISION_STORE_H_
