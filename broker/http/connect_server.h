// The Connect protocol over HTTP/1.1 (connectrpc.com/docs/protocol): POST /huiliu.v1.Catalog/Get
// with JSON, so that curl and a Java developer need no gRPC. Also GET /healthz, /openapi.json and
// /metrics, and the read side of a Schema Registry.
#ifndef HUILIU_BROKER_HTTP_CONNECT_SERVER_H_
#define HUILIU_BROKER_HTTP_CONNECT_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/service/method_table.h"
#include "broker/service/schema_registry.h"

namespace huiliu::http {

// One thread a connection, up to a bound. Who calls is looked up before a body is read; a body is
// neither compressed nor larger than its bound. Legal calls: Start Stop.
class ConnectServer {
 public:
  struct Options {
    std::string address;  // host:port; port 0 chooses one
    std::string ca;       // PEM file: verifies client certificates, which are optional
    std::string
        certificate;  // PEM file; empty: no TLS (loopback only, checked by the configuration)
    std::string key;
    int max_connections = 512;  // open at once; further ones wait to be accepted
    int max_calls = 64;         // answered at once, with their bodies in memory; not /healthz
    int max_streams = 32;       // open at once, a quarter of them by one organisation
    absl::Duration patience = absl::Seconds(5);  // with a client that sends or takes nothing
    size_t max_body_bytes = 16 << 20;
  };
  struct Pages {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<absl::Status()> health;
    // What a person should look at though all goes on; shown below the health. Null: nothing.
    std::function<std::string()> notices = nullptr;
    std::string openapi;  // JSON
    // The Schema Registry's answers; null: there are none.
    std::function<service::RegistryAnswer(const service::RegistryRequest&)> schemas = nullptr;
  };

  // UNAVAILABLE names the address; INVALID_ARGUMENT names the file that OpenSSL does not take.
  static absl::StatusOr<std::unique_ptr<ConnectServer>> Start(Options options,
                                                              const service::MethodTable& methods,
                                                              const governance::State& state,
                                                              Pages pages);
  virtual ~ConnectServer() = default;
  virtual int port() const = 0;
  virtual void Stop() = 0;
};

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_CONNECT_SERVER_H_
