#include "adapters/agent/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace huiliu::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kHead[] =
    R"(node: {address: "node:7443", ca: ca.pem, token_file: me.token, server_name: node.example}
state_dir: state
plugins: /usr/lib/huiliu
)";

class ConfigTest : public testing::Test {
 protected:
  ConfigTest()
      : folder_(absl::StrCat(std::filesystem::path(testing::TempDir()).parent_path().string(),
                             "/agent-config-", getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }
  absl::StatusOr<Config> Load(const std::string& text) {
    std::ofstream(folder_ + "/agent.yaml") << text;
    return LoadConfig(folder_ + "/agent.yaml");
  }
  std::string Why(const std::string& text) {
    const auto config = Load(text);
    if (config.ok()) return "loaded";
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(config.status().message());
  }
  const std::string folder_;
};

TEST_F(ConfigTest, TheNodeMustBeAbleToTellWhoTheAgentIs) {
  const auto with = [&](const std::string& node) {
    return Why(absl::StrCat("node: {", node, "}\nstate_dir: s\nplugins: p\n"));
  };
  EXPECT_THAT(with("address: \"127.0.0.1:1\""), AllOf(HasSubstr("token_file"), HasSubstr("令牌")));
  EXPECT_EQ(with("address: \"127.0.0.1:1\", token_file: t"), "loaded");
  EXPECT_EQ(with("address: \"node:1\", ca: c, token_file: t"), "loaded");
  EXPECT_EQ(with("address: \"node:1\", ca: c, certificate: e, key: k"), "loaded");
  EXPECT_THAT(with("address: \"127.evil:1\", token_file: t"), HasSubstr("is not loopback"));
  EXPECT_THAT(with("address: \"node:1\", ca: c, certificate: e"), HasSubstr("belong together"));
  EXPECT_THAT(with("address: \"node:1\", certificate: e, key: k"), HasSubstr("ca is required"));
  EXPECT_THAT(with("address: \"node:1\", ca: c, certificate: e, key: k, token_file: t"),
              HasSubstr("not both"));
}

TEST_F(ConfigTest, AWholeFileIsRead) {
  const auto config = Load(absl::StrCat(kHead, R"(agent: front-1
divisions: ../divisions
sources:
  - id: si
    plugin: file
    dataset: insurance_participation
    mapping: maps/si.yaml
    signing_key: /keys/si.pem
    batch_rows: 500
    linger_ms: 7
    options: {path: /drops, follow: false, settle_ms: 90, quoted: "12", code: 007, header: [a, 号], none: ~}
  - {id: other, plugin: postgresql, dataset: d}
landings:
  - {id: land, plugin: postgresql, receiver: "530100", dataset: d, purpose: 社会保险, options: {table: t}}
)"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->agent, "front-1");
  EXPECT_EQ(config->node.ca, folder_ + "/ca.pem");
  EXPECT_EQ(config->node.certificate, "");
  EXPECT_EQ(config->state_dir, folder_ + "/state");
  EXPECT_EQ(config->divisions,
            std::filesystem::path(folder_ + "/../divisions").lexically_normal().string());
  const SourceConfig si = *config->FindSource("si");
  EXPECT_EQ(si.mapping, folder_ + "/maps/si.yaml");
  EXPECT_EQ(si.signing_key, "/keys/si.pem");
  EXPECT_EQ(si.batch_rows, 500);
  EXPECT_EQ(si.linger_ms, 7);
  const auto options = nlohmann::json::parse(si.options_json);
  EXPECT_EQ(options, nlohmann::json::parse(R"({"path":"/drops","follow":false,"settle_ms":90,
    "quoted":"12","code":"007","header":["a","号"],"none":null})"));
  EXPECT_EQ(config->FindSource("other")->signing_key, folder_ + "/state/keys/other.pem");
  EXPECT_EQ(config->FindSource("other")->batch_rows, 1000);
  EXPECT_EQ(config->FindLanding("land")->purpose, "社会保险");
  EXPECT_EQ(config->PluginPath("file"), "/usr/lib/huiliu/huiliu_file.so");
}

TEST_F(ConfigTest, WhatIsNotThereIsNamedWithWhatIs) {
  const auto config = Load(absl::StrCat(
      kHead, "sources: [{id: a, plugin: p, dataset: d}, {id: b, plugin: p, dataset: d}]\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->FindSource("c").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(config->FindSource("c").status().message()),
              HasSubstr("no source \"c\"; there are: a, b"));
  EXPECT_THAT(std::string(config->FindLanding("x").status().message()),
              HasSubstr("there are: none"));
}

TEST_F(ConfigTest, MistakesAreNamedWithLineAndColumn) {
  const auto at = [&](int line, int column) {
    return absl::StrCat(folder_, "/agent.yaml:", line, ":", column, ": ");
  };
  EXPECT_THAT(Why(absl::StrCat(kHead, "sorces: []\n")),
              AllOf(HasSubstr(at(4, 1)), HasSubstr("unknown key \"sorces\""),
                    HasSubstr("landings, node, plugins, sources")));
  EXPECT_THAT(Why(absl::StrCat(kHead, "sources:\n  - {id: a, plugin: p, dataset: d, batch: 3}\n")),
              AllOf(HasSubstr(at(5, 36)), HasSubstr("\"batch\"")));
  EXPECT_THAT(Why(absl::StrCat(kHead, "sources:\n  - {id: a, plugin: p}\n")),
              AllOf(HasSubstr(at(5, 5)), HasSubstr("needs id, plugin and dataset")));
  EXPECT_THAT(Why(absl::StrCat(kHead, "landings: [{id: a, plugin: p, dataset: d, receiver: r}]\n")),
              HasSubstr("purpose"));
  for (const char* rows : {"0", "10001", "many", "[]"}) {
    EXPECT_THAT(Why(absl::StrCat(kHead, "sources:\n  - {id: a, batch_rows: ", rows, "}\n")),
                HasSubstr("from 1 to 10000"));
  }
  EXPECT_THAT(Why(absl::StrCat(kHead, "sources: {id: a}\n")), HasSubstr("a list is expected"));
  EXPECT_THAT(Why(absl::StrCat(kHead, "sources: [{options: text}]\n")),
              HasSubstr("options: a mapping is expected"));
  EXPECT_THAT(Why("node: [unclosed\n"), HasSubstr("agent.yaml:"));
}

TEST_F(ConfigTest, AnEmptyOrBareFileIsRefused) {
  EXPECT_THAT(Why(""), HasSubstr("a mapping is expected"));
  EXPECT_THAT(Why("- a\n"), HasSubstr("a mapping is expected"));
  EXPECT_THAT(Why("agent: a\n"), HasSubstr("node.address, state_dir and plugins are required"));
  EXPECT_EQ(LoadConfig(folder_ + "/none.yaml").status().code(), absl::StatusCode::kNotFound);
}

// A source is looked at before the agent is anybody at a node.
TEST_F(ConfigTest, ToLookAtASourceNoNodeIsNeeded) {
  std::ofstream(folder_ + "/agent.yaml")
      << "plugins: p\nsources: [{id: a, plugin: file, dataset: d}]\n";
  const auto look = LoadConfig(folder_ + "/agent.yaml", ConfigUse::kLook);
  ASSERT_TRUE(look.ok()) << look.status();
  EXPECT_TRUE(look->FindSource("a").ok());
  EXPECT_FALSE(LoadConfig(folder_ + "/agent.yaml").ok());
  std::ofstream(folder_ + "/agent.yaml") << "sources: [{id: a, plugin: file, dataset: d}]\n";
  EXPECT_FALSE(LoadConfig(folder_ + "/agent.yaml", ConfigUse::kLook).ok());
}

// Two workers of one name would share a status file and a store.
TEST_F(ConfigTest, AnIdStandsOnceAndIsAFileName) {
  EXPECT_THAT(Why(absl::StrCat(kHead, R"(sources: [{id: a, plugin: p, dataset: d}]
landings: [{id: a, plugin: p, dataset: d, receiver: r, purpose: x}]
)")),
              HasSubstr("\"a\" stands twice"));
  EXPECT_THAT(Why(absl::StrCat(kHead, "sources: [{id: ../a, plugin: p, dataset: d}]\n")),
              HasSubstr("\"../a\""));
}

}  // namespace
}  // namespace huiliu::agent
