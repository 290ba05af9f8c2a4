#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/rule_life.h"

namespace huiliu::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

rules::Rule RuleOf(const std::string& id, const std::string& when) {
  rules::Rule rule;
  rule.id = id;
  rule.title = "规则" + id;
  rule.when = when;
  rule.legal_basis = "条例";
  return rule;
}

TEST(RuleChangesTest, NothingChangedIsNothingSaid) {
  rules::RuleSet set;
  set.rules = {RuleOf("a", "x == 1")};
  EXPECT_THAT(RuleChanges(&set, set, false), IsEmpty());
}

TEST(RuleChangesTest, WhatIsNewWhatIsGoneAndWhatDiffers) {
  rules::RuleSet before, after;
  before.rules = {RuleOf("gone", ""), RuleOf("a", "x == 1")};
  after.rules = {RuleOf("a", "x == 2"), RuleOf("new", "")};
  after.rules[0].masks.emplace_back("name", huiliu::v1::Mask());
  after.rules[0].masks[0].second.set_hash(true);
  EXPECT_THAT(RuleChanges(&before, after, true),
              ElementsAre("~ a  规则a", "    when", "      - x == 1", "      + x == 2", "    masks",
                          "      - (none)", "      + name pseudonym", "+ new  规则new",
                          "    does: returns", "    legal basis: 条例", "- gone  规则gone"));
}

TEST(RuleChangesTest, TheOrderIsPartOfWhatRulesMean) {
  rules::RuleSet before, after;
  before.rules = {RuleOf("a", ""), RuleOf("b", ""), RuleOf("gone", "")};
  after.rules = {RuleOf("b", ""), RuleOf("new", ""), RuleOf("a", "")};
  EXPECT_EQ(RuleChanges(&before, after, false).back(), "~ 先后次序：b → a");
}

TEST(RuleChangesTest, WithoutPredecessorEverythingIsNew) {
  rules::RuleSet after;
  after.rules = {RuleOf("a", "")};
  after.rules[0].returns = false;
  after.rules[0].reason = "涉密";
  EXPECT_THAT(RuleChanges(nullptr, after, false),
              ElementsAre("+ a  规则a", "    处理：不予回流：涉密", "    依据：条例"));
}

}  // namespace
}  // namespace huiliu::cli
