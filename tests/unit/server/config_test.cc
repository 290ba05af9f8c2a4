#include "broker/server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/server/kafka_settings.h"
#include "core/base/files.h"

namespace huiliu::server {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest()
      : folder_((std::filesystem::path(testing::TempDir()) / "server_config")
                    .lexically_normal()
                    .string()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(WriteFileDurably(path, text, 0600).ok());
    return path;
  }
  absl::StatusOr<Config> Load(const std::string& text) {
    return LoadConfig(Write("node.yaml", text));
  }
  // What is said of a configuration that must be refused.
  std::string Refusal(const std::string& text, StatusCode code = StatusCode::kInvalidArgument) {
    const auto config = Load(text);
    EXPECT_EQ(config.status().code(), code) << text;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr("node.yaml")) << text;
    return std::string(config.status().message());
  }
  std::string BootstrapRefusal(const std::string& text) {
    const auto bootstrap = LoadBootstrap(Write("bootstrap.yaml", text));
    EXPECT_FALSE(bootstrap.ok()) << text;
    return std::string(bootstrap.status().message());
  }

  const std::string folder_;
};

TEST_F(ConfigTest, EveryKeyIsRead) {
  const auto config = Load(R"(
node: kunming
data_dir: state
listen: {grpc: "127.0.0.1:1", http: ""}
divisions: /usr/share/divisions
bootstrap: ../first.yaml
topics: {partitions: 4, source_retention: 48h}
office_hours: {first_weekday: 2, last_weekday: 6, from_hour: 8, to_hour: 18}
block_cache_mib: 64
checkpoint_every: 5s
log_level: debug
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->node, "kunming");
  EXPECT_EQ(config->data_dir, folder_ + "/state");  // relative to the file
  EXPECT_EQ(config->bootstrap,
            std::filesystem::path(folder_).parent_path().string() + "/first.yaml");
  EXPECT_EQ(config->divisions_dir, "/usr/share/divisions");
  EXPECT_EQ(config->http_address, "");
  EXPECT_EQ(config->topics.partitions, 4);
  EXPECT_EQ(config->topics.source_retention, absl::Hours(48));
  EXPECT_EQ(config->office_hours.to_hour, 18);
  EXPECT_EQ(config->block_cache_mib, 64);
  EXPECT_EQ(config->checkpoint_every, absl::Seconds(5));
  EXPECT_FALSE(config->tls.enabled());
}

TEST_F(ConfigTest, KafkasOwnTimesAndPropertiesCanBeSet) {
  const std::string head = "data_dir: state\ndivisions: d\nbackbone: kafka\n";
  const auto config = Load(head + R"(
topics: {tombstone_retention: 72h}
kafka:
  bootstrap: 127.0.0.1:9092
  compaction_lag: 1h
  session_timeout: 9s
  transaction_timeout: 15s
  properties: {socket.send.buffer.bytes: 1000000, linger.ms: "1"}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  const auto options = KafkaOptionsOf(config->kafka);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->compaction_lag, absl::Hours(1));
  EXPECT_EQ(options->session_timeout, absl::Seconds(9));
  EXPECT_EQ(options->transaction_timeout, absl::Seconds(15));
  EXPECT_EQ(options->properties.at("linger.ms"), "1");
  EXPECT_EQ(options->properties.at("socket.send.buffer.bytes"), "1000000");
  EXPECT_EQ(config->topics.tombstone_retention, absl::Hours(72));
  for (const char* kept : {"acks", "isolation.level", "transactional.id", "sasl.password"}) {
    EXPECT_THAT(Refusal(head + "kafka: {bootstrap: \"b:1\", properties: {" + kept + ": \"1\"}}"),
                AllOf(HasSubstr("kafka.properties."), HasSubstr(kept)));
  }
  EXPECT_THAT(Refusal(head + "kafka: {bootstrap: \"b:1\", properties: [a]}"),
              HasSubstr("a mapping is expected"));
}

TEST_F(ConfigTest, AnUnknownKeyIsNamedWithItsPlaceAndTheKnownOnes) {
  EXPECT_THAT(Refusal("data_dir: x\nlisten: {gprc: \"127.0.0.1:1\"}\n"),
              AllOf(HasSubstr("node.yaml:2:10"), HasSubstr("\"gprc\""), HasSubstr("grpc, http")));
  EXPECT_THAT(Refusal("data_dir: x\n? [a]\n: 1\n"), HasSubstr("node.yaml:2:"));
}

