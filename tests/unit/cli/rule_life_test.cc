#include "cli/rule_life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/cli/scripted_node.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;
using testing::AllOf;
using testing::HasSubstr;

std::string Root() {
  const char* root = std::getenv("HUILIU_ROOT");
  return root == nullptr ? "." : root;
}

std::string Yaml(const std::string& rules) {
  return "dataset: insurance_participation\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n" + rules;
}

// A node with one version in force, and what is proposed to it.
class RuleLifeTest : public testing::Test {
 protected:
  RuleLifeTest() {
    folder_ = testing::TempDir() + "/rule_life";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/.git");
    Write("si.yaml", Yaml("  - id: own\n"));
    Write(".git/other.yaml", "no rule file");
    in_force_.set_dataset("insurance_participation");
    in_force_.set_receiver("530100");
    in_force_.set_version(1);
    in_force_.set_state(v1::RULE_SET_STATE_IN_FORCE);
    in_force_.set_yaml(Yaml("  - id: own\n"));
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }
  Ran Apply(std::vector<const char*> more = {}) {
    schemas_ = Root() + "/schemas";
    std::vector<const char*> arguments = {"rules", "apply", folder_.c_str(), "--schemas",
                                          schemas_.c_str()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunHuiliu(arguments, Handlers());
  }
  std::map<std::string, Handler> Handlers() {
    const Handler get = [this](const google::protobuf::Message& request,
                               google::protobuf::Message* response) {
      if (static_cast<const v1::GetRuleSetRequest&>(request).dataset() != in_force_.dataset())
        return absl::NotFoundError("nothing is in force");
      *static_cast<v1::GetRuleSetResponse*>(response)->mutable_rule_set() = in_force_;
      return absl::OkStatus();
    };
    v1::ListRuleSetsResponse all;
    for (auto it = waiting_.rbegin(); it != waiting_.rend(); ++it) *all.add_rule_sets() = *it;
    *all.add_rule_sets() = in_force_;
    const Handler propose = [this](const google::protobuf::Message& request,
                                   google::protobuf::Message* response) {
      const auto& asked = static_cast<const v1::ProposeRuleSetRequest&>(request);
      v1::RuleSet version = in_force_;
      version.set_version(static_cast<uint32_t>(2 + waiting_.size()));
      version.set_state(v1::RULE_SET_STATE_PROPOSED);
      version.set_yaml(asked.yaml());
      waiting_.push_back(version);
      *static_cast<v1::ProposeRuleSetResponse*>(response)->mutable_rule_set() = version;
      return absl::OkStatus();
    };
    return {{"Rules/GetRuleSet", get},
            {"Rules/ListRuleSets", Answer(all)},
            {"Rules/ProposeRuleSet", propose}};
  }

  std::string folder_, schemas_;
  v1::RuleSet in_force_;
  std::vector<v1::RuleSet> waiting_;
};

TEST_F(RuleLifeTest, WhatIsInForceIsNotProposedAgain) {
  const Ran ran = Apply();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("与现行一致"), HasSubstr("无需提交")));
  Write("si.yaml", Yaml("  # a remark\n  - id: own\n"));
  EXPECT_THAT(Apply().out, HasSubstr("仅文字不同"));
  EXPECT_TRUE(waiting_.empty());
}

TEST_F(RuleLifeTest, WhatDiffersIsProposedOnceAndNeverApproved) {
  Write("si.yaml", Yaml("  - {id: no, when: status == \"停保\", withhold: 停保}\n  - id: own\n"));
  const Ran plan = Apply({"--plan"});
  EXPECT_EQ(plan.code, 1) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("+ no"), HasSubstr("将提交")));
  EXPECT_TRUE(waiting_.empty());
  const Ran first = Apply({"--output", "json"});
  EXPECT_EQ(first.code, 0) << first.err;
  const auto told = nlohmann::json::parse(first.out);
  EXPECT_EQ(told["files"][0]["action"], "proposed");
  EXPECT_EQ(told["files"][0]["version"], 2);
  EXPECT_EQ(told["differing"], 1);
  ASSERT_EQ(waiting_.size(), 1u);
  const Ran again = Apply();
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.out, AllOf(HasSubstr("待审批"), HasSubstr("无需提交")));
  EXPECT_EQ(waiting_.size(), 1u);
}

