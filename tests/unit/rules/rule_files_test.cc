// Every rule file and every rule test of the repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "core/base/files.h"
#include "core/rules/rule_test.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

std::set<std::string> FilesUnder(const std::string& folder, const std::string& extension) {
  std::set<std::string> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(RepositoryRoot() + "/" + folder)) {
    if (entry.path().extension() == extension) files.insert(entry.path().string());
  }
  return files;
}

const std::map<std::string, std::shared_ptr<const schema::Contract>>& Contracts() {
  static const auto contracts = [] {
    std::map<std::string, std::shared_ptr<const schema::Contract>> all;
    for (const std::string& file : FilesUnder("schemas/datasets", ".proto")) {
      const auto text = ReadFile(file);
      const auto contract = schema::Contract::Parse(file, *text);
      EXPECT_TRUE(contract.ok()) << contract.status();
      if (contract.ok()) all[(*contract)->id().value()] = *contract;
    }
    return all;
  }();
  return contracts;
}

RuleTestWorld World() {
  return {[](const std::string& path) { return ReadFile(RepositoryRoot() + "/" + path); },
          [](const DatasetId& dataset) -> absl::StatusOr<std::shared_ptr<const schema::Contract>> {
            const auto found = Contracts().find(dataset.value());
            if (found == Contracts().end())
              return absl::NotFoundError("no dataset " + dataset.value());
            return found->second;
          },
          YunnanDivisions()};
}

TEST(RuleFilesTest, EveryFileFitsItsContractAndEveryDatasetHasRulesForKunming) {
  std::set<std::string> without;
  for (const auto& [dataset, contract] : Contracts()) without.insert(dataset);
  for (const std::string& file : FilesUnder("schemas/rules", ".yaml")) {
    SCOPED_TRACE(file);
    const auto yaml = ReadFile(file);
    ASSERT_TRUE(yaml.ok());
    const auto head = ParseRuleSetHead(file, *yaml);
    ASSERT_TRUE(head.ok()) << head.status();
    ASSERT_TRUE(Contracts().contains(head->dataset.value())) << head->dataset.value();
    std::vector<huiliu::v1::RuleError> errors;
    const auto set = ParseRuleSet(file, *yaml, *Contracts().at(head->dataset.value()), &errors,
                                  YunnanDivisions().get());
    EXPECT_TRUE(set.ok()) << set.status();
    if (head->receiver.value() == "530100") without.erase(head->dataset.value());
  }
  EXPECT_THAT(without, testing::IsEmpty());
}

TEST(RuleFilesTest, EveryRuleTestOfTheRepositoryPasses) {
  const auto files = FilesUnder("tests/rules", ".ruletest");
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    const auto report = RunRuleTest(file, *ReadFile(file), World());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_GT(report->expectations, 0) << file;
    EXPECT_THAT(report->failures, testing::IsEmpty()) << absl::StrJoin(report->failures, "\n");
  }
}

TEST(RuleTestTest, AFailureNamesItsPlaceAndBothValues) {
  const auto report = RunRuleTest(
      "x.ruletest",
      "rules: schemas/rules/case_accept.530100.yaml\n\ncase: one\n"
      "given: {\"row_guid\": \"g\",\n  \"project_no\": \"p\", \"org_code\": \"532901\"}\n"
      "expect: returned\nreason: x\nfield row_guid: g\n",
      World());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->cases, 1);
  EXPECT_EQ(report->expectations, 3);
  ASSERT_EQ(report->failures.size(), 3u);
  EXPECT_EQ(report->failures[0], "x.ruletest:6: one: 期望 应为 已回流，实为 域外");
}

TEST(RuleTestTest, ChineseWordsTitlesAndCsvSayTheSame) {
  const std::string text =
      "规则：schemas/rules/case_accept.530100.yaml\n列：行唯一标识，办件编号、org_code, 经办人\n"
      "用例：甲：乙\n给定 csv：g,\"P,\"\"1\"\"\",530102,李雷\n"
      "期望：回流\n字段 "
      "办件编号：P,\"1\"\n脱敏：经办人\n原样：办件编号\n没有：data_source\n冲突：无\n";
  const auto report = RunRuleTest("x", text, World());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->expectations, 6);
  EXPECT_THAT(report->failures, testing::IsEmpty()) << absl::StrJoin(report->failures, "\n");
}

TEST(RuleTestTest, OutcomesAreWrittenAsTheUsersSayThem) {
  const auto expects = [](const std::string& outcome, const std::string& org_code, bool english) {
    RuleTestWorld world = World();
    world.english = english;
    return RunRuleTest("x",
                       "规则：schemas/rules/case_accept.530100.yaml\n用例：甲\n"
                       "给定：{\"row_guid\": \"g\", \"project_no\": \"p\", \"org_code\": \"" +
                           org_code + "\"}\n期望：" + outcome + "\n",
                       world)
        ->failures;
  };
  for (const char* word : {"已回流", "回流", "returned"})
    EXPECT_THAT(expects(word, "530102", false), testing::IsEmpty()) << word;
  EXPECT_THAT(expects("域外", "532901", false), testing::IsEmpty());
  EXPECT_THAT(expects("规则不予回流", "530102", false),
              testing::ElementsAre("x:4: 甲: 期望 应为 规则不予回流，实为 已回流"));
  EXPECT_THAT(expects("规则不予回流", "530102", true),
              testing::ElementsAre("x:4: 甲: expect expected withheld, actual returned"));
}

