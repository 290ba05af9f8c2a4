// huiliud: the node.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "broker/server/await_brokers.h"
#include "broker/server/config.h"
#include "broker/server/node.h"
#include "broker/server/stop_within.h"
#include "core/base/status.h"
#include "core/command_line/usage_errors.h"

namespace {

constexpr absl::Duration kStopLimit = absl::Seconds(30);
constexpr absl::Duration kAgain = absl::Seconds(1);

// CANCELLED: `ended` said so before there was a node.
absl::StatusOr<std::unique_ptr<huiliu::server::Node>> OpenWhenPossible(
    const huiliu::server::Config& config, const std::function<bool(absl::Duration)>& ended) {
  while (true) {
    RETURN_IF_ERROR(huiliu::server::AwaitBrokers(config, ended));
    auto node = huiliu::server::Node::Open(config);
    // Brokers that go again while it opens are waited for, too.
    if (config.backbone != "kafka" || !absl::IsUnavailable(node.status()) ||
        absl::StartsWith(node.status().message(), "listen."))
      return node;
    spdlog::error("not started yet: {}", node.status().ToString());
    if (ended(kAgain)) return absl::CancelledError("told to end before the node was open");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"huiliud — 回流节点 (the node of Huiliu)", "huiliud"};
  app.failure_message(huiliu::command_line::UsageError);
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
  const auto ended = [&stop](absl::Duration wait) {
    const timespec time = absl::ToTimespec(wait);
    return sigtimedwait(&stop, nullptr, &time) > 0;
  };
  auto node = OpenWhenPossible(*config, ended);
  if (absl::IsCancelled(node.status())) return 0;
  if (!node.ok()) {
    spdlog::critical("cannot start: {}", node.status().ToString());
    return 1;
  }
  spdlog::info("ready node={} grpc={} http={}", config->node, (*node)->grpc_port(),
               (*node)->http_port());
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  spdlog::info("stopping signal={}", signal_number);
  huiliu::server::StopWithin(
      [&] { (*node)->Stop(); }, config->backbone == "kafka" ? kStopLimit : absl::InfiniteDuration(),
      [] {
        spdlog::warn(
            "stopping took too long; ended as if killed: nothing that was acknowledged is lost");
        _exit(0);
      });
  return 0;
}
