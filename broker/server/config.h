// The node's configuration file (YAML). Only the composition root reads it.
// docs/formats/node-config.md.
#ifndef HUILIU_BROKER_SERVER_CONFIG_H_
#define HUILIU_BROKER_SERVER_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/pipeline/topics.h"
#include "broker/service/office_hours.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::server {

struct TlsFiles {
  std::string ca;           // PEM: who may connect with a client certificate
  std::string certificate;  // PEM: the node's own chain
  std::string key;          // PEM
  bool enabled() const { return !certificate.empty(); }
};

// Where the backbone is Apache Kafka: docs/formats/backbone-kafka.md.
struct KafkaConfig {
  std::string bootstrap;  // host:port,host:port
  std::string prefix = "huiliu.";
  std::string cluster_id;
  int replication = 3;
  int min_insync = 2;
  std::string security = "plaintext";  // or tls
  std::string ca, certificate, key;    // PEM files
  std::string sasl_mechanism, user, password_file;
  absl::Duration compaction_lag = absl::ZeroDuration();  // no record is compacted before
  absl::Duration session_timeout = absl::Seconds(6);
  absl::Duration transaction_timeout = absl::Seconds(10);
  std::map<std::string, std::string> properties;  // of librdkafka
};

// Several nodes on one Kafka: docs/SCALING.md.
struct ClusterConfig {
  std::string name;      // empty: this is the only node
  std::string key_file;  // 32 bytes or more, the same on every node: what secrets are derived from
  std::string address;   // where the other nodes reach this one's gRPC; empty: listen.grpc
  int standbys = 1;      // of each catalog
  int lanes = 16;
  absl::Duration lease = absl::Seconds(3);
  absl::Duration dead_after = absl::Seconds(6);
  bool enabled() const { return !name.empty(); }
};

struct Config {
  std::string node = "huiliu";
  std::string data_dir;
  std::string grpc_address = "127.0.0.1:7443";
  std::string http_address = "127.0.0.1:7480";  // empty: no HTTP
  TlsFiles tls;
  std::string divisions_dir;  // schemas/divisions
  std::string bootstrap;  // file with the first organisations, receivers and accounts; empty: none
  std::string backbone = "embedded";  // or kafka
  KafkaConfig kafka;
  ClusterConfig cluster;
  pipeline::TopicSettings topics;
  service::OfficeHours office_hours;
  int64_t block_cache_mib = 256;
  std::string log_level = "info";
  absl::Duration checkpoint_every = absl::Seconds(1);
};

// INVALID_ARGUMENT names file, line and key; unknown keys are refused. Relative paths are relative
// to the file. FAILED_PRECONDITION: without TLS a listener beyond loopback.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// What a node knows before anybody can tell it: applied once, to an empty control topic.
struct Bootstrap {
  std::vector<huiliu::v1::Receiver> receivers;
  std::vector<huiliu::v1::Organisation> organisations;
  std::vector<huiliu::v1::Account> accounts;
};
absl::StatusOr<Bootstrap> LoadBootstrap(const std::string& path);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_CONFIG_H_
