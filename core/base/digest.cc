#include "core/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/check.h"

namespace huiliu {
namespace {

// Fetched once: EVP_sha256() looks the implementation up on every use.
const EVP_MD* Fetched(DigestAlgorithm algorithm) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sm3 = EVP_MD_fetch(nullptr, "SM3", nullptr);
  return algorithm == DigestAlgorithm::kSha256 ? sha256 : sm3;
}

Digest OneShot(Hasher& hasher, absl::string_view bytes) {
  hasher.Update(bytes);
  return hasher.Finish();
}

Digest Hmac(DigestAlgorithm algorithm, absl::string_view key, absl::string_view bytes) {
  Digest out;
  unsigned int size = 0;
  const unsigned char* result =
      HMAC(Fetched(algorithm), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &size);
  HUILIU_CHECK(result != nullptr && size == out.size());
  return out;
}

}  // namespace

Hasher::Hasher(DigestAlgorithm algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new()) {
  HUILIU_CHECK(context_ != nullptr);
  Begin();
}

Hasher::~Hasher() { EVP_MD_CTX_free(context_); }

void Hasher::Begin() {
  HUILIU_CHECK(EVP_DigestInit_ex2(context_, Fetched(algorithm_), nullptr) == 1);
}

void Hasher::Update(absl::string_view bytes) {
  HUILIU_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

Digest Hasher::Finish() {
  Digest out;
  unsigned int size = 0;
  HUILIU_CHECK(EVP_DigestFinal_ex(context_, out.data(), &size) == 1 && size == out.size());
  Begin();
  return out;
}

Digest Sha256(absl::string_view bytes) {
  static thread_local Hasher hasher(DigestAlgorithm::kSha256);
  return OneShot(hasher, bytes);
}

Digest Sm3(absl::string_view bytes) {
  static thread_local Hasher hasher(DigestAlgorithm::kSm3);
  return OneShot(hasher, bytes);
}

Digest HmacSha256(absl::string_view key, absl::string_view bytes) {
  return Hmac(DigestAlgorithm::kSha256, key, bytes);
}

Digest HmacSm3(absl::string_view key, absl::string_view bytes) {
  return Hmac(DigestAlgorithm::kSm3, key, bytes);
}

}  // namespace huiliu
