// Ed25519 keys (RFC 8032) in PEM (PKCS#8) files.
#ifndef HUILIU_CORE_BASE_SIGNING_H_
#define HUILIU_CORE_BASE_SIGNING_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_pkey_st;

namespace huiliu {

// A private key. Thread-safe after construction.
class SigningKey {
 public:
  static absl::StatusOr<std::unique_ptr<SigningKey>> Generate();
  // INVALID_ARGUMENT where the text is no Ed25519 private key.
  static absl::StatusOr<std::unique_ptr<SigningKey>> FromPem(absl::string_view pem);
  // Reads `path`, or makes a key there (mode 0600) where no file is.
  static absl::StatusOr<std::unique_ptr<SigningKey>> LoadOrCreate(const std::string& path);
  ~SigningKey();

  // 64 bytes.
  absl::StatusOr<std::string> Sign(absl::string_view message) const;
  // 32 raw bytes.
  const std::string& public_key() const { return public_key_; }
  absl::StatusOr<std::string> ToPem() const;

 private:
  explicit SigningKey(evp_pkey_st* key);
  evp_pkey_st* const key_;
  std::string public_key_;
};

// Whether `signature` (64 bytes) over `message` is by the holder of `public_key` (32 raw bytes).
bool VerifySignature(absl::string_view public_key, absl::string_view message,
                     absl::string_view signature);

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_SIGNING_H_
