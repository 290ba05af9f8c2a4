// Where the node is, who asks, and in which words: ~/.config/huiliu/cli.yaml, overridden by flags.
// docs/cli.md.
#ifndef HUILIU_CLI_PROFILE_H_
#define HUILIU_CLI_PROFILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace huiliu::cli {

struct Profile {
  std::string address;  // host:port of the node's gRPC listener; several: the first that answers
  std::string ca;       // PEM files; without a ca: no TLS (loopback only)
  std::string certificate;
  std::string key;
  std::string server_name;  // in the node's certificate, where it differs from the address
  std::string token_file;   // a bearer token instead of a client certificate
  std::string language;     // zh or en
  std::string receiver;     // whose data the verbs mean where none is named
  std::string purpose;      // 使用场景
  std::string
      audit_key;  // hexadecimal public key of the node's checkpoints, as the auditor knows it
};

// INVALID_ARGUMENT with file:line:column where it is no profile, NOT_FOUND where there is no file.
// Relative paths are relative to the file.
absl::StatusOr<Profile> LoadProfile(const std::string& path);

// $HUILIU_CONFIG, else ~/.config/huiliu/cli.yaml; empty where there is no home.
std::string DefaultProfilePath();

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_PROFILE_H_
