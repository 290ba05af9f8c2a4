// Which history is to be decided again, at the node, because a version of the rules that came into
// force says so; and how far that has come. docs/formats/rules.md.
#ifndef HUILIU_BROKER_PIPELINE_REEVALUATION_H_
#define HUILIU_BROKER_PIPELINE_REEVALUATION_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/node_engines.h"
#include "broker/pipeline/topics.h"
#include "core/base/clock.h"
#include "core/rules/impact.h"
#include "huiliu/v1/control.pb.h"
#include "storage/decisions/decision_store.h"

namespace huiliu::pipeline {

// One thread. Legal calls: (LookUp Next Add* Stage (Committed | Forget))*; Add, CountRest and Stage
// only change what Stage writes into the transaction, Committed makes it hold.
//
// A version is re-evaluated in parts: each partition of source.<dataset>, from what is retained up
// to what the engine had read when the part began (what came later was decided by the version
// itself), then the rest: what receivers hold and no retained record reached. Each part's mark
// moves in the commit of what was decided.
class Reevaluation {
 public:
  Reevaluation(const governance::State& state, Backbone& backbone, Clock& clock, int32_t partitions)
      : state_(state), backbone_(backbone), clock_(clock), partitions_(partitions) {}

  // What is due in these datasets, where governance or the time has changed it since.
  absl::Status LookUp(const std::vector<std::string>& datasets);
  bool IsDue() const { return !parts_.empty(); }
  // Some of the history that is still to be decided again. Empty: nothing came just now, or the
  // partitions are through.
  absl::StatusOr<std::vector<StoredBatch>> Next();
  // The batch was decided again, with these impacts by label of the rules.
  void Add(const StoredBatch& batch, const std::map<std::string, rules::Impact>& impacts);
  // Counts what stays out of reach of the versions whose partitions are through. A walk over all
  // that is remembered.
  absl::Status CountRest(NodeEngines& engines, DecisionStore& decisions);
  // Marks that have moved; whether any has.
  bool Stage(Transaction* transaction);
  void Committed();
  // What was staged may or may not hold: all is looked up again.
  void Forget();

 private:
  struct Part {
    std::string dataset;
    std::string receiver;
    uint32_t version = 0;
    std::string label;
    std::string place;
    int32_t partition = -1;  // -1: the rest
    huiliu::v1::ReevaluationMark mark;
    bool moved = false;
    TopicPartition from() const { return {SourceTopic(dataset), Partition(partition)}; }
    bool IsRest() const { return partition < 0; }
  };
  absl::Status AddVersion(const std::string& dataset, const std::string& receiver,
                          const rules::RuleSet& rules);
  absl::Status Begin(Part* part);
  absl::Status OpenReader();
  // Ends parts whose last records retention has taken meanwhile.
  absl::Status EndWhatIsGone(absl::Span<const StoredBatch> read);
  bool PartitionsDone(const Part& rest) const;
  void End(Part* part);

  const governance::State& state_;
  Backbone& backbone_;
  Clock& clock_;
  const int32_t partitions_;
  uint64_t state_version_ = 0;
  absl::Time until_ = absl::InfinitePast();
  std::vector<std::string> datasets_;
  std::vector<Part> parts_;  // that are not done
  std::unique_ptr<BackboneReader> reader_;
};

// The place of what no retained record reached.
inline constexpr char kRestOfNode[] = "node/rest";

// Receivers of the sources of a dataset that are decided at the node.
std::set<std::string> NodeReceivers(const governance::State& state, absl::string_view dataset);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_REEVALUATION_H_
