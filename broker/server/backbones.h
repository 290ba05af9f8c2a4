// The backbone that the configuration asks for.
#ifndef HUILIU_BROKER_SERVER_BACKBONES_H_
#define HUILIU_BROKER_SERVER_BACKBONES_H_

#include <functional>
#include <memory>
#include <string>

#include "broker/backbone/backbone.h"
#include "broker/server/config.h"
#include "core/base/clock.h"

namespace huiliu::server {

// How values of a topic are framed in Kafka: KafkaOptions.framing, KafkaOptions.knows_schema.
struct Framing {
  std::function<std::string(absl::string_view topic)> before;
  std::function<bool(absl::string_view topic, uint32_t schema_id)> knows;
};

// What is said of messages of others in Kafka's own topics: KafkaOptions.on_foreign.
using OnForeign = std::function<void(const TopicPartition&, Offset, absl::string_view why)>;

absl::StatusOr<std::unique_ptr<Backbone>> OpenBackbone(const Config& config, Clock& clock,
                                                       std::function<void(const std::string&)> warn,
                                                       Framing framing, OnForeign on_foreign);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_BACKBONES_H_
