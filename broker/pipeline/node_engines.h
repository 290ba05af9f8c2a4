// The return engines of the sources that are decided at the node, one a source, built from what
// governance says now.
#ifndef HUILIU_BROKER_PIPELINE_NODE_ENGINES_H_
#define HUILIU_BROKER_PIPELINE_NODE_ENGINES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "broker/governance/state.h"
#include "broker/pipeline/prepared_rules.h"
#include "core/base/clock.h"
#include "core/rules/former_rules.h"
#include "core/rules/return_engine.h"

namespace huiliu::pipeline {

struct NodeEngine {
  huiliu::v1::Source source;
  std::shared_ptr<const schema::Contract> contract;
  std::vector<std::string> rule_sets;    // digests, hexadecimal, in receivers() order
  std::vector<std::string> rule_labels;  // "dataset/receiver@version", empty: no rules; likewise
  std::unique_ptr<rules::ReturnEngine> engine;
  // What receivers whose rules re-evaluate history were sent before these took over.
  std::unique_ptr<rules::FormerRules> former;
  absl::flat_hash_set<std::string> overrides;  // ids of the territory overrides that it holds
};

// One thread at a time.
class NodeEngines {
 public:
  using PseudonymKey = PreparedRules::PseudonymKey;
  NodeEngines(const governance::State& state, PreparedRules& rules, Clock& clock)
      : state_(state), rules_(rules), clock_(clock) {}

  // Valid until the next call. New rules, receivers, contract versions and territory overrides hold
  // from this call on.
  // DATA_LOSS where the source is none that is decided at the node.
  absl::StatusOr<NodeEngine*> Find(const std::string& source);
  // A prior decision with its outcomes in the order of the engine's receivers: another source of
  // the system and dataset, which may have others, may have told it. Valid until the next call.
  const rules::PriorDecision& AsSeenBy(const NodeEngine& engine, const rules::PriorDecision& prior);
  // Ids of the sources that are, or were, decided at the node.
  std::vector<std::string> SourcesOf(absl::string_view dataset, absl::string_view system) const;

 private:
  struct Built {
    uint64_t state_version = 0;                     // governance was looked at
    absl::Time rules_until = absl::InfinitePast();  // rules approved for later take over
    std::string made_of;                            // versions of all that the engine is made of
    NodeEngine engine;
  };
  absl::Status Build(Built* built, absl::Time now);
  // The engines that decided before: the versions that re-evaluate taken back, together and one by
  // one.
  std::unique_ptr<rules::FormerRules> FormerOf(
      const std::vector<rules::Receiver>& receivers,
      const std::shared_ptr<const schema::Contract>& contract,
      const std::vector<governance::State::ActiveRules>& active);
  void TakeOverrides(bool fresh, NodeEngine* engine) const;

  const governance::State& state_;
  PreparedRules& rules_;
  Clock& clock_;
  std::map<std::string, Built> built_;
  rules::PriorDecision seen_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_NODE_ENGINES_H_
