#include "cli/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"

namespace huiliu::cli {
namespace {

std::string Written(const std::string& text) {
  const std::string path = testing::TempDir() + "/cli_profile.yaml";
  EXPECT_TRUE(WriteFileDurably(path, text).ok());
  return path;
}

TEST(ProfileTest, PathsAreBesideTheFile) {
  const std::string path = Written(
      "node: {address: 'n:7443', ca: ca.pem, key: /k.pem}\nlanguage: en\nreceiver: '530100'\n");
  const auto profile = LoadProfile(path);
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->address, "n:7443");
  EXPECT_EQ(profile->ca, testing::TempDir() + "/ca.pem");
  EXPECT_EQ(profile->key, "/k.pem");
  EXPECT_EQ(profile->language, "en");
  EXPECT_EQ(profile->receiver, "530100");
}

TEST(ProfileTest, AnUnknownKeyIsNamedWithItsPlace) {
  const auto profile = LoadProfile(Written("node:\n  adress: n:1\n"));
  EXPECT_EQ(profile.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(profile.status().message()),
              testing::HasSubstr(":2:3: unknown key \"adress\""));
}

TEST(ProfileTest, AnAuditKeyThatIsNoneIsNamedWithItsPlace) {
  const std::string good(64, 'a');
  EXPECT_EQ(LoadProfile(Written("audit_key: " + good + "\n"))->audit_key, good);
  const auto profile = LoadProfile(Written("language: zh\naudit_key: \"zz\"\n"));
  EXPECT_EQ(profile.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(profile.status().message()),
              testing::HasSubstr(":2:12: audit_key：公钥应为 64 位十六进制数字"));
}

TEST(ProfileTest, WhatIsNoYamlOrNoProfile) {
  EXPECT_EQ(LoadProfile(Written("node: [")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(LoadProfile(Written("- a\n")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(LoadProfile(Written("receiver: [a]\n")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(LoadProfile(Written("language: fr\n")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(LoadProfile(Written("")).ok());
  EXPECT_EQ(LoadProfile("/nowhere.yaml").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace huiliu::cli
