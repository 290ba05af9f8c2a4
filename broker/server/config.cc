#include "broker/server/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/server/kafka_settings.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/loopback.h"
#include "core/base/status.h"

namespace huiliu::server {
namespace {

using absl::InvalidArgumentError;
using absl::StrCat;

std::string Place(const std::string& path, const YAML::Node& node) {
  // An empty document has no place of its own.
  return StrCat(path, ":", std::max(node.Mark().line, 0) + 1, ":",
                std::max(node.Mark().column, 0) + 1);
}

// "…: a text is expected [tls.key]": the way to the value from the root, built from its end.
absl::Status AtKey(const absl::Status& status, absl::string_view key) {
  if (status.ok()) return status;
  std::string text(status.message());
  const size_t open = text.rfind(" [");
  if (open != std::string::npos && text.back() == ']') {
    text.insert(open + 2, StrCat(key, "."));
  } else {
    absl::StrAppend(&text, " [", key, "]");
  }
  return absl::Status(status.code(), text);
}

// Reads the keys of one mapping; every key must have a reader.
using Readers = std::map<std::string, std::function<absl::Status(const YAML::Node&)>>;

absl::Status ReadMapping(const std::string& path, const YAML::Node& node, const Readers& readers) {
  if (!node.IsMap())
    return InvalidArgumentError(
        StrCat(Place(path, node), ": a mapping is expected (此处应为键值映射)"));
  std::set<std::string> seen;
  for (const auto& item : node) {
    const std::string key = item.first.Scalar();
    const auto reader = readers.find(key);
    if (reader == readers.end()) {
      std::string known;
      for (const auto& [name, r] : readers)
        absl::StrAppend(&known, known.empty() ? "" : ", ", name);
      return InvalidArgumentError(StrCat(Place(path, item.first), ": unknown key \"", key,
                                         "\"; known are: ", known, " (不认识的键)"));
    }
    if (!seen.insert(key).second) {
      return InvalidArgumentError(
          StrCat(Place(path, item.first), ": key \"", key, "\" stands twice (键重复)"));
    }
    RETURN_IF_ERROR(AtKey(reader->second(item.second), key));
  }
  return absl::OkStatus();
}

// Readers for one value each.
auto Text(const std::string& path, std::string* out) {
  return [&path, out](const YAML::Node& node) -> absl::Status {
    if (!node.IsScalar())
      return InvalidArgumentError(StrCat(Place(path, node), ": a text is expected (此处应为文本)"));
    *out = node.Scalar();
    return absl::OkStatus();
  };
}

auto File(const std::string& path, std::string* out) {
  return [&path, out](const YAML::Node& node) -> absl::Status {
    RETURN_IF_ERROR(Text(path, out)(node));
    if (!out->empty() && (*out)[0] != '/') {
      *out = (std::filesystem::path(path).parent_path() / *out).lexically_normal().string();
    }
    return absl::OkStatus();
  };
}

template <typename Int>
auto Integer(const std::string& path, Int* out, int64_t least, int64_t most) {
  return [&path, out, least, most](const YAML::Node& node) -> absl::Status {
    int64_t value = 0;
    if (!node.IsScalar() || !absl::SimpleAtoi(node.Scalar(), &value) || value < least ||
        value > most) {
      return InvalidArgumentError(StrCat(Place(path, node), ": a whole number from ", least, " to ",
                                         most, " is expected (此处应为整数)"));
    }
    *out = static_cast<Int>(value);
    return absl::OkStatus();
  };
}

auto Span(const std::string& path, absl::Duration* out) {
  return [&path, out](const YAML::Node& node) -> absl::Status {
    if (!node.IsScalar() || !absl::ParseDuration(node.Scalar(), out) ||
        *out <= absl::ZeroDuration()) {
      return InvalidArgumentError(
          StrCat(Place(path, node), ": a duration such as 30s or 168h is expected (此处应为时长)"));
    }
    return absl::OkStatus();
  };
}

// Names and values as they stand.
auto Texts(const std::string& path, std::map<std::string, std::string>* out) {
  return [&path, out](const YAML::Node& node) -> absl::Status {
    if (!node.IsMap())
      return InvalidArgumentError(
          StrCat(Place(path, node), ": a mapping is expected (此处应为键值映射)"));
    for (const auto& item : node)
      RETURN_IF_ERROR(
          AtKey(Text(path, &(*out)[item.first.Scalar()])(item.second), item.first.Scalar()));
    return absl::OkStatus();
  };
}

absl::StatusOr<YAML::Node> LoadYaml(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& e) {
    return InvalidArgumentError(
        StrCat(path, ":", e.mark.line + 1, ":", e.mark.column + 1, ": ", e.msg));
  }
}

bool HasPort(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const size_t colon = address.rfind(':');
  int port = -1;
  return colon != absl::string_view::npos && absl::SimpleAtoi(address.substr(colon + 1), &port) &&
         port >= 0 && port <= 65535;
}

absl::Status CheckTls(const std::string& path, const TlsFiles& tls) {
  const std::pair<const char*, const std::string*> files[] = {
      {"ca", &tls.ca}, {"certificate", &tls.certificate}, {"key", &tls.key}};
  const auto given = std::count_if(std::begin(files), std::end(files),
                                   [](const auto& file) { return !file.second->empty(); });
  if (given == 0) return absl::OkStatus();
  if (given < 3)
    return InvalidArgumentError(
        StrCat(path, ": tls needs all of ca, certificate and key (tls 三项须齐全)"));
  for (const auto& [key, file] : files) {
    const absl::Status read = ReadFile(*file).status();
    if (!read.ok())
      return absl::Status(read.code(), StrCat(path, ": tls.", key, ": ", read.message()));
  }
  return absl::OkStatus();
}

absl::Status CheckListeners(const std::string& path, const Config& config) {
  RETURN_IF_ERROR(CheckTls(path, config.tls));
  for (const auto& [key, address] : {std::pair("listen.grpc", config.grpc_address),
                                     std::pair("listen.http", config.http_address)}) {
    if (address.empty() && key == absl::string_view("listen.http")) continue;
    if (!HasPort(address)) {
      return InvalidArgumentError(
          StrCat(path, ": ", key, ": \"", address, "\" is not host:port (应为 主机:端口)"));
    }
    if (config.tls.enabled() || IsLoopback(address)) continue;
    return absl::FailedPreconditionError(
        StrCat(path, ": ", key, ": without TLS the node listens on loopback only, not on ", address,
               "; set tls.certificate, tls.key and tls.ca (未配置 TLS 时只允许监听本机地址)"));
  }
  return absl::OkStatus();
}

absl::Status CheckOfficeHours(const std::string& path, const service::OfficeHours& hours) {
  if (hours.first_weekday <= hours.last_weekday && hours.from_hour < hours.to_hour)
    return absl::OkStatus();
  return InvalidArgumentError(
      StrCat(path, ": office_hours: first_weekday is not after last_weekday, and from_hour is ",
             "before to_hour (办公时间的起止颠倒)"));
}

absl::StatusOr<std::string> CertificateSha256(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  constexpr absl::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  const size_t begin = pem.find(std::string(kBegin));
  const size_t end = pem.find("-----END CERTIFICATE-----");
  std::string der;
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    return InvalidArgumentError(StrCat(path, ": no certificate in PEM form (不含 PEM 证书)"));
  }
  std::string base64 = pem.substr(begin + kBegin.size(), end - begin - kBegin.size());
  base64.erase(std::remove_if(base64.begin(), base64.end(),
                              [](unsigned char c) { return std::isspace(c) != 0; }),
               base64.end());
  if (!absl::Base64Unescape(base64, &der))
    return InvalidArgumentError(StrCat(path, ": the certificate is damaged (证书已损坏)"));
  return ToString(Sha256(der));
}

