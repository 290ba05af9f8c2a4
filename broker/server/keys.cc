#include "broker/server/keys.h"

#include <openssl/rand.h>

#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

constexpr size_t kSecretBytes = 32;

class OwnKeys : public Keys {
 public:
  explicit OwnKeys(const std::string& data_dir)
      : folder_(absl::StrCat(data_dir, "/keys")), lineage_(absl::StrCat(data_dir, "/lineage")) {}

  absl::StatusOr<std::string> Secret(const std::string& name) override {
    const std::string path = absl::StrCat(folder_, "/", name, ".key");
    auto kept = ReadFile(path);
    if (kept.ok()) {
      if (kept->size() != kSecretBytes)
        return absl::DataLossError(
            absl::StrCat(path, " is not ", kSecretBytes, " bytes; restore it from backup"));
      return kept;
    }
    if (kept.status().code() != absl::StatusCode::kNotFound) return kept.status();
    std::string secret(kSecretBytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), kSecretBytes) != 1)
      return absl::InternalError("OpenSSL gave no random bytes");
    RETURN_IF_ERROR(WriteFileDurably(path, secret, 0600));
    return secret;
  }

  absl::StatusOr<std::unique_ptr<SigningKey>> Checkpoint() override {
    const std::string path = absl::StrCat(folder_, "/checkpoint.pem");
    // Auditors hold the key's public half: another one is never taken in silence.
    std::error_code error;
    if (!std::filesystem::exists(path, error) && std::filesystem::exists(lineage_, error)) {
      return absl::FailedPreconditionError(absl::StrCat(
          path,
          " is missing, and checkpoints were signed with it: restore it from a backup. If "
          "there is none, remove ",
          lineage_,
          " (the log is folded anew, and nothing of it is lost); a new key is made at the next "
          "start, and auditors must be told of it (签名密钥缺失，请从备份恢复)"));
    }
    return SigningKey::LoadOrCreate(path);
  }

  std::string Digest() const override { return ""; }

 private:
  const std::string folder_, lineage_;
};

class SharedKeys : public Keys {
 public:
  explicit SharedKeys(std::string key) : key_(std::move(key)) {}

  absl::StatusOr<std::string> Secret(const std::string& name) override { return Derive(name); }

  absl::StatusOr<std::unique_ptr<SigningKey>> Checkpoint() override {
    // RFC 8410: a PKCS#8 frame around the 32 bytes of an Ed25519 key.
    const std::string frame = absl::HexStringToBytes("302e020100300506032b657004220420");
    return SigningKey::FromPem(
        absl::StrCat("-----BEGIN PRIVATE KEY-----\n",
                     absl::Base64Escape(absl::StrCat(frame, Derive("checkpoint"))),
                     "\n-----END PRIVATE KEY-----\n"));
  }

  std::string Digest() const override { return Derive("digest"); }

 private:
  std::string Derive(const std::string& name) const {
    return ToString(HmacSha256(key_, absl::StrCat("huiliu cluster ", name)));
  }

  const std::string key_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Keys>> Keys::Open(const Config& config) {
  if (!config.cluster.enabled()) {
    RETURN_IF_ERROR(MakeDirectories(absl::StrCat(config.data_dir, "/keys")));
    return std::make_unique<OwnKeys>(config.data_dir);
  }
  ASSIGN_OR_RETURN(std::string key, ReadFile(config.cluster.key_file));
  if (key.size() < kSecretBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.cluster.key_file, " has ", key.size(), " bytes; at least ",
                     kSecretBytes, " are needed: openssl rand -out cluster.key 32 (密钥过短)"));
  }
  return std::make_unique<SharedKeys>(std::move(key));
}

}  // namespace huiliu::server
