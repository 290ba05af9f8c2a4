// What the node's return engine remembers, changed in the same commit as its output: a compacted
// topic beside each source topic is the truth, a local store answers. docs/formats/decision.md.
#ifndef HUILIU_BROKER_PIPELINE_NODE_DECISIONS_H_
#define HUILIU_BROKER_PIPELINE_NODE_DECISIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/backbone/backbone.h"
#include "broker/pipeline/set_aside.h"
#include "core/rules/return_engine.h"
#include "storage/decisions/decision_store.h"

namespace huiliu::pipeline {

struct NodeDecision {
  // Kept row (quarantine.md) that stands for the newest version, without its source: what a redrive
  // or a re-read decides again. Empty: none.
  std::string kept;
  rules::PriorDecision prior;
};
std::string EncodeNodeDecision(const NodeDecision& decision);
absl::Status DecodeNodeDecision(absl::string_view bytes, NodeDecision* decision);

// One source's key: its id, 0x00, the record's key (system, 0x00, business key).
std::string DecisionKey(absl::string_view source, absl::string_view record_key);

// The decisions of one transaction: what is changed answers at once. One thread.
class DecisionChanges {
 public:
  explicit DecisionChanges(DecisionStore& store) : store_(store) {}

  absl::Status Load(absl::Span<const std::string> keys);
  // nullptr: nothing is remembered. The key must have been loaded. Valid until the next change.
  const NodeDecision* Find(const std::string& key) const;
  // `to`: the partition of the decisions topic.
  void Set(const std::string& key, const TopicPartition& to, NodeDecision decision);
  void Forget(const std::string& key, const TopicPartition& to);

  bool empty() const { return changed_.empty(); }
  void AppendTo(Transaction* transaction) const;
  std::vector<DecisionUpdate> Updates() const;

 private:
  struct Entry {
    bool known = false;
    NodeDecision decision;
  };
  DecisionStore& store_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::map<std::string, TopicPartition> changed_;
};

// What the position of an engine says: how many transactions were committed, and by which node the
// last of them (empty: by the only one).
struct EngineMark {
  uint64_t sequence = 0;
  std::string node;
};
std::string Encode(const EngineMark& mark);
absl::StatusOr<EngineMark> ParseEngineMark(absl::string_view text);  // DATA_LOSS

// Where the changes of the last committed transaction were staged, if anywhere.
enum class Staged : uint8_t { kHere, kElsewhere };

// Why a record of a decisions topic is none of ours; empty: it may be ours.
std::string WhyNotDecision(const RecordView& record);

// Brings the local store to what the backbone says: staged changes that were committed are taken,
// others dropped; where it lacks some, or another node committed last (it may have judged other
// batches under the number of what is staged here), all is read again from `partitions` of the
// decisions topics. `set_aside`: where messages of others in them are counted; may be null.
absl::Status RecoverDecisions(Backbone& backbone, absl::Span<const TopicPartition> partitions,
                              uint64_t sequence, Staged staged, SetAside* set_aside,
                              DecisionStore* store);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_NODE_DECISIONS_H_
