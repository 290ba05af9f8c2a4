#include "core/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

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

// RFC 2104 over our own hashers: OpenSSL's HMAC() fetches and allocates on every call and costs
// three times as much.
Digest Hmac(DigestAlgorithm algorithm, absl::string_view key, absl::string_view bytes) {
  static thread_local Hasher sha256(DigestAlgorithm::kSha256);
  static thread_local Hasher sm3(DigestAlgorithm::kSm3);
  Hasher& hasher = algorithm == DigestAlgorithm::kSha256 ? sha256 : sm3;
  constexpr size_t kBlock = 64;  // of both algorithms
  std::array<char, kBlock> inner{};
  if (key.size() > kBlock) {
    const Digest digest = OneShot(hasher, key);
    std::copy(digest.begin(), digest.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  std::array<char, kBlock> outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5C);
  hasher.Update(absl::string_view(inner.data(), inner.size()));
  hasher.Update(bytes);
  const Digest digest = hasher.Finish();
  hasher.Update(absl::string_view(outer.data(), outer.size()));
  hasher.Update(AsBytes(digest));
  const Digest mac = hasher.Finish();
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  return mac;
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