TEST_F(RuleLifeTest, FoldersAreWalkedInOrderWithoutWhatIsHidden) {
  Write(".hidden.yaml", "no rule file");
  Write("b.yml", Yaml("  - id: own\n").replace(9, 23, "case_accept"));
  Write("notes.txt", "no rule file");
  const Ran ran = Apply({"--plan"});
  EXPECT_THAT(ran.out, HasSubstr("b.yml  case_accept"));
  EXPECT_LT(ran.out.find("b.yml"), ran.out.find("si.yaml"));
  std::filesystem::remove(folder_ + "/b.yml");
  std::filesystem::remove(folder_ + "/si.yaml");
  EXPECT_THAT(Apply().err, HasSubstr("其中没有规则文件"));
  const Ran none = RunHuiliu({"rules", "test", folder_.c_str()}, {});
  EXPECT_THAT(none.err, HasSubstr("no *.ruletest file in it"));
  Write("b.ruletest", "area: 530199\n");
  std::filesystem::create_directories(folder_ + "/.cache");
  Write(".cache/a.ruletest", "nonsense");
  const Ran test = RunHuiliu({"rules", "test", folder_.c_str(), "--schemas", schemas_.c_str()}, {});
  EXPECT_EQ(test.code, 2);
  EXPECT_THAT(test.err, AllOf(HasSubstr("b.ruletest:1: 区划 \"530199\""), HasSubstr("division")));
}

// What no division has is found where it is written, before anything is proposed.
TEST_F(RuleLifeTest, AnAreaOfNoDivisionIsRefusedByEveryVerb) {
  Write("si.yaml", Yaml("  - {id: own, when: inDivision(\"530199\")}\n"));
  EXPECT_THAT(Apply().err, AllOf(HasSubstr("si.yaml:5:32: 区划 \"530199\""), HasSubstr("[own]")));
  EXPECT_TRUE(waiting_.empty());
  const std::string file = folder_ + "/si.yaml";
  const Ran check =
      RunHuiliu({"rules", "check", file.c_str(), "--schemas", schemas_.c_str()}, Handlers());
  EXPECT_EQ(check.code, 1);
  EXPECT_THAT(check.out, HasSubstr(":5:32: own: 区划 \"530199\""));
}

TEST_F(RuleLifeTest, AWrongFileStopsAllBeforeAnyIsProposed) {
  Write("a.yaml", Yaml("  - {id: no, withhold: 不予}\n").replace(9, 23, "case_accept"));
  Write("si.yaml", Yaml("  - {id: no, when: nofield == 1}\n"));
  const Ran ran = Apply();
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("si.yaml"));
  EXPECT_TRUE(waiting_.empty());
  Write("si.yaml", Yaml("  - id: own\n"));
  Write("a.yaml", Yaml("  - id: own\n"));
  EXPECT_THAT(Apply().err, HasSubstr("same dataset and receiver"));
}

TEST_F(RuleLifeTest, ImpactIsToldByCountyWithWhatIsOutOfReach) {
  v1::GetRuleImpactResponse response;
  v1::RuleSet& version = *response.mutable_rule_set();
  version = in_force_;
  version.set_reevaluate_history(true);
  v1::Reevaluation& told = *response.mutable_reevaluation();
  told.mutable_counts()->set_read(100);
  told.mutable_counts()->set_withdrawn(7);
  told.mutable_counts()->set_out_of_reach(3);
  v1::CountyImpact* county = told.mutable_counts()->add_counties();
  county->set_division("530102");
  county->set_withdrawn(7);
  told.add_parts()->set_place("source/si");
  const Ran ran = RunHuiliu({"rules", "impact", "insurance_participation", "530100", "1"},
                            {{"Rules/GetRuleImpact", Answer(response)}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("重判中，已读 100"), HasSubstr("530102"), HasSubstr("：3"),
                             HasSubstr("未完成：source/si")));
  response.mutable_rule_set()->set_reevaluate_history(false);
  response.clear_reevaluation();
  EXPECT_THAT(RunHuiliu({"rules", "impact", "insurance_participation", "530100"},
                        {{"Rules/GetRuleImpact", Answer(response)}})
                  .out,
              HasSubstr("未要求"));
}

// Check and plan tell an approver what a derived field discloses.
TEST_F(RuleLifeTest, WhatIsDisclosedIsToldAndWhatIsNotNamedIsRefused) {
  schemas_ = Root() + "/schemas";
  Write("named.yaml", Yaml("  - {id: own, derive: {status: name}, discloses: [name]}\n"));
  Write("hidden.yaml", Yaml("  - {id: own, derive: {status: name}}\n"));
  const std::string named = folder_ + "/named.yaml", hidden = folder_ + "/hidden.yaml";
  Ran ran = RunHuiliu({"rules", "check", named.c_str(), "--schemas", schemas_.c_str()}, Handlers());
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("注意：own: 派生字段 status 由 name 得出"), HasSubstr("无误")));
  ran = RunHuiliu({"rules", "plan", named.c_str(), "--schemas", schemas_.c_str()}, Handlers());
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("注意：规则 own：派生字段 status 由 name 得出"));
  ran = RunHuiliu({"rules", "check", hidden.c_str(), "--schemas", schemas_.c_str()}, Handlers());
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("discloses: [name]"));
}

