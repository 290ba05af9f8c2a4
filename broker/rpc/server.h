// The node's gRPC listener: services, health and reflection, TLS with client certificates.
#ifndef HUILIU_BROKER_RPC_SERVER_H_
#define HUILIU_BROKER_RPC_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "broker/rpc/services.h"

namespace huiliu::rpc {

// Legal calls: Start Stop.
class Server {
 public:
  struct Options {
    std::string address;
    std::string ca;           // PEM text; client certificates are verified by it when presented
    std::string certificate;  // PEM text; empty: no TLS
    std::string key;
  };
  // UNAVAILABLE names the address.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       const Handlers& handlers);
  virtual ~Server() = default;
  virtual int port() const = 0;
  virtual void Stop() = 0;
};

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_SERVER_H_
