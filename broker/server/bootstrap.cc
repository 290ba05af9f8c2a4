#include "broker/server/bootstrap.h"

#include "broker/server/config.h"
#include "core/base/status.h"

namespace huiliu::server {

absl::Status ApplyBootstrap(const std::string& path, const governance::State& state,
                            pipeline::GovernanceCommands& commands) {
  if (state.version() > 0 || path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Bootstrap read, LoadBootstrap(path));
  return Annotate(commands.Bootstrap({read.receivers, read.organisations, read.accounts}), path);
}

}  // namespace huiliu::server
