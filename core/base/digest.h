// SHA-256, SM3 and their HMACs over OpenSSL's EVP interface, with fetched algorithms and reused
// contexts.
#ifndef HUILIU_CORE_BASE_DIGEST_H_
#define HUILIU_CORE_BASE_DIGEST_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

struct evp_md_ctx_st;

namespace huiliu {

using Digest = std::array<uint8_t, 32>;

enum class DigestAlgorithm { kSha256, kSm3 };

// One digest at a time: (Update* Finish)*. Not thread-safe; cheap to reuse, dear to create.
class Hasher {
 public:
  explicit Hasher(DigestAlgorithm algorithm = DigestAlgorithm::kSha256);
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void Update(absl::string_view bytes);
  // Ends this digest and begins the next.
  Digest Finish();

 private:
  void Begin();
  DigestAlgorithm algorithm_;
  evp_md_ctx_st* context_;
};

// One-shot forms; they reuse a context per thread.
Digest Sha256(absl::string_view bytes);
Digest Sm3(absl::string_view bytes);
Digest HmacSha256(absl::string_view key, absl::string_view bytes);
Digest HmacSm3(absl::string_view key, absl::string_view bytes);

// The 32 bytes of a digest as a view or a string.
inline absl::string_view AsBytes(const Digest& digest) {
  return absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size());
}
inline std::string ToString(const Digest& digest) { return std::string(AsBytes(digest)); }

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_DIGEST_H_