TEST_F(ConfigTest, AKeyThatStandsTwiceIsRefused) {
  EXPECT_THAT(Refusal("data_dir: a\nnode: x\ndata_dir: b\n"),
              AllOf(HasSubstr("node.yaml:3:1"), HasSubstr("data_dir")));
}

TEST_F(ConfigTest, AValueOfAnotherTypeIsNamedWithKeyAndPlace) {
  struct Case {
    const char* key;
    const char* text;
    const char* wanted;
  };
  for (const Case& c :
       {Case{"partitions", "topics: {partitions: many}", "1 to 1024"},
        Case{"partitions", "topics: {partitions: 0}", "1 to 1024"},
        Case{"partitions", "topics: {partitions: 1.5}", "1 to 1024"},
        Case{"block_cache_mib", "block_cache_mib: [1]", "8 to 1048576"},
        Case{"source_retention", "topics: {source_retention: 7}", "30s"},
        Case{"checkpoint_every", "checkpoint_every: -1s", "30s"},
        Case{"node", "node: {a: b}", "a text"}, Case{"data_dir", "data_dir: [a]", "a text"},
        Case{"topics", "topics: 4", "a mapping"}, Case{"tls", "tls:", "a mapping"},
        Case{"log_level", "log_level: loud", "debug, info, warning, error"},
        Case{"to_hour", "office_hours: {to_hour: 25}", "0 to 24"}}) {
    EXPECT_THAT(Refusal(std::string(c.text) + "\n"), AllOf(HasSubstr(c.key), HasSubstr(c.wanted)))
        << c.text;
  }
}

TEST_F(ConfigTest, WhatIsNoYamlIsNamedWithItsPlace) {
  EXPECT_THAT(Refusal("data_dir: x\nlisten: {grpc\n"), HasSubstr("node.yaml:"));
  EXPECT_THAT(Refusal(""), HasSubstr("a mapping"));
  EXPECT_THAT(Refusal("- a\n"), HasSubstr("a mapping"));
  EXPECT_THAT(Refusal("\t"), HasSubstr("node.yaml:"));
  EXPECT_EQ(LoadConfig(folder_ + "/no-such.yaml").status().code(), StatusCode::kNotFound);
}

TEST_F(ConfigTest, DataDirAndDivisionsAreRequired) {
  EXPECT_THAT(Refusal("node: x\n"), HasSubstr("data_dir is required"));
  EXPECT_THAT(Refusal("data_dir: x\n"),
              AllOf(HasSubstr("divisions is required"), HasSubstr("须配置行政区划表")));
}

TEST_F(ConfigTest, OfficeHoursGoForward) {
  EXPECT_THAT(Refusal("data_dir: x\noffice_hours: {from_hour: 18, to_hour: 9}\n"),
              HasSubstr("office_hours"));
  EXPECT_THAT(Refusal("data_dir: x\noffice_hours: {first_weekday: 6, last_weekday: 2}\n"),
              HasSubstr("office_hours"));
}

TEST_F(ConfigTest, WithoutTlsOnlyLoopbackIsListenedOn) {
  for (const char* address : {"0.0.0.0:7443", "[::]:7443", ":7443", "10.0.0.1:7443",
                              "node.example:7443", "127.evil.example:1", "localhost.evil:1"}) {
    for (const char* key : {"grpc", "http"}) {
      EXPECT_THAT(Refusal(std::string("data_dir: x\nlisten: {") + key + ": \"" + address + "\"}\n",
                          StatusCode::kFailedPrecondition),
                  AllOf(HasSubstr(address), HasSubstr(std::string("listen.") + key),
                        HasSubstr("tls.certificate"), HasSubstr("未配置 TLS")))
          << address;
    }
  }
  for (const char* address : {"127.0.0.1:1", "127.8.9.1:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(
        Load(std::string("data_dir: x\ndivisions: d\nlisten: {grpc: \"") + address + "\"}\n").ok())
        << address;
  }
  for (const char* file : {"a", "b", "c"}) Write(file, "PEM");
  EXPECT_TRUE(Load("data_dir: x\ndivisions: d\ntls: {ca: a, certificate: b, key: c}\n"
                   "listen: {grpc: \"0.0.0.0:1\"}\n")
                  .ok());
}

