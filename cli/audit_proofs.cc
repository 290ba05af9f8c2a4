#include "cli/audit_proofs.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

}  // namespace

absl::Status VerifyHop(const v1::TraceRecordResponse::Hop& hop, const v1::Checkpoint& checkpoint) {
  if (hop.index() >= checkpoint.tree_size())
    return absl::FailedPreconditionError("newer than the checkpoint");
  const Digest leaf = merkle::HashLeaf(lineage::Encode(hop.entry()));
  const std::vector<std::string> path(hop.inclusion().begin(), hop.inclusion().end());
  return merkle::VerifyInclusion(static_cast<uint64_t>(hop.index()),
                                 static_cast<uint64_t>(checkpoint.tree_size()), AsBytes(leaf), path,
                                 checkpoint.root());
}

absl::Status VerifyRecord(const v1::TraceRecordResponse& trace) {
  const std::vector<std::string> path(trace.record_inclusion().begin(),
                                      trace.record_inclusion().end());
  absl::Status last = absl::InvalidArgumentError("no entry states a root over the batch's records");
  for (const auto& hop : trace.hops()) {
    const v1::LineageEntry& entry = hop.entry();
    if (entry.records_root().empty() || entry.records() <= trace.record_index()) continue;
    last = merkle::VerifyInclusion(static_cast<uint64_t>(trace.record_index()),
                                   static_cast<uint64_t>(entry.records()), trace.record_leaf_hash(),
                                   path, entry.records_root());
    if (last.ok()) return last;
  }
  return last;
}

absl::Status VerifyCheckpoint(const v1::Checkpoint& checkpoint, const std::string& audit_key) {
  return lineage::Verify(checkpoint, absl::HexStringToBytes(audit_key)).status();
}

}  // namespace huiliu::cli
