// What a viewer is shown of a dry run's examples. docs/formats/rules.md, "Dry run".
#ifndef HUILIU_BROKER_PIPELINE_DRY_RUN_SAMPLES_H_
#define HUILIU_BROKER_PIPELINE_DRY_RUN_SAMPLES_H_

#include "broker/access/access_plan.h"
#include "core/rules/dry_run.h"
#include "core/territory/territory.h"
#include "huiliu/v1/registry.pb.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::pipeline {

struct SampleViewer {
  const access::AccessPlan* plan = nullptr;  // of his grant; nullptr: he sees no values
  // Whether he sees what the draft would return. Only the author of a proposed version does not:
  // nobody reads through rules of his own before another person has approved them.
  bool sees_draft = false;
};

// Adds the values that the viewer may see: the fields of what the receiver has by the rules in
// force, and of what the draft would give where he sees that, as his grant masks them. A value that
// cannot be masked, or a row that the grant's filter hides, is not shown.
void AddValues(const rules::DryRunExample& example, const schema::Contract& contract,
               const SampleViewer& viewer, huiliu::v1::DryRunSample* sample);

// Of an officer who is bound to a receiver: all divisions outside its area become one part without
// a name, and samples from there lose theirs. How many records other cities' counties have is not
// his to know.
void FoldElsewhere(const huiliu::v1::Receiver& receiver, const territory::Divisions& divisions,
                   huiliu::v1::DryRunReport* report);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_DRY_RUN_SAMPLES_H_