TEST_F(ConfigTest, AnAddressIsHostAndPort) {
  for (const char* address :
       {"localhost", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1"}) {
    EXPECT_THAT(Refusal(std::string("data_dir: x\nlisten: {grpc: \"") + address + "\"}\n"),
                AllOf(HasSubstr("listen.grpc"), HasSubstr("host:port")))
        << address;
  }
}

TEST_F(ConfigTest, TlsIsAllOfItsFilesOrNone) {
  for (const char* tls : {"{certificate: b}", "{certificate: b, key: c}", "{ca: a, certificate: b}",
                          "{ca: a}", "{key: c}", "{ca: a, key: c}"}) {
    EXPECT_THAT(Refusal(std::string("data_dir: x\ntls: ") + tls + "\n"),
                HasSubstr("tls needs all of ca, certificate and key"))
        << tls;
  }
}

TEST_F(ConfigTest, ATlsFileThatCannotBeReadIsNamedWithItsKey) {
  for (const char* file : {"a", "b", "c"}) Write(file, "PEM");
  for (const auto& [key, tls] : {std::pair("tls.ca", "{ca: x, certificate: b, key: c}"),
                                 std::pair("tls.certificate", "{ca: a, certificate: x, key: c}"),
                                 std::pair("tls.key", "{ca: a, certificate: b, key: x}")}) {
    EXPECT_THAT(Refusal(std::string("data_dir: x\ntls: ") + tls + "\n", StatusCode::kNotFound),
                AllOf(HasSubstr(key), HasSubstr(folder_ + "/x")));
  }
}

TEST_F(ConfigTest, ABootstrapIsRead) {
  const auto bootstrap = LoadBootstrap(Write("bootstrap.yaml", R"(
receivers: [{id: "530100", title: 昆明市, divisions: ["530100"]}]
organisations: [{id: km-data, title: 数据局, receiver: "530100"}]
accounts:
  - id: admin
    organisation: km-data
    roles: [system_administrator, agent]
    token_sha256: "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
)"));
  ASSERT_TRUE(bootstrap.ok()) << bootstrap.status();
  EXPECT_EQ(bootstrap->receivers[0].divisions(0), "530100");
  EXPECT_EQ(bootstrap->organisations[0].receiver(), "530100");
  EXPECT_EQ(bootstrap->accounts[0].roles_size(), 2);
  EXPECT_EQ(bootstrap->accounts[0].token_sha256(0).size(), 32u);
}

TEST_F(ConfigTest, ABootstrapsErrorNamesItsPlaceAndNoSecret) {
  EXPECT_THAT(BootstrapRefusal("accounts:\n  - {id: a, roles: [king]}\n"),
              AllOf(HasSubstr("bootstrap.yaml:2:"), HasSubstr("system_administrator")));
  const std::string secret = BootstrapRefusal("accounts:\n  - {id: a, token_sha256: geheim}\n");
  EXPECT_THAT(secret, AllOf(HasSubstr("bootstrap.yaml:2:"), HasSubstr("64 hexadecimal")));
  EXPECT_THAT(secret, testing::Not(HasSubstr("geheim")));
  EXPECT_THAT(BootstrapRefusal("accounts: {id: a}\n"),
              AllOf(HasSubstr("bootstrap.yaml:1:"), HasSubstr("a list")));
  EXPECT_THAT(BootstrapRefusal("receivers:\n  - {id: a, divisions: b}\n"),
              AllOf(HasSubstr("divisions"), HasSubstr("bootstrap.yaml:2:")));
  EXPECT_THAT(
      BootstrapRefusal("accounts:\n  - {id: a, certificate: no-such.pem}\n"),
      AllOf(HasSubstr("certificate"), HasSubstr("no-such.pem"), HasSubstr("bootstrap.yaml:2:")));
  Write("torn.pem", "-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(BootstrapRefusal("accounts:\n  - {id: a, certificate: torn.pem}\n"),
              HasSubstr("torn.pem"));
}

}  // namespace
}  // namespace huiliu::server