TEST(RuleTestTest, ACaseThatExpectsNothingIsAnErrorWhereItStands) {
  const std::string head = "rules: schemas/rules/case_accept.530100.yaml\n";
  const std::string given = "given: {\"row_guid\": \"g\", \"org_code\": \"530102\"}\n";
  const std::string tests[] = {head + "case: a\n" + given + "expect: returned\n\ncase: b\n" + given,
                               head + "case: x\ncase: y\n" + given + "expect: returned\n",
                               head + "case: last\n"};
  const char* const places[] = {"t:6: 用例“b”", "t:2: 用例“x”", "t:2: 用例“last”"};
  for (size_t i = 0; i < std::size(tests); ++i) {
    const auto report = RunRuleTest("t", tests[i], World());
    EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(
        std::string(report.status().message()),
        testing::AllOf(testing::StartsWith(places[i]), testing::HasSubstr("expects nothing")));
  }
}

TEST(RuleTestTest, MaskedAndKeptFailWhereTheValueIsShownChangedOrNotSent) {
  const std::string text =
      "rules: schemas/rules/case_accept.530100.yaml\ncase: one\n"
      "given: {\"row_guid\": \"g\", \"project_no\": \"p\", \"org_code\": \"530102\", "
      "\"handle_user_name\": \"李雷\"}\n"
      "masked: project_no\nkept: handle_user_name\n"
      "given: {\"row_guid\": \"g\", \"project_no\": \"p\", \"org_code\": \"532901\"}\n"
      "masked: project_no\n";
  RuleTestWorld world = World();
  world.english = true;
  const auto report = RunRuleTest("x", text, world);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(
      report->failures,
      testing::ElementsAre("x:4: one: masked project_no expected masked, actual p",
                           "x:5: one: kept handle_user_name expected 李雷, actual 李*",
                           "x:7: one: masked project_no expected masked, actual (no record)"));
}

// Absent says that a field is not there.
TEST(RuleTestTest, AFieldThatIsDroppedIsNotMasked) {
  RuleTestWorld world = World();
  world.english = true;
  world.read_file = [](const std::string&) {
    return std::string(
        "dataset: case_accept\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n"
        "  - {id: own, drop: [handle_user_name]}\n");
  };
  const auto report = RunRuleTest("x",
                                  "rules: r.yaml\ncase: one\ngiven: {\"row_guid\": \"g\", "
                                  "\"project_no\": \"p\", \"org_code\": \"530102\", "
                                  "\"handle_user_name\": \"李雷\"}\nmasked: handle_user_name\n"
                                  "absent: handle_user_name\n",
                                  world);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(
      report->failures,
      testing::ElementsAre("x:4: one: masked handle_user_name expected masked, actual (empty)"));
}

TEST(RuleTestTest, RulesAreInForceByTheirDatesAndTheDayThatWasTakenIsTold) {
  RuleTestWorld world = World();
  world.english = true;
  world.read_file = [](const std::string&) {
    return std::string(
        "dataset: case_accept\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n"
        "  - {id: old, valid_to: 2020-12-31}\n"
        "  - {id: now, valid_from: 2021-01-01, valid_to: 2029-12-31}\n");
  };
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2026-11-29T16:00:00Z", &world.today, nullptr));
  const std::string given =
      "given: {\"row_guid\": \"g\", \"project_no\": \"p\", \"org_code\": \"530102\"}\n";
  const std::string dated = absl::StrCat("rules: r.yaml\ncase: then\nday: 2020-12-31\n", given,
                                         "rule: old\ncase: later\nday: 2030-01-01\n", given,
                                         "expect: withheld\nreason: rule.none\n");
  auto report = RunRuleTest("x", dated, world);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->failures, testing::IsEmpty()) << absl::StrJoin(report->failures, "\n");
  EXPECT_EQ(report->today, "") << "each case says its day";
  report = RunRuleTest("x", absl::StrCat(dated, "case: today\n", given, "rule: now\n"), world);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->failures, testing::IsEmpty()) << absl::StrJoin(report->failures, "\n");
  EXPECT_EQ(report->today, "2026-11-30") << "in Shanghai";
}

TEST(RuleTestTest, WhatIsWrittenWrongIsRefusedWithItsLine) {
  const std::string head = "rules: schemas/rules/case_accept.530100.yaml\ncase: one\n";
  const std::pair<std::string, std::string> cases[] = {
      {"", "x:0: "},
      {"given: {}\n", "x:1: "},
      {head + "expect: returned\n", "x:3: "},
      {head + "given: {\"nope\": 1}\n", "x:3: "},
      {head + "given: {}\nexpects: returned\n", "x:4: "},
      {head + "given: {}\nfield nope: 1\n", "x:4: "},
      {head + "given: {}\nmasked: project_no\n", "x:4: "},
      {head + "given: {}\nmasked: ,\n", "x:4: "},
      {"area: 530100, 530199\n", "x:1: 区划 \"530199\""},
      {"columns: row_guid\n", "x:1: "},
      {"rules: schemas/rules/case_accept.530100.yaml\ncolumns: nope\n", "x:2: "},
      {head + "columns: row_guid\ngiven csv: a,b\n", "x:4: "},
      {head + "columns: row_guid\ngiven csv: \"a\n", "x:4: "},
      {head + "time: soon\n", "x:3: "},
      {head + "nonsense\n", "x:3: "},
      {"  continues\n", "x:1: "},
  };
  for (const auto& [text, place] : cases) {
    const auto report = RunRuleTest("x", text, World());
    EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(report.status().message()), testing::StartsWith(place)) << text;
  }
}

}  // namespace
}  // namespace huiliu::rules
