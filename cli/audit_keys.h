// Public keys that an auditor knows beforehand: of the node's checkpoints, and of the departments'
// sources.
#ifndef HUILIU_CLI_AUDIT_KEYS_H_
#define HUILIU_CLI_AUDIT_KEYS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::cli {

// 32 bytes from 64 hexadecimal digits. INVALID_ARGUMENT naming `place`.
absl::StatusOr<std::string> PublicKeyFromHex(absl::string_view place, absl::string_view text);

// By source id. `texts`: SOURCE=KEY each, of --source-key; `file`: such lines, of --source-keys,
// may be empty; empty lines and lines that begin with # say nothing. INVALID_ARGUMENT naming
// option, or file and line.
absl::StatusOr<std::map<std::string, std::string>> SourceKeysOf(
    const std::vector<std::string>& texts, const std::string& file);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_AUDIT_KEYS_H_
