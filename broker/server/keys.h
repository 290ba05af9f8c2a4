// The node's secrets, made at the first start, each in a file of its own (mode 0600) under
// data_dir/keys.
#ifndef HUILIU_BROKER_SERVER_KEYS_H_
#define HUILIU_BROKER_SERVER_KEYS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/signing.h"

namespace huiliu::server {

// 32 random bytes, kept in data_dir/keys/NAME.key.
absl::StatusOr<std::string> LoadOrCreateSecret(const std::string& data_dir,
                                               const std::string& name);

// The key that signs checkpoints: data_dir/keys/checkpoint.pem.
absl::StatusOr<std::unique_ptr<SigningKey>> LoadCheckpointKey(const std::string& data_dir);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_KEYS_H_
