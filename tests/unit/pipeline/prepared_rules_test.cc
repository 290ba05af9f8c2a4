#include "broker/pipeline/prepared_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::pipeline {
namespace {

// Many rules of one receiver, of which each version changes one.
class PreparedRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    huiliu::v1::Receiver receiver;
    receiver.set_id("530100");
    receiver.set_title("昆明市");
    receiver.add_divisions("530100");
    ASSERT_TRUE(state_.Apply(*state_.Propose(receiver, 0)).ok());
    std::string contract = rules::kPersonContract;
    contract.replace(contract.find("%s"), 2, "");
    ASSERT_TRUE(state_.Apply(**state_.ProposeDataset("person.proto", contract)).ok());
  }
  uint32_t Propose(int changed) {
    std::string yaml = "dataset: person\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n";
    for (int i = 0; i < 200; ++i)
      absl::StrAppend(&yaml, "  - {id: r", i, ", when: 'name == \"",
                      i == changed ? "其他" : absl::StrCat("名", i), "\"'}\n");
    const auto record = state_.ProposeRuleSet("person.yaml", yaml, "author");
    EXPECT_TRUE(record.ok() && record->has_value()) << record.status();
    EXPECT_TRUE(state_.Apply(**record).ok());
    return (*record)->rule_set().version();
  }
  void Approve(uint32_t version, absl::Time from) {
    huiliu::v1::DecideRuleSetRequest decision;
    decision.set_untried_reason("test");
    decision.set_dataset("person");
    decision.set_receiver("530100");
    decision.set_version(version);
    decision.set_approve(true);
    decision.mutable_active_from()->set_seconds(absl::ToUnixSeconds(from));
    const auto record = state_.ProposeDecision(decision, "officer", clock_.Now());
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_TRUE(state_.Apply(*record).ok());
  }
  std::shared_ptr<const rules::RuleSet> InForce() {
    return state_.FindRuleSet("person", "530100", clock_.Now());
  }
  std::shared_ptr<const rules::CompiledRules> Find() {
    auto found = prepared_.Find(state_.FindContract("person"), InForce());
    EXPECT_TRUE(found.ok()) << found.status();
    return *std::move(found);
  }

  ManualClock clock_{absl::FromUnixSeconds(1'780'000'000)};
  governance::State state_;
  PreparedRules prepared_{state_, rules::YunnanDivisions(),
                          [](absl::string_view) { return std::string(32, 'k'); }, clock_};
};

TEST_F(PreparedRulesTest, ADecisionAboutAVersionLeavesItsRulesTheSameObject) {
  const uint32_t version = Propose(0);
  const auto proposed = state_.ComingRuleSets("person", "530100", clock_.Now());
  ASSERT_EQ(proposed.size(), 1U);
  Approve(version, clock_.Now());
  EXPECT_EQ(InForce(), proposed[0]) << "nothing was parsed again";
  EXPECT_TRUE(state_.ComingRuleSets("person", "530100", clock_.Now()).empty());
}

TEST_F(PreparedRulesTest, LanesShareAVersionAndTheNextTakesOverWhatIsTheSame) {
  Approve(Propose(0), clock_.Now());
  const auto first = Find();
  EXPECT_EQ(Find(), first);
  Approve(Propose(1), clock_.Now());
  const auto second = Find();
  EXPECT_EQ(second->compiled_anew(), 2U) << "the rule that changed, and the one that changed back";
  EXPECT_EQ(second->parts()[0].index, first->parts()[0].index);
}

TEST_F(PreparedRulesTest, WhatComesIsPreparedBeforeItsDateAndKeptUntilItIsFetched) {
  prepared_.Prepare();  // nothing has been asked for
  Approve(Propose(0), clock_.Now());
  const auto first = Find();
  const uint32_t version = Propose(1);
  prepared_.Prepare();
  Approve(version, clock_.Now() + absl::Hours(1));
  prepared_.Prepare();
  EXPECT_EQ(Find(), first) << "its date has not come";
  Propose(2);
  prepared_.Prepare();
  clock_.Advance(absl::Hours(2));
  prepared_.Prepare();
  const auto second = Find();
  EXPECT_EQ(second->rule_set().version, version);
  EXPECT_EQ(second->parts()[0].index, first->parts()[0].index);
}

TEST_F(PreparedRulesTest, TheThreadPreparesWhileAnotherFetches) {
  Approve(Propose(0), clock_.Now());
  Find();
  prepared_.Start();
  for (int i = 1; i < 20; ++i) {
    Approve(Propose(i), clock_.Now());
    EXPECT_EQ(&Find()->rule_set(), InForce().get());
  }
  prepared_.Stop();
}

}  // namespace
}  // namespace huiliu::pipeline
