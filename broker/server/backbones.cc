#include "broker/server/backbones.h"

#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/embedded_backbone.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "broker/pipeline/position_checks.h"
#include "broker/server/kafka_settings.h"
#include "core/base/status.h"

namespace huiliu::server {
absl::StatusOr<std::unique_ptr<Backbone>> OpenBackbone(const Config& config, Clock& clock,
                                                       std::function<void(const std::string&)> warn,
                                                       Framing framing, OnForeign on_foreign) {
  if (config.backbone == "kafka") {
    ASSIGN_OR_RETURN(KafkaOptions options, KafkaOptionsOf(config.kafka));
    options.warn = std::move(warn);
    options.framing = std::move(framing.before);
    options.why_not_position = &pipeline::WhyNotPosition;
    options.on_foreign = std::move(on_foreign);
    options.knows_schema = std::move(framing.knows);
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
