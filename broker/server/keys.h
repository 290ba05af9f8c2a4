// The node's secrets.
#ifndef HUILIU_BROKER_SERVER_KEYS_H_
#define HUILIU_BROKER_SERVER_KEYS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "broker/server/config.h"
#include "core/base/signing.h"

namespace huiliu::server {

// Thread-safe.
class Keys {
 public:
  virtual ~Keys() = default;
  // The only node's are made at the first start, each in a file of its own (mode 0600) under
  // data_dir/keys; those of a cluster's node are derived from cluster.key_file, so that all have
  // the same. NOT_FOUND and INVALID_ARGUMENT name the file.
  static absl::StatusOr<std::unique_ptr<Keys>> Open(const Config& config);

  // 32 bytes.
  virtual absl::StatusOr<std::string> Secret(const std::string& name) = 0;
  // The key that signs checkpoints.
  virtual absl::StatusOr<std::unique_ptr<SigningKey>> Checkpoint() = 0;
  // By which nodes of a cluster see that they have the same keys.
  virtual std::string Digest() const = 0;
};

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_KEYS_H_
