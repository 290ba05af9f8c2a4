// Placement NODE: from polled rows to a batch that nobody has judged. The return engine runs at the
// node.
#ifndef HUILIU_ADAPTERS_AGENT_UNJUDGED_BATCH_H_
#define HUILIU_ADAPTERS_AGENT_UNJUDGED_BATCH_H_

#include "absl/status/statusor.h"
#include "adapters/agent/batch_maker.h"
#include "adapters/agent/unmapped_rows.h"
#include "adapters/mapping/mapping.h"
#include "core/base/clock.h"
#include "core/base/signing.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::agent {

struct UnjudgedParts {
  const huiliu::v1::Source& source;  // as registered
  mapping::Mapping& mapping;         // bound to the rows' header
  const SigningKey& key;
  Clock& clock;
  UnmappedRows& unmapped;
};

// Every row travels: mapped as a record, else among Batch.quarantined with its raw bytes, once: a
// re-read of such a row is left out. Fills the batch and the decisions that go with it.
absl::StatusOr<MadeBatch> MakeUnjudgedBatch(const UnjudgedParts& parts, const huiliu_rows& rows,
                                            uint64_t epoch, uint64_t sequence);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_UNJUDGED_BATCH_H_
