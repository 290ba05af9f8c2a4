#include "broker/server/kafka_settings.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

using absl::InvalidArgumentError;
using absl::StrCat;

// What the atomic commit, fencing and reading rest on, and what has a key of its own.
absl::Status CheckProperty(const std::string& path, const std::string& name) {
  static const auto& ours = *new std::set<std::string>{
      "acks",
      "auto.offset.reset",
      "bootstrap.servers",
      "check.crcs",
      "debug",
      "enable.auto.commit",
      "enable.auto.offset.store",
      "enable.idempotence",
      "enable.partition.eof",
      "group.id",
      "isolation.level",
      "max.in.flight",
      "max.in.flight.requests.per.connection",
      "message.timeout.ms",
      "metadata.broker.list",
      "partition.assignment.strategy",
      "request.required.acks",
      "sasl.mechanism",
      "sasl.mechanisms",
      "sasl.password",
      "sasl.username",
      "security.protocol",
      "session.timeout.ms",
      "ssl.key.password",
      "transaction.timeout.ms",
      "transactional.id",
  };
  if (!ours.contains(name) && !absl::EndsWith(name, ".pem")) return absl::OkStatus();
  return InvalidArgumentError(StrCat(
      path, ": kafka.properties.", name,
      " 不可在此设置：或另有配置项，或为提交与隔离所依赖 / cannot be set there: it has a key "
      "of its own, or exactly-once rests on it (docs/formats/node-config.md)"));
}

}  // namespace

absl::Status CheckBackbone(const std::string& path, const Config& config) {
  const KafkaConfig& kafka = config.kafka;
  if (config.backbone != "embedded" && config.backbone != "kafka")
    return InvalidArgumentError(
        StrCat(path, ": backbone is one of embedded, kafka (没有这种骨干)"));
  if (config.backbone == "kafka" && kafka.bootstrap.empty())
    return InvalidArgumentError(
        StrCat(path, ": backbone: kafka needs kafka.bootstrap (须配置 kafka.bootstrap)"));
  if (kafka.security != "plaintext" && kafka.security != "tls")
    return InvalidArgumentError(
        StrCat(path, ": kafka.security is one of plaintext, tls (没有这种连接方式)"));
  if (kafka.min_insync > kafka.replication)
    return InvalidArgumentError(
        StrCat(path, ": kafka.min_insync is above kafka.replication (min_insync 不能大于副本数)"));
  for (const auto& [name, value] : kafka.properties) RETURN_IF_ERROR(CheckProperty(path, name));
  return absl::OkStatus();
}

absl::StatusOr<KafkaOptions> KafkaOptionsOf(const KafkaConfig& config) {
  KafkaOptions options;
  options.bootstrap = config.bootstrap;
  options.prefix = config.prefix;
  options.cluster_id = config.cluster_id;
  options.replication = config.replication;
  options.min_insync = config.min_insync;
  options.compaction_lag = config.compaction_lag;
  options.session_timeout = config.session_timeout;
  options.transaction_timeout = config.transaction_timeout;
  options.properties = config.properties;
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

}  // namespace huiliu::server
