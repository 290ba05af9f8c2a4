#include "adapters/agent/edge_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::agent {
namespace {

class EdgeRulesTest : public testing::Test {
 protected:
  static huiliu::v1::RuleSet Version(uint32_t version, const std::string& when) {
    huiliu::v1::RuleSet rule_set;
    rule_set.set_source_name("person.530100.yaml");
    rule_set.set_version(version);
    rule_set.set_yaml(
        absl::StrCat("dataset: person\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n"
                     "  - {id: secret, when: 'name == \"密\"', withhold: x}\n  - {id: own, when: '",
                     when, "'}\n"));
    return rule_set;
  }
  rules::EngineFixture f_;
  EdgeRules rules_{rules::YunnanDivisions()};
};

TEST_F(EdgeRulesTest, WhatWasBegunIsTakenAndWhatIsTheSameKept) {
  const auto first = rules_.Take(f_.contract, Version(1, "age > 1"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->compiled_anew(), 2U);
  rules_.Begin(f_.contract, Version(2, "age > 2"));
  const auto second = rules_.Take(f_.contract, Version(2, "age > 2"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(rules_.IsBusy());
  EXPECT_EQ((*second)->rule_set().version, 2U);
  EXPECT_EQ((*second)->compiled_anew(), 1U) << "only the rule that differs";
  EXPECT_EQ((*second)->rules()[0].when, (*first)->rules()[0].when);
  const auto again = rules_.Take(f_.contract, Version(2, "age > 2"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *second) << "nothing is compiled twice";
}

TEST_F(EdgeRulesTest, WhatWasBegunButIsNoLongerWantedIsNotTaken) {
  ASSERT_TRUE(rules_.Take(f_.contract, Version(1, "age > 1")).ok());
  rules_.Begin(f_.contract, Version(2, "age > 2"));
  const auto third = rules_.Take(f_.contract, Version(3, "age > 3"));
  ASSERT_TRUE(third.ok());
  EXPECT_EQ((*third)->rule_set().version, 3U);
  EXPECT_EQ((*third)->rule_set().rules[1].when, "age > 3");
}

TEST_F(EdgeRulesTest, WhatIsWrongIsSaidByTakeWithItsPlace) {
  rules_.Begin(f_.contract, Version(1, "nothing == 1"));
  const auto taken = rules_.Take(f_.contract, Version(1, "nothing == 1"));
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(taken.status().message()), testing::HasSubstr("person.530100.yaml:6:"));
}

}  // namespace
}  // namespace huiliu::agent
