// What the configuration says of Kafka, checked, and as the backbone takes it.
#ifndef HUILIU_BROKER_SERVER_KAFKA_SETTINGS_H_
#define HUILIU_BROKER_SERVER_KAFKA_SETTINGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/backbone/kafka/kafka_backbone.h"
#include "broker/server/config.h"

namespace huiliu::server {

// INVALID_ARGUMENT names the key in the file at `path`.
absl::Status CheckBackbone(const std::string& path, const Config& config);
// Reads the password's file.
absl::StatusOr<KafkaOptions> KafkaOptionsOf(const KafkaConfig& config);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_KAFKA_SETTINGS_H_
