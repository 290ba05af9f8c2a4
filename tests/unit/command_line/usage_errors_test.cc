#include "core/command_line/usage_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

namespace huiliu::command_line {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// What `words` are answered with.
std::string Answer(std::vector<std::string> words) {
  CLI::App app{"a program", "city"};
  app.failure_message(UsageError);
  app.require_subcommand(1);
  app.fallthrough();
  CLI::App* rules = app.add_subcommand("rules")->require_subcommand(1);
  CLI::App* show = rules->add_subcommand("show");
  std::string dataset, language;
  int rows = 0;
  show->add_option("dataset", dataset)->required();
  show->add_option("--rows", rows);
  show->add_option("--lang", language)->check(CLI::IsMember({"zh", "en"}));
  app.add_subcommand("grants");
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, err;
    app.exit(error, out, err);
    return err.str();
  }
  return "fine";
}

TEST(UsageErrorsTest, AnUnknownCommandIsNamedWithThoseThatThereAre) {
  EXPECT_EQ(Answer({"frob"}),
            "没有这个命令：frob / unknown command: frob\n"
            "可用的命令 / commands: rules grants\n"
            "用法 / usage: city --help\n");
  EXPECT_EQ(Answer({"rules", "frob"}),
            "没有这个命令：frob / unknown command: frob\n"
            "可用的命令 / commands: show\n"
            "用法 / usage: city rules --help\n");
}

TEST(UsageErrorsTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(Answer({}), HasSubstr("缺少命令 / a command is missing"));
  EXPECT_THAT(Answer({"rules"}), HasSubstr("commands: show\n"));
  EXPECT_EQ(Answer({"rules", "show"}),
            "缺少 dataset / dataset is missing\n用法 / usage: city rules show --help\n");
}

TEST(UsageErrorsTest, AWrongValueIsNamed) {
  EXPECT_THAT(Answer({"rules", "show", "d", "--rows", "many"}),
              AllOf(HasSubstr("取值格式不对"), HasSubstr("many")));
  EXPECT_THAT(Answer({"rules", "show", "d", "--lang", "fr"}),
              AllOf(HasSubstr("取值不在允许范围内"), HasSubstr("fr")));
  EXPECT_THAT(Answer({"rules", "show", "d", "e"}), HasSubstr("多余的参数：e / not expected: e"));
  EXPECT_EQ(Answer({"rules", "show", "d"}), "fine");
}

}  // namespace
}  // namespace huiliu::command_line