absl::Status ReadList(const std::string& path, const YAML::Node& node,
                      const std::function<absl::Status(const YAML::Node&)>& read) {
  if (!node.IsSequence())
    return InvalidArgumentError(StrCat(Place(path, node), ": a list is expected (此处应为列表)"));
  for (const YAML::Node& item : node) RETURN_IF_ERROR(read(item));
  return absl::OkStatus();
}

absl::Status ReadReceiver(const std::string& path, const YAML::Node& node, Bootstrap* out) {
  huiliu::v1::Receiver receiver;
  RETURN_IF_ERROR(ReadMapping(path, node,
                              {{"id", Text(path, receiver.mutable_id())},
                               {"title", Text(path, receiver.mutable_title())},
                               {"divisions", [&](const YAML::Node& list) {
                                  return ReadList(path, list, [&](const YAML::Node& n) {
                                    return Text(path, receiver.add_divisions())(n);
                                  });
                                }}}));
  out->receivers.push_back(std::move(receiver));
  return absl::OkStatus();
}

absl::Status ReadOrganisation(const std::string& path, const YAML::Node& node, Bootstrap* out) {
  huiliu::v1::Organisation organisation;
  RETURN_IF_ERROR(ReadMapping(path, node,
                              {{"id", Text(path, organisation.mutable_id())},
                               {"title", Text(path, organisation.mutable_title())},
                               {"uscc", Text(path, organisation.mutable_uscc())},
                               {"receiver", Text(path, organisation.mutable_receiver())}}));
  out->organisations.push_back(std::move(organisation));
  return absl::OkStatus();
}

