#include "core/base/seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

namespace huiliu {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text, size_t at) {
  return reinterpret_cast<unsigned char*>(text.data() + at);
}

absl::Status Failed() { return absl::InternalError("OpenSSL cannot do AES-256-GCM"); }

}  // namespace

absl::StatusOr<std::string> Seal(absl::string_view key, absl::string_view text) {
  if (key.size() != kKeyBytes) return absl::InternalError("a sealing key has 32 bytes");
  std::string out(kNonceBytes + text.size() + kTagBytes, '\0');
  const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  if (RAND_bytes(Bytes(out, 0), kNonceBytes) != 1 || context == nullptr ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(out, 0)) !=
          1 ||
      EVP_EncryptUpdate(context.get(), Bytes(out, kNonceBytes), &size, Bytes(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), Bytes(out, kNonceBytes + text.size()), &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          Bytes(out, kNonceBytes + text.size())) != 1) {
    return Failed();
  }
  return out;
}

absl::StatusOr<std::string> Unseal(absl::string_view key, absl::string_view sealed) {
  if (key.size() != kKeyBytes) return absl::InternalError("a sealing key has 32 bytes");
  if (sealed.size() < kNonceBytes + kTagBytes)
    return absl::InvalidArgumentError("the token is not one that this node gave; begin without it");
  const absl::string_view text =
      sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string out(text.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  if (context == nullptr ||
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(sealed)) !=
          1 ||
      EVP_DecryptUpdate(context.get(), Bytes(out, 0), &size, Bytes(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, Bytes(tag, 0)) != 1) {
    return Failed();
  }
  unsigned char rest[kTagBytes];
  if (EVP_DecryptFinal_ex(context.get(), rest, &size) != 1)
    return absl::InvalidArgumentError("the token is not one that this node gave; begin without it");
  return out;
}

}  // namespace huiliu
