// What the node's return engine remembers, changed in the same commit as its output: a compacted
// topic beside each source topic is the truth, a local store answers. docs/formats/decision.md.
#ifndef HUILIU_BROKER_PIPELINE_NODE_DECISIONS_H_
#define HUILIU_BROKER_PIPELINE_NODE_DECISIONS_H_

#include <functional>
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
  // Kept row (quarantine.md) that stands for the newest version: what a redrive or a re-read
  // decides again. Empty: none.
  std::string kept;
  rules::PriorDecision prior;
};
std::string EncodeNodeDecision(const NodeDecision& decision);
absl::Status DecodeNodeDecision(absl::string_view bytes, NodeDecision* decision);

// 0x00, the dataset, 0x00, the record's key (system, 0x00, business key): what every source of the
// system tells of the record is decided under it.
std::string DecisionKey(absl::string_view dataset, absl::string_view record_key);

// The decisions of one transaction: what is changed answers at once. One thread.
class DecisionChanges {
 public:
  // Sources of a system and dataset, whose former decisions (former_decisions.h) are looked for
  // where there is none of now.
  using SourcesOf =
      std::function<std::vector<std::string>(absl::string_view dataset, absl::string_view system)>;
  // `former`: null where the store has none of those.
  explicit DecisionChanges(DecisionStore& store, SourcesOf former = nullptr)
      : store_(store), former_(std::move(former)) {}

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
    std::vector<std::string> former;  // keys that it was made of
  };
  absl::Status LoadFormer(const std::string& key, Entry* entry);
  void Change(const std::string& key, const TopicPartition& to);

  DecisionStore& store_;
  const SourcesOf former_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::map<std::string, TopicPartition> changed_;
};

// What the position of an engine says: how many transactions were committed, by which node the
// last of them (empty: by the only one), and whether what is remembered has former decisions in it.
struct EngineMark {
  uint64_t sequence = 0;
  std::string node;
  bool former = false;
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
// decisions topics, and `former` says then whether former decisions are among it. `set_aside`:
// where messages of others in them are counted; may be null.
absl::Status RecoverDecisions(Backbone& backbone, absl::Span<const TopicPartition> partitions,
                              uint64_t sequence, Staged staged, SetAside* set_aside,
                              DecisionStore* store, bool* former);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_NODE_DECISIONS_H_
