// A hidden field leaves under no other name unless its rule says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/rules/rule_set.h"

namespace huiliu::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kContract[] = R"(syntax = "proto3";
package test.v1;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: "person" title: "人员" provider: "测试" theme: "population"
    sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "登记地" evidence: {field: "division" kind: EVIDENCE_KIND_CODE}}
  };
  message Home { string street = 1; }
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名" personal: true}];
  string phone = 3 [(huiliu.v1.data) = {title: "电话" personal: true default_mask: {partial: {keep_first: 3}}}];
  string secret = 4 [(huiliu.v1.data) = {title: "密" default_mask: {drop: true}}];
  string division = 5 [(huiliu.v1.data) = {title: "区划"}];
  string note = 6 [(huiliu.v1.data) = {title: "备注"}];
  string other = 7 [(huiliu.v1.data) = {title: "其他"}];
  string mobile = 8 [(huiliu.v1.data) = {title: "手机" personal: true}];
  Home home = 9 [(huiliu.v1.data) = {title: "住址" personal: true}];
  repeated string tags = 10 [(huiliu.v1.data) = {title: "标签" personal: true}];
})";

class RuleDisclosuresTest : public testing::Test {
 protected:
  // "line:column message" of every finding, of a rule with these lines.
  std::vector<std::string> Findings(absl::string_view lines, RuleAge age = RuleAge::kNew) {
    static const auto contract = *schema::Contract::Parse("person.proto", kContract);
    std::vector<huiliu::v1::RuleError> errors;
    const auto parsed = ParseRuleSet(
        "p.yaml",
        absl::StrCat(
            "dataset: person\nreceiver: \"530100\"\nlegal_basis: 条例\nrules:\n  - id: r\n", lines),
        *contract, &errors, nullptr, age);
    set_ = parsed.ok() ? *parsed : nullptr;
    std::vector<std::string> found;
    for (const auto& error : errors)
      found.push_back(absl::StrCat(error.line(), ":", error.column(), " ", error.message()));
    return found;
  }
  std::shared_ptr<const RuleSet> set_;
};

TEST_F(RuleDisclosuresTest, ADerivedFieldThatTellsAHiddenOneIsRefusedWhereItStands) {
  const std::pair<const char*, const char*> cases[] = {
      {"    derive: {note: name}\n", "由 name 得出，name 是个人信息"},
      {"    derive: {note: 'phone.substring(0, 7)'}\n", "phone 在契约中规定了默认脱敏"},
      {"    derive: {note: secret}\n", "secret 在契约中规定了默认脱敏"},
      {"    derive: {note: other}\n    drop: [other]\n", "other 在本规则中不回流"},
      {"    derive: {note: other}\n    masks: {other: drop}\n", "other 在本规则中不回流"},
      {"    derive: {note: other}\n    keep: [id, note]\n", "other 在本规则中不回流"},
      {"    derive: {note: other}\n    masks: {other: hash}\n", "other 在本规则中脱敏"},
      {"    derive: {note: record.division}\n    masks: {division: {generalise: city}}\n",
       "division 在本规则中脱敏"},
      {"    derive: {note: other, other: '\"x\"'}\n", "other 在本规则中由别的值代替"},
      {"    derive: {note: other}\n    rename: {division: other}\n",
       "other 在本规则中由别的值代替"},
      // However it is read.
      {"    derive: {note: 'has(name) ? \"1\" : \"0\"'}\n", "由 name 得出"},
      {"    derive: {note: 'tags.exists(t, t == \"x\") ? \"1\" : \"0\"'}\n", "由 tags 得出"},
      {"    derive: {note: 'home.street'}\n", "由 home 得出"},
      {"    derive: {note: '[name].map(x, x)[0]'}\n", "由 name 得出"},
      {"    derive: {note: 'true || name == \"x\" ? other : note'}\n", "由 name 得出"},
      {"    derive: {name: 'name.substring(0, 1)'}\n", "由 name 得出"},
      // That the rule keeps it does not open it under another name.
      {"    derive: {note: phone}\n    masks: {phone: keep}\n", "phone 在契约中规定了默认脱敏"},
  };
  for (const auto& [lines, words] : cases) {
    const std::vector<std::string> found = Findings(lines);
    ASSERT_THAT(found, ElementsAre(HasSubstr(words))) << lines;
    EXPECT_THAT(found[0], StartsWith("6:")) << lines;
    EXPECT_THAT(found[0], HasSubstr("the rule says discloses: [")) << lines;
    EXPECT_EQ(set_, nullptr);
  }
  EXPECT_THAT(Findings("    derive: {note: 'name'}\n"), ElementsAre(StartsWith("6:21 ")));
  // At the field itself.
  EXPECT_THAT(Findings("    derive: {note: 'other + \"中\" + name + name'}\n"),
              ElementsAre(StartsWith("6:35 ")));
  EXPECT_THAT(Findings("    derive: {note: 'has(record.phone) ? \"1\" : record.name'}\n"),
              ElementsAre(StartsWith("6:54 "), StartsWith("6:32 ")));
}

