// The command line's side of the node's services, by method name. gRPC stays inside.
#ifndef HUILIU_CLI_NODE_H_
#define HUILIU_CLI_NODE_H_

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/profile.h"

namespace huiliu::cli {

// One thread at a time. What only reads is asked again for some seconds where the node says that it
// cannot answer at this moment.
class Node {
 public:
  // Reads the key files; connects at the first call. INVALID_ARGUMENT without an address,
  // FAILED_PRECONDITION where a token would travel without TLS beyond loopback.
  static absl::StatusOr<std::unique_ptr<Node>> Open(const Profile& profile);
  virtual ~Node() = default;

  // method: "Registry/PutSystem". The node's own status; UNAVAILABLE names the address.
  virtual absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                            google::protobuf::Message* response) = 0;
  // Calls `take` for each message, which then stands in *response, until `take` fails (its status
  // is the answer), the stream ends, or `stopping` says so (OK).
  virtual absl::Status Stream(const std::string& method, const google::protobuf::Message& request,
                              google::protobuf::Message* response,
                              const std::function<absl::Status()>& take,
                              const std::function<bool()>& stopping) = 0;
};

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_NODE_H_