TEST_F(RuleLifeTest, ApprovalsCarryTheWordAboutHistory) {
  v1::DecideRuleSetRequest asked;
  const Handler decide = [&](const google::protobuf::Message& request,
                             google::protobuf::Message* response) {
    asked.CopyFrom(request);
    v1::RuleSet& version = *static_cast<v1::DecideRuleSetResponse*>(response)->mutable_rule_set();
    version = in_force_;
    version.set_reevaluate_history(asked.reevaluate_history());
    version.set_untried_reason(asked.untried_reason());
    version.add_notices("own：派生字段 a 由 b 得出 / derived field a is made of b");
    return absl::OkStatus();
  };
  const Ran ran = RunHuiliu({"rules", "approve", "insurance_participation", "--receiver", "530100",
                             "--version", "2", "--reevaluate", "--untried", "首次启用"},
                            {{"Rules/DecideRuleSet", decide},
                             {"Rules/ListRuleSets", Answer(v1::ListRuleSetsResponse())}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(asked.reevaluate_history());
  EXPECT_THAT(ran.out, AllOf(HasSubstr("对历史重新判定"), HasSubstr("未经试运行"),
                             HasSubstr("原因：首次启用"),
                             HasSubstr("注意：规则 own：派生字段 a 由 b 得出\n")));
}

// In the answer and in history: nobody waits for rules that will never come.
TEST_F(RuleLifeTest, WhatIsReplacedBeforeItsDateIsTold) {
  v1::ListRuleSetsResponse before;
  v1::RuleSet& scheduled = *before.add_rule_sets();
  scheduled = in_force_;
  scheduled.set_version(2);
  scheduled.set_state(v1::RULE_SET_STATE_APPROVED);
  scheduled.mutable_decided()->set_seconds(1'700'000'000);
  scheduled.mutable_active_from()->set_seconds(1'900'000'000);
  *before.add_rule_sets() = in_force_;
  v1::RuleSet approved = in_force_;
  approved.set_version(3);
  approved.mutable_decided()->set_seconds(1'800'000'000);
  approved.mutable_active_from()->set_seconds(1'800'000'000);
  v1::DecideRuleSetResponse decided;
  *decided.mutable_rule_set() = approved;
  const std::vector<const char*> arguments = {"rules",      "approve", "insurance_participation",
                                              "--receiver", "530100",  "--version",
                                              "3",          "--from",  "2026-11-30"};
  const Ran ran = RunHuiliu(arguments, {{"Rules/DecideRuleSet", Answer(decided)},
                                        {"Rules/ListRuleSets", Answer(before)}});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("第 2 版原定 2030-03-18 01:46:40 生效，已被本版取代"),
                             HasSubstr("所写生效时间已过，自审批时起生效：2027-01-15")));
  std::vector<const char*> as_json = arguments;
  as_json.insert(as_json.end(), {"--output", "json"});
  EXPECT_THAT(RunHuiliu(as_json, {{"Rules/DecideRuleSet", Answer(decided)},
                                  {"Rules/ListRuleSets", Answer(before)}})
                  .out,
              AllOf(HasSubstr("第 2 版原定"), HasSubstr("is replaced by this one"),
                    HasSubstr("所写生效时间已过")))
      << "JSON says what the text says";
  // Of the same version for a date of its own, before 2's: nothing is lost.
  decided.mutable_rule_set()->mutable_active_from()->set_seconds(1'950'000'000);
  EXPECT_THAT(RunHuiliu(arguments, {{"Rules/DecideRuleSet", Answer(decided)},
                                    {"Rules/ListRuleSets", Answer(before)}})
                  .out,
              testing::Not(HasSubstr("取代")));

  v1::ListRuleSetsResponse after;
  *after.add_rule_sets() = approved;
  scheduled.set_state(v1::RULE_SET_STATE_SUPERSEDED);
  *after.add_rule_sets() = scheduled;
  v1::RuleSet first = in_force_;
  first.set_state(v1::RULE_SET_STATE_SUPERSEDED);
  first.mutable_decided()->set_seconds(1'600'000'000);
  first.mutable_active_from()->set_seconds(1'600'000'000);
  *after.add_rule_sets() = first;
  const std::string history =
      RunHuiliu({"rules", "history"}, {{"Rules/ListRuleSets", Answer(after)}}).out;
  EXPECT_THAT(history, HasSubstr("已被替代（未曾生效，第 3 版取代）"));
  const size_t once = history.find("未曾生效");
  EXPECT_EQ(history.find("未曾生效", once + 1), std::string::npos) << "version 1 was in force";
}

}  // namespace
}  // namespace huiliu::cli
