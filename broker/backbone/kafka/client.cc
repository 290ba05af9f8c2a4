#include "broker/backbone/kafka/client.h"

#include <algorithm>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "core/base/status.h"

namespace huiliu::kafka {
namespace {

// How long what a broker said last explains why nothing is answered now.
constexpr absl::Duration kFresh = absl::Seconds(60);
constexpr int kScramFixed = 0x02060100;  // librdkafka 2.6.1

bool IsAuthentication(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
         error == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

void OnError(rd_kafka_t*, int error, const char* reason, void* opaque) {
  if (opaque == nullptr) return;
  static_cast<Opaque*>(opaque)->Tell(
      [&](const Client& client) { client.Saw(static_cast<rd_kafka_resp_err_t>(error), reason); });
}

void OnLog(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  auto* opaque = static_cast<Opaque*>(rd_kafka_opaque(handle));
  if (opaque == nullptr) return;
  const absl::string_view what(facility);
  if (what == "FAIL" || what == "REQTMOUT") ++opaque->troubles;
  opaque->Tell([&](const Client& client) {
    if (what == "APIVERSION") client.SawVersions(text);
    if (level <= 4) client.Warn(absl::StrCat(facility, ": ", text));
  });
}

std::string ProtocolOf(const KafkaSecurity& security) {
  if (security.sasl_mechanism.empty()) return security.tls ? "ssl" : "plaintext";
  return security.tls ? "sasl_ssl" : "sasl_plaintext";
}

}  // namespace

absl::StatusCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::StatusCode::kOk;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return absl::StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return absl::StatusCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return absl::StatusCode::kUnauthenticated;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
      return absl::StatusCode::kAborted;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return absl::StatusCode::kCancelled;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return absl::StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::StatusCode::kOutOfRange;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return absl::StatusCode::kDataLoss;
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

void Opaque::Leave() {
  {
    absl::MutexLock lock(&client_mutex_);
    client_ = nullptr;
  }
  absl::MutexLock lock(&owner_mutex_);
  owner_ = nullptr;
}

bool EndHandle(Handle handle, std::shared_ptr<Opaque> opaque, Closing closing,
               absl::Duration patience) {
  const auto ended = std::make_shared<absl::Notification>();
  rd_kafka_t* const raw = handle.release();
  std::thread([raw, opaque, closing, ended] {
    if (closing == Closing::kGroup) rd_kafka_consumer_close(raw);
    rd_kafka_destroy(raw);
    ended->Notify();
  }).detach();
  if (ended->WaitForNotificationWithTimeout(patience)) return true;
  opaque->Leave();
  return false;
}

Client::Client(KafkaOptions options) : options_(std::move(options)) {}

std::string Client::Unnamed(const std::string& name) const {
  return absl::StartsWith(name, options_.prefix) ? name.substr(options_.prefix.size()) : "";
}

absl::StatusOr<Conf> Client::NewConf(const std::map<std::string, std::string>& settings) const {
  const KafkaSecurity& security = options_.security;
  std::map<std::string, std::string> all = {
      {"bootstrap.servers", options_.bootstrap},
      {"client.id", "huiliu"},
      {"security.protocol", ProtocolOf(security)},
      {"socket.keepalive.enable", "true"},
      // A broker that stands still keeps its connections: they are given up by time.
      {"socket.timeout.ms",
       absl::StrCat(Ms(std::min(options_.broker_timeout, options_.transaction_timeout)))},
      {"socket.connection.setup.timeout.ms",
       absl::StrCat(std::max(Ms(options_.broker_timeout), 1000))},
      {"api.version.request.timeout.ms", absl::StrCat(Ms(options_.broker_timeout))},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      {"topic.metadata.refresh.interval.ms", "30000"},
      // How long a topic that a broker does not know may be one that it has yet to hear of.
      {"topic.metadata.propagation.max.ms", "5000"},
  };
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) all[name] = value;
  };
  add("ssl.ca.location", security.ca_file);
  add("ssl.certificate.location", security.certificate_file);
  add("ssl.key.location", security.key_file);
  add("sasl.mechanism", security.sasl_mechanism);
  add("sasl.username", security.user);
  add("sasl.password", security.password);
  for (const auto& [name, value] : settings) all[name] = value;
  for (const auto& [name, value] : options_.properties) all[name] = value;
  Conf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : all) {
    char reason[512];
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), reason, sizeof reason) !=
        RD_KAFKA_CONF_OK) {
      const bool secret = absl::StrContains(name, "password") || absl::StrContains(name, "key");
      return absl::FailedPreconditionError(
          absl::StrCat("Kafka 设置有误 / Kafka setting ", name, ": ", secret ? "refused" : reason));
    }
  }
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  return conf;
}

