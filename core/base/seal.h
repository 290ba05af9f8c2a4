// Sealed texts: what is given to a caller to be brought back, and is not his to read or change.
#ifndef HUILIU_CORE_BASE_SEAL_H_
#define HUILIU_CORE_BASE_SEAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// AES-256-GCM with a random nonce: nonce (12), ciphertext, tag (16). `key`: 32 bytes.
absl::StatusOr<std::string> Seal(absl::string_view key, absl::string_view text);

// INVALID_ARGUMENT where it was not sealed with this key, or was changed.
absl::StatusOr<std::string> Unseal(absl::string_view key, absl::string_view sealed);

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_SEAL_H_
