// huiliud: the node.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "absl/synchronization/mutex.h"
#include "broker/server/config.h"
#include "broker/server/node.h"

int main(int argc, char** argv) {
  CLI::App app{"huiliud — 回流节点 (the node of Huiliu)"};
  std::string config_path;
  app.add_option("--config", config_path, "node.yaml")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  // The detector costs more than the locks it watches.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  spdlog::set_default_logger(spdlog::stderr_color_mt("huiliud"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  const auto config = huiliu::server::LoadConfig(config_path);
  if (!config.ok()) {
    spdlog::critical("{}", std::string(config.status().message()));
    return 2;
  }
  spdlog::set_level(spdlog::level::from_str(config->log_level));
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  auto node = huiliu::server::Node::Open(*config);
  if (!node.ok()) {
    spdlog::critical("cannot start: {}", node.status().ToString());
    return 1;
  }
  spdlog::info("ready node={} grpc={} http={}", config->node, (*node)->grpc_port(),
               (*node)->http_port());
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  spdlog::info("stopping signal={}", signal_number);
  (*node)->Stop();
  return 0;
}
