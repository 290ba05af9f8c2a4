#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/files_in.h"
#include "cli/rule_dry_run.h"
#include "cli/rule_explain.h"
#include "cli/rule_life.h"
#include "cli/schemas.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/rule_test.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string schemas, contract;
  std::vector<std::string> files;
};

void PrintFinding(Command& command, const char* word, const v1::RuleError& finding) {
  command.out() << Printable(absl::StrCat(finding.file(), ":", finding.line(), ":",
                                          finding.column(), ": ", word, finding.rule(),
                                          finding.rule().empty() ? "" : ": ", finding.message()))
                << "\n";
}

void PrintFindings(Command& command, const std::string& file,
                   const std::vector<v1::RuleError>& errors,
                   const std::vector<v1::RuleError>& notices) {
  for (const v1::RuleError& error : errors) PrintFinding(command, "", error);
  for (const v1::RuleError& notice : notices)
    PrintFinding(command, command.Say("注意：", "note: "), notice);
  if (errors.empty()) command.out() << file << command.Say("：无误\n", ": no errors\n");
}

// Against the contract on disk where no node is configured, else by the node.
absl::Status Check(Command& command, const Options& options) {
  v1::CheckRuleSetResponse all;
  ASSIGN_OR_RETURN(const auto divisions, DivisionsAtHand(options.schemas));
  for (const std::string& file : options.files) {
    ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
    ASSIGN_OR_RETURN(const rules::RuleSetHead head, rules::ParseRuleSetHead(file, yaml));
    ASSIGN_OR_RETURN(const auto contract,
                     ContractOf(command, head.dataset.value(), options.contract, options.schemas));
    std::vector<v1::RuleError> errors;
    const auto parsed = rules::ParseRuleSet(file, yaml, *contract, &errors, divisions.get());
    if (!parsed.ok() && errors.empty()) return parsed.status();
    if (divisions == nullptr && !command.json) {
      command.out() << command.Say("未找到 schemas/divisions，未核对区划代码；用 --schemas 指明\n",
                                   "no schemas/divisions found: division codes were not looked up; "
                                   "name it with --schemas\n");
    }
    command.findings = command.findings || !errors.empty();
    const std::vector<v1::RuleError> notices =
        parsed.ok() ? (*parsed)->notices : std::vector<v1::RuleError>();
    if (!command.json) PrintFindings(command, file, errors, notices);
    for (v1::RuleError& error : errors) *all.add_errors() = std::move(error);
    for (const v1::RuleError& notice : notices) *all.add_notices() = notice;
  }
  return command.json ? command.PrintJson(all) : absl::OkStatus();
}

// Paths in a test are relative to the folder above `schemas`, to the working folder, or to the test
// itself.
absl::StatusOr<std::string> ReadNamed(const std::string& path, const std::string& schemas,
                                      const std::string& test) {
  const std::filesystem::path roots[] = {"", std::filesystem::path(schemas).parent_path(),
                                         std::filesystem::path(test).parent_path()};
  for (const auto& root : roots) {
    auto text = ReadFile((root / path).string());
    if (text.ok() || text.status().code() != absl::StatusCode::kNotFound) return text;
  }
  return absl::NotFoundError(
      absl::StrCat(test, ": 所引用的文件不存在 / names ", path, ", which is not there"));
}

absl::Status Test(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(
      const std::vector<std::string> files,
      FilesIn(options.files, {".ruletest"}, "其中没有 *.ruletest 文件 / no *.ruletest file in it"));
  ASSIGN_OR_RETURN(const std::string found, FindSchemas(options.schemas));
  const std::string schemas = std::filesystem::absolute(found).string();
  rules::RuleTestWorld world;
  world.english = command.english();
  ASSIGN_OR_RETURN(world.divisions, LoadDivisions(schemas));
  world.contract = [&](const DatasetId& dataset) {
    return FindContractFile(schemas, dataset.value());
  };
  int cases = 0, failures = 0;
  std::string today;
  for (const std::string& file : files) {
    world.read_file = [&](const std::string& path) { return ReadNamed(path, schemas, file); };
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    ASSIGN_OR_RETURN(const rules::RuleTestReport report, rules::RunRuleTest(file, text, world));
    cases += report.cases;
    failures += static_cast<int>(report.failures.size());
    if (!report.today.empty()) today = report.today;
    for (const std::string& failure : report.failures) command.out() << Printable(failure) << "\n";
  }
  command.findings = failures > 0;
  if (command.json) {
    command.out() << absl::StrCat("{\"cases\":", cases, ",\"failures\":", failures, ",\"today\":\"",
                                  today, "\"}\n");
    return absl::OkStatus();
  }
  if (!today.empty()) {
    command.out() << command.Say("规则有有效期：未写“接收日”的用例按今天 ",
                                 "rules have dates: cases without `day` were decided as of today, ")
                  << today << command.Say(" 判定\n", "\n");
  }
  command.out() << (command.english() ? absl::StrCat(cases, " cases, ", failures, " failures")
                                      : absl::StrCat(cases, " 个用例，", failures, " 处不符"))
                << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddRuleVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("rules", "回流规则 (return rules)")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  AddRuleLifeVerbs(*group, command);
  AddRuleApplyVerb(*group, command);
  AddRuleImpactVerb(*group, command);
  AddRuleDryRunVerb(*group, command);
  AddRuleExplainVerb(*group, command);
  const auto local = [&](CLI::App* verb) {
    verb->add_option("--schemas", options->schemas,
                     "schemas 目录 (folder of contracts and divisions)");
    return verb;
  };
  CLI::App* check = local(AddVerb(*group, command, "check",
                                  "检查规则文件，不登记 (check rule files, register nothing)",
                                  [&command, options] { return Check(command, *options); }));
  check->add_option("files", options->files, "YAML")->required();
  check->add_option("--contract", options->contract, "契约 .proto (the dataset's contract)");
  CLI::App* test = local(AddVerb(*group, command, "test", "运行规则用例 (run *.ruletest files)",
                                 [&command, options] { return Test(command, *options); }));
  test->add_option("files", options->files, "*.ruletest 文件或目录 (files or folders)")->required();
}

}  // namespace huiliu::cli
