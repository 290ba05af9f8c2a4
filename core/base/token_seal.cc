#include "core/base/token_seal.h"

#include <openssl/evp.h>

#include <memory>

#include "absl/base/internal/endian.h"
#include "core/base/check.h"
#include "core/base/digest.h"

namespace huiliu {
namespace {

// format (1 byte), nonce, ciphertext, tag
constexpr char kFormat = 1;
constexpr size_t kNonce = 12;
constexpr size_t kTag = 16;
constexpr size_t kHead = 1 + kNonce;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(std::string& text, size_t at) { return reinterpret_cast<uint8_t*>(&text[at]); }

absl::Status NotOurs() {
  return absl::InvalidArgumentError(
      "令牌无效：不是为此发出的，或已被改动 / the token is none that was given for this");
}

}  // namespace

TokenSeal::TokenSeal(absl::string_view secret)
    : cipher_key_(ToString(HmacSha256(secret, "huiliu token cipher v1"))),
      nonce_key_(ToString(HmacSha256(secret, "huiliu token nonce v1"))) {
  HUILIU_CHECK(secret.size() >= 16);
}

std::string TokenSeal::Seal(absl::string_view context, absl::string_view content) const {
  std::string sized(8, '\0');
  absl::little_endian::Store64(sized.data(), context.size());
  sized.append(context.data(), context.size());
  sized.append(content.data(), content.size());
  const Digest nonce = HmacSha256(nonce_key_, sized);

  std::string token(kHead + content.size() + kTag, '\0');
  token[0] = kFormat;
  token.replace(1, kNonce, reinterpret_cast<const char*>(nonce.data()), kNonce);
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int done = 0;
  HUILIU_CHECK(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(cipher_key_),
                                  Bytes(token, 1)) == 1);
  HUILIU_CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &done, Bytes(context),
                                 static_cast<int>(context.size())) == 1);
  HUILIU_CHECK(EVP_EncryptUpdate(cipher.get(), Bytes(token, kHead), &done, Bytes(content),
                                 static_cast<int>(content.size())) == 1);
  HUILIU_CHECK(EVP_EncryptFinal_ex(cipher.get(), Bytes(token, kHead + content.size()), &done) == 1);
  HUILIU_CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag,
                                   Bytes(token, kHead + content.size())) == 1);
  return token;
}

absl::StatusOr<std::string> TokenSeal::Open(absl::string_view context,
                                            absl::string_view token) const {
  if (token.size() < kHead + kTag || token[0] != kFormat) return NotOurs();
  const absl::string_view sealed = token.substr(kHead, token.size() - kHead - kTag);
  std::string tag(token.substr(token.size() - kTag));
  std::string content(sealed.size() + 1, '\0');  // never empty: OpenSSL wants a place
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int done = 0;
  if (EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(cipher_key_),
                         Bytes(token.substr(1))) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &done, Bytes(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), Bytes(content, 0), &done, Bytes(sealed),
                        static_cast<int>(sealed.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), Bytes(content, sealed.size()), &done) != 1) {
    return NotOurs();
  }
  content.resize(sealed.size());
  return content;
}

}  // namespace huiliu