absl::Status ReadRole(const std::string& path, const YAML::Node& node,
                      huiliu::v1::Account* account) {
  huiliu::v1::Role role;
  const std::string name =
      StrCat("ROLE_", absl::AsciiStrToUpper(node.IsScalar() ? node.Scalar() : ""));
  if (!huiliu::v1::Role_Parse(name, &role) || role == huiliu::v1::ROLE_UNSPECIFIED) {
    return InvalidArgumentError(
        StrCat(Place(path, node),
               ": a role is one of system_administrator, security_administrator, "
               "audit_administrator, agent, consumer, data_officer (没有这种角色)"));
  }
  account->add_roles(role);
  return absl::OkStatus();
}

absl::Status ReadAccount(const std::string& path, const YAML::Node& node, Bootstrap* out) {
  huiliu::v1::Account account;
  const auto certificate = [&](const YAML::Node& n) -> absl::Status {
    std::string file;
    RETURN_IF_ERROR(File(path, &file)(n));
    auto digest = CertificateSha256(file);
    if (!digest.ok()) {
      return absl::Status(digest.status().code(),
                          StrCat(Place(path, n), ": ", digest.status().message()));
    }
    account.add_certificate_sha256(*std::move(digest));
    return absl::OkStatus();
  };
  const auto token = [&](const YAML::Node& n) -> absl::Status {
    std::string hex;
    RETURN_IF_ERROR(Text(path, &hex)(n));
    const std::string bytes = absl::HexStringToBytes(hex);
    if (hex.size() != 64 || absl::BytesToHexString(bytes) != absl::AsciiStrToLower(hex)) {
      return InvalidArgumentError(StrCat(
          Place(path, n),
          ": 64 hexadecimal digits (SHA-256 of the token) are expected (应为令牌的 SHA-256)"));
    }
    account.add_token_sha256(bytes);
    return absl::OkStatus();
  };
  const auto roles = [&](const YAML::Node& list) {
    return ReadList(path, list, [&](const YAML::Node& n) { return ReadRole(path, n, &account); });
  };
  RETURN_IF_ERROR(ReadMapping(path, node,
                              {{"id", Text(path, account.mutable_id())},
                               {"organisation", Text(path, account.mutable_organisation())},
                               {"roles", roles},
                               {"certificate", certificate},
                               {"token_sha256", token}}));
  out->accounts.push_back(std::move(account));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCluster(const std::string& path, const YAML::Node& root, Config* config) {
  ClusterConfig& cluster = config->cluster;
  if (!root["cluster"].IsDefined()) return absl::OkStatus();
  if (cluster.name.empty())
    return InvalidArgumentError(StrCat(path, ": cluster.name is required (必填)"));
  if (config->backbone != "kafka") {
    return InvalidArgumentError(
        StrCat(path, ": cluster: several nodes need backbone: kafka (多节点须以 Kafka 为骨干)"));
  }
  if (!root["node"].IsDefined()) {
    return InvalidArgumentError(StrCat(
        path, ": cluster: each node needs a name of its own under node (每个节点须有自己的名称)"));
  }
  if (cluster.key_file.empty()) {
    return InvalidArgumentError(
        StrCat(path,
               ": cluster.key_file is required: make it once with  openssl rand -out "
               "cluster.key 32  and give it to every node (各节点须用同一份密钥)"));
  }
  if (cluster.address.empty()) cluster.address = config->grpc_address;
  if (!HasPort(cluster.address) || absl::StartsWith(cluster.address, "unix:")) {
    return InvalidArgumentError(StrCat(path, ": cluster.address: \"", cluster.address,
                                       "\" is not host:port (应为 主机:端口)"));
  }
  if (absl::StartsWith(cluster.address, "0.0.0.0:") || absl::StartsWith(cluster.address, "[::]:")) {
    return InvalidArgumentError(StrCat(path,
                                       ": cluster.address is required: other nodes cannot reach ",
                                       cluster.address, " (其他节点须能连到此地址)"));
  }
  if (!config->tls.enabled() && !IsLoopback(cluster.address)) {
    return absl::FailedPreconditionError(
        StrCat(path, ": cluster.address: without TLS nodes talk on loopback only, not on ",
               cluster.address, " (未配置 TLS 时节点之间只能经本机地址通信)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const YAML::Node root, LoadYaml(path));
  Config config;
  const auto listen = [&](const YAML::Node& node) {
    return ReadMapping(
        path, node,
        {{"grpc", Text(path, &config.grpc_address)}, {"http", Text(path, &config.http_address)}});
  };
  const auto tls = [&](const YAML::Node& node) {
    return ReadMapping(path, node,
                       {{"ca", File(path, &config.tls.ca)},
                        {"certificate", File(path, &config.tls.certificate)},
                        {"key", File(path, &config.tls.key)}});
  };
  KafkaConfig& k = config.kafka;
  const auto kafka = [&](const YAML::Node& node) {
    return ReadMapping(path, node,
                       {{"bootstrap", Text(path, &k.bootstrap)},
                        {"prefix", Text(path, &k.prefix)},
                        {"cluster_id", Text(path, &k.cluster_id)},
                        {"replication", Integer(path, &k.replication, 1, 100)},
                        {"min_insync", Integer(path, &k.min_insync, 1, 100)},
                        {"security", Text(path, &k.security)},
                        {"ca", File(path, &k.ca)},
                        {"certificate", File(path, &k.certificate)},
                        {"key", File(path, &k.key)},
                        {"sasl_mechanism", Text(path, &k.sasl_mechanism)},
                        {"user", Text(path, &k.user)},
                        {"password_file", File(path, &k.password_file)},
                        {"compaction_lag", Span(path, &k.compaction_lag)},
                        {"session_timeout", Span(path, &k.session_timeout)},
                        {"transaction_timeout", Span(path, &k.transaction_timeout)},
                        {"properties", Texts(path, &k.properties)}});
  };
  const auto topics = [&](const YAML::Node& node) {
    return ReadMapping(path, node,
                       {{"partitions", Integer(path, &config.topics.partitions, 1, 1024)},
                        {"source_retention", Span(path, &config.topics.source_retention)},
                        {"tombstone_retention", Span(path, &config.topics.tombstone_retention)}});
  };
  const auto hours = [&](const YAML::Node& node) {
    return ReadMapping(path, node,
                       {{"first_weekday", Integer(path, &config.office_hours.first_weekday, 1, 7)},
                        {"last_weekday", Integer(path, &config.office_hours.last_weekday, 1, 7)},
                        {"from_hour", Integer(path, &config.office_hours.from_hour, 0, 24)},
                        {"to_hour", Integer(path, &config.office_hours.to_hour, 0, 24)}});
  };
  ClusterConfig& c = config.cluster;
  const auto cluster = [&](const YAML::Node& node) {
    return ReadMapping(path, node,
                       {{"name", Text(path, &c.name)},
                        {"key_file", File(path, &c.key_file)},
                        {"address", Text(path, &c.address)},
                        {"standbys", Integer(path, &c.standbys, 0, 8)},
                        {"lanes", Integer(path, &c.lanes, 1, 256)},
                        {"lease", Span(path, &c.lease)},
                        {"dead_after", Span(path, &c.dead_after)}});
  };
  RETURN_IF_ERROR(
      ReadMapping(path, root,
                  {{"node", Text(path, &config.node)},
                   {"data_dir", File(path, &config.data_dir)},
                   {"listen", listen},
                   {"tls", tls},
                   {"divisions", File(path, &config.divisions_dir)},
                   {"bootstrap", File(path, &config.bootstrap)},
                   {"backbone", Text(path, &config.backbone)},
                   {"kafka", kafka},
                   {"cluster", cluster},
                   {"topics", topics},
                   {"office_hours", hours},
                   {"block_cache_mib", Integer(path, &config.block_cache_mib, 8, 1 << 20)},
                   {"checkpoint_every", Span(path, &config.checkpoint_every)},
                   {"log_level", Text(path, &config.log_level)}}));
  constexpr absl::string_view kLevels[] = {"debug", "info", "warning", "error"};
  if (std::find(std::begin(kLevels), std::end(kLevels), config.log_level) == std::end(kLevels)) {
    return InvalidArgumentError(
        StrCat(path, ": log_level is one of debug, info, warning, error (没有这种日志级别)"));
  }
  if (config.data_dir.empty())
    return InvalidArgumentError(StrCat(path, ": data_dir is required (须配置数据目录)"));
  RETURN_IF_ERROR(CheckBackbone(path, config));
  RETURN_IF_ERROR(CheckOfficeHours(path, config.office_hours));
  RETURN_IF_ERROR(CheckListeners(path, config));
  RETURN_IF_ERROR(CheckCluster(path, root, &config));
  if (config.divisions_dir.empty()) {
    return InvalidArgumentError(
        StrCat(path,
               ": divisions is required: the folder of division tables, schemas/divisions "
               "(须配置行政区划表所在目录)"));
  }
  return config;
}

absl::StatusOr<Bootstrap> LoadBootstrap(const std::string& path) {
  ASSIGN_OR_RETURN(const YAML::Node root, LoadYaml(path));
  Bootstrap out;
  const auto list = [&](auto read) {
    return [&, read](const YAML::Node& node) {
      return ReadList(path, node, [&](const YAML::Node& item) { return read(path, item, &out); });
    };
  };
  RETURN_IF_ERROR(ReadMapping(path, root,
                              {{"receivers", list(ReadReceiver)},
                               {"organisations", list(ReadOrganisation)},
                               {"accounts", list(ReadAccount)}}));
  return out;
}

}  // namespace huiliu::server
