#include "core/base/signing.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* Bytes(absl::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

}  // namespace

SigningKey::SigningKey(evp_pkey_st* key) : key_(key) {
  size_t size = 32;
  public_key_.resize(size);
  HUILIU_CHECK(EVP_PKEY_get_raw_public_key(
                   key_, reinterpret_cast<unsigned char*>(public_key_.data()), &size) == 1);
}

SigningKey::~SigningKey() { EVP_PKEY_free(key_); }

absl::StatusOr<std::unique_ptr<SigningKey>> SigningKey::Generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (key == nullptr) return absl::InternalError("OpenSSL could not make an Ed25519 key");
  return std::unique_ptr<SigningKey>(new SigningKey(key));
}

absl::StatusOr<std::unique_ptr<SigningKey>> SigningKey::FromPem(absl::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr);
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
    EVP_PKEY_free(key);
    return absl::InvalidArgumentError(
        "不是 PEM 格式的 Ed25519 私钥 / not an Ed25519 private key in PEM form");
  }
  return std::unique_ptr<SigningKey>(new SigningKey(key));
}

absl::StatusOr<std::unique_ptr<SigningKey>> SigningKey::LoadOrCreate(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) {
    ASSIGN_OR_RETURN(std::string pem, ReadFile(path));
    auto key = FromPem(pem);
    if (!key.ok()) return Annotate(key.status(), path);
    return key;
  }
  ASSIGN_OR_RETURN(std::unique_ptr<SigningKey> key, Generate());
  ASSIGN_OR_RETURN(std::string pem, key->ToPem());
  RETURN_IF_ERROR(WriteFileDurably(path, pem, 0600));
  return key;
}

absl::StatusOr<std::string> SigningKey::Sign(absl::string_view message) const {
  ContextPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string signature(64, '\0');
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(message), message.size()) != 1) {
    return absl::InternalError("OpenSSL could not sign");
  }
  return signature;
}

absl::StatusOr<std::string> SigningKey::ToPem() const {
  BioPtr bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key_, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return absl::InternalError("OpenSSL could not write the key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

bool VerifySignature(absl::string_view public_key, absl::string_view message,
                     absl::string_view signature) {
  if (public_key.size() != 32 || signature.size() != 64) return false;
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(public_key), 32);
  if (key == nullptr) return false;
  ContextPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), Bytes(signature), 64, Bytes(message), message.size()) == 1;
  EVP_PKEY_free(key);
  return good;
}

}  // namespace huiliu
