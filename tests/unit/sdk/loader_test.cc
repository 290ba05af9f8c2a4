#include "adapters/sdk/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "adapters/sdk/testkit/checked_source.h"

namespace huiliu::sdk {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string PluginPath(const std::string& name) {
  const char* build = std::getenv("HUILIU_BUILD");
  return std::string(build == nullptr ? "build" : build) + "/lib/sdk_test_" + name + ".so";
}

std::string Why(const std::string& path) {
  const auto plugin = LoadPlugin(path);
  return plugin.ok() ? "loaded" : std::string(plugin.status().message());
}

TEST(LoaderTest, APluginInPlainCIsDriven) {
  const auto plugin = LoadPlugin(PluginPath("counting"));
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  const auto table = FindSource(**plugin, "counting");
  ASSERT_TRUE(table.ok());
  FakeHost host;
  EXPECT_EQ(CheckedSource::Open(**table, host, "", "").status(),
            absl::InvalidArgumentError("counting: no options"));
  const auto source = CheckedSource::Open(**table, host, "{}", "1");
  ASSERT_TRUE(source.ok()) << source.status();
  const auto all = (*source)->ReadAll(1);
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->rows.size(), 2U);
  EXPECT_EQ(all->rows[0].row_id, "row:1");
  EXPECT_EQ(all->rows[0].cells[1], std::nullopt);
  EXPECT_EQ(host.lines().at(0).text, "counting is open");
}

TEST(LoaderTest, AnotherAbiIsNamedWithBothVersions) {
  EXPECT_THAT(Why(PluginPath("other_abi")),
              AllOf(HasSubstr("other_abi.so"), HasSubstr("ABI 7"), HasSubstr("speaks 1")));
}

TEST(LoaderTest, AShortTableIsRefused) {
  const auto plugin = LoadPlugin(PluginPath("short_table"));
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  EXPECT_THAT(std::string(FindSource(**plugin, "short").status().message()), HasSubstr("table of"));
  setenv("SHORT_PLUGIN", "1", 1);
  EXPECT_THAT(Why(PluginPath("short_table")), HasSubstr("8 bytes"));
  unsetenv("SHORT_PLUGIN");
}

TEST(LoaderTest, WhatIsNoPluginIsNamed) {
  EXPECT_THAT(Why("/nonexistent.so"), HasSubstr("/nonexistent.so: no such file"));
  EXPECT_THAT(Why(PluginPath("not_a_plugin")), HasSubstr("does not export huiliu_plugin_v1"));
  const std::string text = testing::TempDir() + "/text.so";
  std::ofstream(text) << "no shared object";
  EXPECT_THAT(Why(text), HasSubstr(text));
  const auto plugin = LoadPlugin(PluginPath("counting"));
  EXPECT_THAT(std::string(FindSource(**plugin, "csv").status().message()),
              AllOf(HasSubstr("\"csv\""), HasSubstr("it has: counting")));
  EXPECT_THAT(std::string(FindLanding(**plugin, "x").status().message()), HasSubstr("none"));
}

}  // namespace
}  // namespace huiliu::sdk
