#include "broker/server/await_brokers.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "broker/http/connect_server.h"
#include "broker/server/kafka_settings.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

constexpr absl::Duration kOneTry = absl::Seconds(3);
constexpr absl::Duration kBetween = absl::Seconds(1);

// Answers /healthz while there is no node.
class Waiting {
 public:
  absl::Status Start(const Config& config) {
    if (config.http_address.empty()) return absl::OkStatus();
    http::ConnectServer::Options web;
    web.address = config.http_address;
    web.ca = config.tls.ca;
    web.certificate = config.tls.certificate;
    web.key = config.tls.key;
    http::ConnectServer::Pages pages;
    pages.health = [this] {
      absl::MutexLock lock(&mutex_);
      return last_;
    };
    pages.metrics = [] { return std::string("huiliu_worker_failing{worker=\"brokers\"} 1\n"); };
    auto server = http::ConnectServer::Start(web, methods_, state_, std::move(pages));
    RETURN_IF_ERROR(Annotate(server.status(), "listen.http"));
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  ~Waiting() {
    if (server_ != nullptr) server_->Stop();
  }
  // Whether it is something new.
  bool Say(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    const bool changed = last_ != status;
    last_ = status;
    return changed;
  }

 private:
  const service::MethodTable methods_{};
  const governance::State state_{};
  absl::Mutex mutex_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<http::ConnectServer> server_;
};

}  // namespace

absl::Status AwaitBrokers(const Config& config, const std::function<bool(absl::Duration)>& ended) {
  if (config.backbone != "kafka") return absl::OkStatus();
  ASSIGN_OR_RETURN(KafkaOptions options, KafkaOptionsOf(config.kafka));
  options.request_timeout = kOneTry;
  std::unique_ptr<Waiting> waiting;
  while (true) {
    const absl::Status reached = KafkaBackbone::Reach(options);
    if (!absl::IsUnavailable(reached)) return reached;
    const bool first = waiting == nullptr;
    if (first) waiting = std::make_unique<Waiting>();
    const std::string text = absl::StrCat(
        "尚无 Kafka 应答，等待其启动；请查看 broker 与 kafka.bootstrap / waiting for Kafka, of "
        "which "
        "no broker answers: look at the brokers and at kafka.bootstrap: ",
        reached.message());
    if (waiting->Say(absl::UnavailableError(text)))
      spdlog::error("worker=brokers error=\"{}\" retry=1s", text);
    if (first) RETURN_IF_ERROR(waiting->Start(config));
    if (ended(kBetween)) return absl::CancelledError("told to end while waiting for brokers");
  }
}

}  // namespace huiliu::server