absl::StatusOr<Handle> Client::NewHandle(rd_kafka_type_t type, Conf conf) const {
  char reason[512];
  Handle handle(rd_kafka_new(type, conf.get(), reason, sizeof reason));
  if (handle == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("无法建立 Kafka 客户端 / Kafka client for ",
                                                      options_.bootstrap, ": ", reason));
  }
  (void)conf.release();  // the handle's now
  return handle;
}

absl::Status Client::Failed(absl::string_view what, rd_kafka_resp_err_t error,
                            absl::string_view detail) const {
  absl::StatusCode code = CodeOf(error);
  std::string text = absl::StrCat("Kafka at ", options_.bootstrap, ": ", what, ": ",
                                  detail.empty() ? rd_kafka_err2str(error) : detail);
  if (code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kUnauthenticated) {
    absl::MutexLock lock(&mutex_);
    if (absl::Now() - last_time_ < kFresh) {
      absl::StrAppend(&text, "; last heard: ", last_reason_);
      if (IsAuthentication(last_error_)) code = absl::StatusCode::kUnauthenticated;
    }
  }
  if (code == absl::StatusCode::kUnauthenticated &&
      absl::StartsWith(options_.security.sasl_mechanism, "SCRAM") &&
      rd_kafka_version() < kScramFixed) {
    absl::StrAppend(&text, "; librdkafka ", rd_kafka_version_str(),
                    " cannot log in to Kafka 4 by SCRAM (2.6.1 can): use PLAIN over TLS");
  }
  return absl::Status(code, text);
}

void Client::Saw(rd_kafka_resp_err_t error, const char* reason) const {
  absl::MutexLock lock(&mutex_);
  // That all are down says less than why.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && absl::Now() - last_time_ < kFresh) return;
  if (error == RD_KAFKA_RESP_ERR__TRANSPORT && IsAuthentication(last_error_) &&
      absl::Now() - last_time_ < absl::Seconds(5))
    return;
  last_error_ = error;
  last_reason_ = reason;
  last_time_ = absl::Now();
}

// "… ApiKey Produce (0) Versions 3..12". ListConfigResources has its version 1 since Kafka 4.1.
void Client::SawVersions(absl::string_view text) const {
  constexpr absl::string_view kKey = "(74) Versions ";
  if (!absl::StrContains(text, ") Versions ")) return;
  bool new_enough = false;
  const size_t at = text.find(kKey);
  if (at != absl::string_view::npos) {
    const std::pair<absl::string_view, absl::string_view> range =
        absl::StrSplit(text.substr(at + kKey.size()), absl::MaxSplits("..", 1));
    int newest = 0;
    new_enough = absl::SimpleAtoi(absl::StripAsciiWhitespace(range.second), &newest) && newest >= 1;
  }
  absl::MutexLock lock(&mutex_);
  heard_versions_ = true;
  new_enough_ = new_enough_ || new_enough;
}

absl::Status Client::CheckBrokers() const {
  absl::MutexLock lock(&mutex_);
  if (!heard_versions_ || new_enough_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("Kafka at ", options_.bootstrap,
                   " 版本过旧，须为 4.1 或更新 / is older than 4.1: upgrade its brokers"));
}

void Client::Warn(const std::string& text) const {
  if (options_.warn) options_.warn(text);
}

}  // namespace huiliu::kafka
