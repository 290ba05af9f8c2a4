// What a batch must look like before it is taken over. INVALID_ARGUMENT names the batch and what is
// wrong with it.
#ifndef HUILIU_BROKER_PIPELINE_INTAKE_CHECKS_H_
#define HUILIU_BROKER_PIPELINE_INTAKE_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/governance/state.h"
#include "core/schema/contract.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::pipeline {

std::string NameOf(const huiliu::v1::Batch& batch);
absl::Status Refuse(const huiliu::v1::Batch& batch, absl::string_view why);

// Record i: system, key, its place in the log, operation.
absl::Status CheckRecord(const huiliu::v1::Source& source, const huiliu::v1::Batch& batch, int i);
// Edge: record i lies inside the receiver's area.
absl::Status CheckArea(const huiliu::v1::Receiver& receiver, const huiliu::v1::Batch& batch, int i);
// Edge: record i can be read by its contract. One that cannot would stop every landing and reader
// behind it.
absl::Status CheckPayload(const schema::Contract& contract, const huiliu::v1::Batch& batch, int i);
// Edge: the counts are of the source's receiver.
absl::Status CheckCounts(const huiliu::v1::Source& source, const huiliu::v1::Batch& batch);
// Edge: the overrides that it names are the receiver's, whatever became of them.
absl::Status CheckOverrides(const governance::State& state, const huiliu::v1::Source& source,
                            const huiliu::v1::Batch& batch);
// Node: nothing is judged yet.
absl::Status CheckUnjudged(const huiliu::v1::Batch& batch);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_INTAKE_CHECKS_H_
