#include "broker/server/keys.h"

#include <openssl/rand.h>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

constexpr size_t kSecretBytes = 32;

absl::StatusOr<std::string> Folder(const std::string& data_dir) {
  const std::string folder = absl::StrCat(data_dir, "/keys");
  RETURN_IF_ERROR(MakeDirectories(folder));
  return folder;
}

}  // namespace

absl::StatusOr<std::string> LoadOrCreateSecret(const std::string& data_dir,
                                               const std::string& name) {
  ASSIGN_OR_RETURN(const std::string folder, Folder(data_dir));
  const std::string path = absl::StrCat(folder, "/", name, ".key");
  auto kept = ReadFile(path);
  if (kept.ok()) {
    if (kept->size() != kSecretBytes)
      return absl::DataLossError(
          absl::StrCat(path, " is not ", kSecretBytes, " bytes; restore it from backup"));
    return kept;
  }
  if (kept.status().code() != absl::StatusCode::kNotFound) return kept.status();
  std::string secret(kSecretBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), kSecretBytes) != 1) {
    return absl::InternalError("OpenSSL gave no random bytes");
  }
  RETURN_IF_ERROR(WriteFileDurably(path, secret, 0600));
  return secret;
}

absl::StatusOr<std::unique_ptr<SigningKey>> LoadCheckpointKey(const std::string& data_dir) {
  ASSIGN_OR_RETURN(const std::string folder, Folder(data_dir));
  return SigningKey::LoadOrCreate(absl::StrCat(folder, "/checkpoint.pem"));
}

}  // namespace huiliu::server
