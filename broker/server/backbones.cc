#include "broker/server/backbones.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

absl::StatusOr<KafkaOptions> OptionsOf(const KafkaConfig& config) {
  KafkaOptions options;
  options.bootstrap = config.bootstrap;
  options.prefix = config.prefix;
  options.cluster_id = config.cluster_id;
  options.replication = config.replication;
  options.min_insync = config.min_insync;
  options.security.tls = config.security == "tls";
  options.security.ca_file = config.ca;
  options.security.certificate_file = config.certificate;
  options.security.key_file = config.key;
  options.security.sasl_mechanism = config.sasl_mechanism;
  options.security.user = config.user;
  if (!config.password_file.empty()) {
    ASSIGN_OR_RETURN(options.security.password, ReadFile(config.password_file));
    absl::StripTrailingAsciiWhitespace(&options.security.password);
  }
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Backbone>> OpenBackbone(
    const Config& config, Clock& clock, std::function<void(const std::string&)> warn,
    std::function<std::string(absl::string_view topic)> framing) {
  if (config.backbone == "kafka") {
    ASSIGN_OR_RETURN(KafkaOptions options, OptionsOf(config.kafka));
    options.warn = std::move(warn);
    options.framing = std::move(framing);
    ASSIGN_OR_RETURN(auto kafka, KafkaBackbone::Open(std::move(options)));
    return std::unique_ptr<Backbone>(std::move(kafka));
  }
  EmbeddedOptions options;
  options.path = absl::StrCat(config.data_dir, "/backbone");
  options.warn = std::move(warn);
  ASSIGN_OR_RETURN(auto embedded, EmbeddedBackbone::Open(options, clock));
  return std::unique_ptr<Backbone>(std::move(embedded));
}

}  // namespace huiliu::server
