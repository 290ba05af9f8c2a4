// Tokens that callers hold and bring back (page tokens, cursors): sealed, because a place in a
// scan is a row's key, also of rows that the holder may not see.
#ifndef HUILIU_CORE_BASE_TOKEN_SEAL_H_
#define HUILIU_CORE_BASE_TOKEN_SEAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu {

// AES-256-GCM; the nonce is derived from secret, context and content (as RFC 5297 does), so equal
// tokens look equal and no nonce serves two contents. Thread-safe.
class TokenSeal {
 public:
  // `secret`: 16 bytes at least.
  explicit TokenSeal(absl::string_view secret);

  // `context`: what the token belongs to; it opens in the same context only.
  std::string Seal(absl::string_view context, absl::string_view content) const;
  // INVALID_ARGUMENT where it was sealed for another context or by another secret, or was changed.
  absl::StatusOr<std::string> Open(absl::string_view context, absl::string_view token) const;

 private:
  const std::string cipher_key_;
  const std::string nonce_key_;
};

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_TOKEN_SEAL_H_