// Where a record belongs is read from the fields of its basis.
TEST_F(RuleDisclosuresTest, TheDivisionTellsAFieldOfItsBasisThatLeavesCoarser) {
  for (const char* derive : {"{note: 'note + string(!inDivision(\"530102\"))'}",
                             "{note: 'inDivision(\"530102\") ? \"1\" : \"2\"'}"}) {
    for (const char* hides :
         {"masks: {division: {generalise: city}}", "drop: [division]", "keep: [id, note]"}) {
      const std::string lines = absl::StrCat("    derive: ", derive, "\n    ", hides, "\n");
      EXPECT_THAT(Findings(lines), ElementsAre(HasSubstr("用到归属区划，它由 division 得出")))
          << lines;
      EXPECT_THAT(Findings(absl::StrCat(lines, "    discloses: [division]\n")), IsEmpty()) << lines;
      EXPECT_EQ(set_->notices.size(), 1u);
    }
    EXPECT_THAT(Findings(absl::StrCat("    derive: ", derive, "\n")), IsEmpty()) << derive;
  }
}

TEST_F(RuleDisclosuresTest, WhatIsNamedIsToldAsANotice) {
  EXPECT_THAT(Findings("    derive: {note: 'name + phone'}\n    discloses: [name, phone]\n"),
              IsEmpty());
  ASSERT_NE(set_, nullptr);
  ASSERT_EQ(set_->notices.size(), 2u);
  EXPECT_EQ(set_->notices[0].line(), 6);
  EXPECT_EQ(set_->notices[0].rule(), "r");
  EXPECT_EQ(
      set_->notices[0].message(),
      "派生字段 note 由 name 得出，name 是个人信息 / derived field note is made of name, which "
      "is personal information");
  EXPECT_TRUE(set_->undisclosed.empty());
  // One of two is not enough, and what nothing tells is not named.
  EXPECT_THAT(Findings("    derive: {note: 'name + phone'}\n    discloses: [name]\n"),
              ElementsAre(HasSubstr("由 phone 得出")));
  EXPECT_THAT(Findings("    derive: {note: name}\n    discloses: [name, other]\n"),
              ElementsAre(StartsWith("7:16 没有派生或改名的字段说出 other")));
}

TEST_F(RuleDisclosuresTest, WhatIsNotHiddenMayBeDerivedAndAConditionReadsEverything) {
  EXPECT_THAT(Findings("    when: 'name == \"x\" && secret != \"\"'\n    derive: {note: 'other + "
                       "record.division', other: other}\n    masks: {phone: drop}\n"),
              ElementsAre(HasSubstr("由 other 得出")))
      << "of other only what replaces it leaves";
  EXPECT_THAT(Findings("    when: 'name == \"x\" && secret != \"\"'\n    derive: {note: 'note + "
                       "other'}\n    masks: {phone: drop, other: keep}\n"),
              IsEmpty());
  EXPECT_TRUE(set_->notices.empty());
}

TEST_F(RuleDisclosuresTest, ARenamedFieldTakesTheMaskOfItsOldName) {
  ASSERT_THAT(Findings("    rename: {phone: mobile}\n"), IsEmpty());
  ASSERT_EQ(set_->rules[0].masks.size(), 1u);
  EXPECT_EQ(set_->rules[0].masks[0].first, "phone");
  EXPECT_EQ(set_->rules[0].masks[0].second.partial().keep_first(), 3u);
  // Unless one is stated, with either name.
  for (const char* name : {"phone", "mobile"}) {
    ASSERT_THAT(
        Findings(absl::StrCat("    rename: {phone: mobile}\n    masks: {", name, ": hash}\n")),
        IsEmpty());
    ASSERT_EQ(set_->rules[0].masks.size(), 1u);
    EXPECT_EQ(set_->rules[0].masks[0].first, "phone");
    EXPECT_TRUE(set_->rules[0].masks[0].second.hash());
  }
  EXPECT_THAT(Findings("    rename: {phone: mobile}\n    masks: {phone: hash, mobile: keep}\n"),
              ElementsAre(HasSubstr("只能写一处")));
  ASSERT_THAT(Findings("    rename: {other: note}\n"), IsEmpty());
  EXPECT_TRUE(set_->rules[0].masks.empty());
}

TEST_F(RuleDisclosuresTest, APersonalFieldKeepsBeingOneUnderItsNewName) {
  EXPECT_THAT(Findings("    rename: {name: note}\n"),
              ElementsAre(HasSubstr("note 在契约中不是个人信息")));
  EXPECT_THAT(Findings("    rename: {name: note}\n    discloses: [name]\n"), IsEmpty());
  EXPECT_EQ(set_->notices.size(), 1u);
  EXPECT_THAT(Findings("    rename: {name: mobile}\n"), IsEmpty());
  EXPECT_THAT(Findings("    rename: {phone: mobile}\n    masks: {mobile: keep}\n"),
              ElementsAre(HasSubstr("照原样回流")));
  EXPECT_THAT(Findings("    rename: {secret: note}\n    masks: {secret: keep}\n"),
              ElementsAre(HasSubstr("照原样回流")));
}

TEST_F(RuleDisclosuresTest, WhatStandsGoesOnHoldingAndSaysSo) {
  EXPECT_THAT(Findings("    derive: {note: name}\n", RuleAge::kStanding), IsEmpty());
  ASSERT_NE(set_, nullptr);
  EXPECT_EQ(set_->notices.size(), 1u);
  EXPECT_THAT(set_->undisclosed, StartsWith("r: 派生字段 note 由 name 得出"));
}

}  // namespace
}  // namespace huiliu::rules
