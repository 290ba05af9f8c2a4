// What an auditor's program checks by itself in an answer of the node: nothing is believed that can
// be proven.
#ifndef HUILIU_CLI_AUDIT_PROOFS_H_
#define HUILIU_CLI_AUDIT_PROOFS_H_

#include <string>

#include "absl/status/status.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::cli {

// The hop's entry stands in the log at its index: its leaf hash, its path, the checkpoint's root.
// INVALID_ARGUMENT otherwise. FAILED_PRECONDITION: newer than the checkpoint, nothing to prove yet.
// PERMISSION_DENIED: the batch is shared with receivers whose counts this auditor may not see, so
// its leaf cannot be computed here.
absl::Status VerifyHop(const huiliu::v1::TraceRecordResponse::Hop& hop,
                       const huiliu::v1::Checkpoint& checkpoint);

// The record asked for, with the envelope that is shown, stands in the batch whose root a hop
// states that is proven itself. FAILED_PRECONDITION and PERMISSION_DENIED as above, where that hop
// cannot be proven; NOT_FOUND: the node gives no proof; INVALID_ARGUMENT: it does not hold.
absl::Status VerifyRecord(const huiliu::v1::TraceRecordRequest& asked,
                          const huiliu::v1::TraceRecordResponse& trace);

// Who signed it: `audit_key` (hexadecimal) where the auditor knows it; empty: the checkpoint's own.
absl::Status VerifyCheckpoint(const huiliu::v1::Checkpoint& checkpoint,
                              const std::string& audit_key);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_AUDIT_PROOFS_H_
