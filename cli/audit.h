// The auditor's verbs.
#ifndef HUILIU_CLI_AUDIT_H_
#define HUILIU_CLI_AUDIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/command.h"

namespace huiliu::cli {

struct AuditOptions {
  std::string dataset, receiver, system, day, source, save, known, file, public_key,
      source_keys_file;
  std::vector<std::string> key, source_keys;
  int64_t from = 0;
};

// NOT_FOUND where the log knows nothing of the record. A proof that does not hold is a finding.
absl::Status AuditRecord(Command& command, const AuditOptions& options);
// A line that does not balance, or rows of other areas held: findings.
absl::Status AuditBalance(Command& command, const AuditOptions& options);
// A log that does not contain what a known checkpoint saw: a finding.
absl::Status AuditCheckpoint(Command& command, const AuditOptions& options);
absl::Status AuditExport(Command& command, const AuditOptions& options);
absl::Status AuditVerify(Command& command, const AuditOptions& options);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_AUDIT_H_
