// The agent's configuration file (YAML). docs/formats/agent-config.md.
#ifndef HUILIU_ADAPTERS_AGENT_CONFIG_H_
#define HUILIU_ADAPTERS_AGENT_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace huiliu::agent {

struct NodeConfig {
  std::string address;      // host:port; several, separated by commas: the first that answers
  std::string ca;           // PEM file; empty: no TLS (loopback only)
  std::string certificate;  // PEM files: the organisation's, or empty with a token
  std::string key;
  std::string token_file;   // instead of a certificate; its first line is the account's token
  std::string server_name;  // in the node's certificate, where it differs from the address
};

struct SourceConfig {
  std::string id;            // as registered at the node
  std::string plugin;        // huiliu_<plugin>.so, its source of the same name
  std::string options_json;  // what stands under `options`, as JSON
  std::string dataset;
  std::string mapping;      // file; empty: columns by name
  std::string signing_key;  // file; made where it is not there
  int batch_rows = 1000;
  int linger_ms = 200;  // how long a poll waits for the first row
};

struct LandingConfig {
  std::string id;
  std::string plugin;
  std::string options_json;
  std::string receiver;
  std::string dataset;
  std::string purpose;
  int batch_rows = 1000;
};

struct Config {
  std::string path;  // of the file itself
  std::string agent = "agent";
  NodeConfig node;
  std::string state_dir;
  std::string plugins;    // folder
  std::string divisions;  // folder
  std::vector<SourceConfig> sources;
  std::vector<LandingConfig> landings;

  // NOT_FOUND lists what there is.
  absl::StatusOr<SourceConfig> FindSource(const std::string& id) const;
  absl::StatusOr<LandingConfig> FindLanding(const std::string& id) const;
  std::string PluginPath(const std::string& plugin) const;
};

// What a configuration is read for. kLook: only its sources and plugins are used, so that a source
// can be looked at before the agent is anybody at a node.
enum class ConfigUse { kRun, kLook };

// INVALID_ARGUMENT with file:line:column. Relative paths are relative to the file.
absl::StatusOr<Config> LoadConfig(const std::string& path, ConfigUse use = ConfigUse::kRun);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_CONFIG_H_
