// The composition root of a node: opens every store, starts every worker and listener, in order;
// stops them in reverse.
#ifndef HUILIU_BROKER_SERVER_NODE_H_
#define HUILIU_BROKER_SERVER_NODE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "broker/server/config.h"

namespace huiliu::server {

// Legal calls: Open Stop.
class Node {
 public:
  static absl::StatusOr<std::unique_ptr<Node>> Open(const Config& config);
  virtual ~Node() = default;
  virtual int grpc_port() const = 0;
  virtual int http_port() const = 0;
  virtual void Stop() = 0;
};

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_NODE_H_
