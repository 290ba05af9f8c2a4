#include "core/command_line/usage_errors.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace huiliu::command_line {
namespace {

using absl::StrCat;

// The command whose arguments are wrong.
const CLI::App& Innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : Innermost(*chosen.front());
}

std::string PathOf(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : StrCat(PathOf(*app.get_parent()), " ", app.get_name());
}

std::string CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names.empty() ? "" : StrCat("可用的命令 / commands: ", absl::StrJoin(names, " "), "\n");
}

// The words that nothing took.
std::string LeftOver(const CLI::App& app) { return absl::StrJoin(app.remaining(true), " "); }

std::string Missing(const CLI::App& app, const std::string& what) {
  absl::string_view name = what;
  if (absl::StartsWith(what, "A subcommand")) {
    const std::string words = LeftOver(app);
    if (!words.empty()) return StrCat("没有这个命令：", words, " / unknown command: ", words);
    return "缺少命令 / a command is missing";
  }
  if (absl::ConsumeSuffix(&name, " is required")) {
    return StrCat("缺少 ", name, " / ", name, " is missing");
  }
  return StrCat("缺少参数 / ", what);
}

const char* InChinese(const std::string& name) {
  if (name == "ConversionError") return "取值格式不对";
  if (name == "ValidationError") return "取值不在允许范围内";
  if (name == "ArgumentMismatch") return "参数个数不对";
  if (name == "ExcludesError") return "这些参数不能同时使用";
  if (name == "RequiresError") return "还需要另一个参数";
  if (name == "FileError") return "文件有误";
  return "命令有误";
}

std::string Words(const CLI::App& app, const CLI::Error& error) {
  if (error.get_name() == "RequiredError") return Missing(app, error.what());
  // Its name is the application's.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string words = LeftOver(app);
    return StrCat("多余的参数：", words, " / not expected: ", words);
  }
  return StrCat(InChinese(error.get_name()), " / ", error.what());
}

}  // namespace

std::string UsageError(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& innermost = Innermost(*app);
  return StrCat(Words(*app, error), "\n", CommandsOf(innermost),
                "用法 / usage: ", PathOf(innermost), " --help\n");
}

}  // namespace huiliu::command_line
