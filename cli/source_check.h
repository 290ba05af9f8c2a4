// `huiliu source check`: connects and shows a few mapped rows with their findings before anything
// is registered.
#ifndef HUILIU_CLI_SOURCE_CHECK_H_
#define HUILIU_CLI_SOURCE_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "cli/command.h"

namespace huiliu::cli {

struct SourceCheckOptions {
  std::string agent_config;  // agent.yaml
  std::string source;        // its id there
  std::string contract;      // .proto file; empty: the node's or the schemas folder's
  std::string schemas;
  size_t rows = 5;
  int wait_seconds = 30;  // for the first row
};

// Nothing is published or remembered. Rows that would be kept for repair are findings. A plugin
// that crashes is an error that names the signal, not the end of this process.
absl::Status CheckSource(Command& command, const SourceCheckOptions& options);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_SOURCE_CHECK_H_
