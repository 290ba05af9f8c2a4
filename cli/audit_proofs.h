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
absl::Status VerifyHop(const huiliu::v1::TraceRecordResponse::Hop& hop,
                       const huiliu::v1::Checkpoint& checkpoint);

// The record stands in the batch whose root the entries of its hops state.
absl::Status VerifyRecord(const huiliu::v1::TraceRecordResponse& trace);

// Who signed it: `audit_key` (hexadecimal) where the auditor knows it; empty: the checkpoint's own.
absl::Status VerifyCheckpoint(const huiliu::v1::Checkpoint& checkpoint,
                              const std::string& audit_key);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_AUDIT_PROOFS_H_
