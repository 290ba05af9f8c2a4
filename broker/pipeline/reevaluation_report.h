// How far the re-evaluation of a version of rules has come, and what it did: from the marks that
// its parts left on the backbone.
#ifndef HUILIU_BROKER_PIPELINE_REEVALUATION_REPORT_H_
#define HUILIU_BROKER_PIPELINE_REEVALUATION_REPORT_H_

#include "absl/status/statusor.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::pipeline {

// Thread-safe: asks governance and the backbone, on any node.
class ReevaluationReport {
 public:
  // `partitions`: of the source topics.
  ReevaluationReport(const governance::State& state, Backbone& backbone, int32_t partitions)
      : state_(state), backbone_(backbone), partitions_(partitions) {}

  // Fills version->reevaluation where it re-evaluates history and is or was in force; `version` has
  // its state. `with_parts`: each part, too.
  absl::Status AddTo(huiliu::v1::RuleSet* version, bool with_parts) const;

 private:
  // Where it is decided: partitions and the rest of the node, sources at the edge.
  std::vector<std::string> PlacesOf(const huiliu::v1::RuleSet& version) const;

  const governance::State& state_;
  Backbone& backbone_;
  const int32_t partitions_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_REEVALUATION_REPORT_H_
