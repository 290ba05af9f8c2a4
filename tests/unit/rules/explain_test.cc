#include "core/rules/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/rules/explain_message.h"
#include "core/rules/explain_words.h"
#include "core/rules/value_words.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr char kRules[] = R"(
legal_basis: 政务数据共享条例
rules:
  - id: old
    when: name == "李四"
    withhold: 旧规则
    valid_to: 2020-12-31
  - id: young
    when: (age < 18 || name == "王五") && inDivision("530100")
    withhold: 未成年人
  - id: own
    when: int(phone) > 0
  - id: never
)";

class ExplainTest : public testing::Test {
 protected:
  Explanation Explain(absl::string_view json) {
    record_ = fixture_.Record(json);
    const Receiver receiver{ReceiverId("530100"), "昆明市", {"530100"}, std::string(32, 'k')};
    auto found = ExplainRecord(fixture_.contract, set_, receiver, YunnanDivisions(), record_,
                               fixture_.now_us, held_);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *std::move(found) : Explanation();
  }

  EngineFixture fixture_;
  std::shared_ptr<const RuleSet> set_ = fixture_.Rules("530100", kRules);
  std::string record_;
  HeldOverrides held_;
};

TEST_F(ExplainTest, ALongValueIsCutAndSaysHowLongItIs) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "昆";
  EXPECT_EQ(ValueInWords("昆明", false), "昆明");
  const std::string cut = ValueInWords(text, false);
  EXPECT_EQ(cut, text.substr(0, 200 * 3) + "…（共 200000 字，只显示前 200 字）");
  EXPECT_THAT(ValueInWords(text, true),
              testing::EndsWith("… (200000 characters, the first 200 are shown)"));
  huiliu::v1::Explanation message;
  auto& rule = *message.add_rules();
  rule.set_id("own");
  rule.set_in_force(true);
  auto& value = *rule.mutable_when()->add_values();
  value.set_field("name");
  value.set_shown(huiliu::v1::DryRunSample::SHOWN_CLEAR);
  value.set_text(text);
  const std::string words = ExplanationInWords(message, {});
  EXPECT_THAT(words, testing::HasSubstr("共 200000 字"));
  EXPECT_LT(words.size(), 2000u);
}

TEST_F(ExplainTest, AReasonIsSaidInWordsAndItsCodeOnce) {
  huiliu::v1::Explanation message;
  message.set_outcome(huiliu::v1::OUTCOME_PENDING);
  message.set_reason("territory.no_evidence");
  EXPECT_THAT(ExplanationInWords(message, {}),
              testing::HasSubstr("结果：待认领，没有任何归属依据 [territory.no_evidence]\n"));
  message.set_reason("rule.of_a_later_release");
  EXPECT_THAT(ExplanationInWords(message, {}),
              testing::HasSubstr("结果：待认领，rule.of_a_later_release\n"));
}

TEST_F(ExplainTest, AConditionOfACommonShapeIsSaidInWordsFirst) {
  const Explanation found =
      Explain(R"({"id":"1","name":"李四","age":30,"phone":"5","division":"530102"})");
  ExplainViewer viewer;
  viewer.knows_all = true;
  viewer.show = [](const schema::Field&, const std::string& text) {
    return std::make_pair(huiliu::v1::DryRunSample::SHOWN_CLEAR, text);
  };
  const auto message = ToMessage(found, *fixture_.contract, *set_, record_, viewer);
  ASSERT_TRUE(message.ok()) << message.status();
  ExplainLanguage language;
  EXPECT_THAT(ExplanationInWords(*message, language),
              testing::HasSubstr("✗ 年龄小于 18（age < 18）"));
  language.english = true;
  EXPECT_THAT(ExplanationInWords(*message, language),
              testing::HasSubstr("✗ age < 18 (age is below 18)"));
}

TEST_F(ExplainTest, EvidenceThatCannotBeReadIsSaid) {
  const Explanation found =
      Explain(R"({"id":"1","name":"李四","division":"530102X","other_division":"530103"})");
  ExplainViewer viewer;
  bool hidden = false;
  viewer.show = [&](const schema::Field& field, const std::string& text) {
    return std::make_pair(hidden && field.name == "division"
                              ? huiliu::v1::DryRunSample::SHOWN_WITHHELD
                              : huiliu::v1::DryRunSample::SHOWN_CLEAR,
                          text);
  };
  const auto message = *ToMessage(found, *fixture_.contract, *set_, record_, viewer);
  EXPECT_TRUE(message.links(0).unread());
  EXPECT_FALSE(message.links(1).unread());
  EXPECT_EQ(message.county_means(), "code");
  ExplainLanguage language;
  EXPECT_THAT(ExplanationInWords(message, language),
              testing::AllOf(testing::HasSubstr("530102X：代码无法识别，不作依据\n"),
                             testing::HasSubstr("  县区凭：代码\n")));
  language.english = true;
  EXPECT_THAT(ExplanationInWords(message, language),
              testing::AllOf(testing::HasSubstr("530102X: not a code that can be read"),
                             testing::HasSubstr("  county by: a code\n")));
  // That a code is malformed says something of it: not to whom it is hidden from.
  hidden = true;
  const auto less = *ToMessage(found, *fixture_.contract, *set_, record_, viewer);
  EXPECT_TRUE(less.links(0).withheld());
  EXPECT_FALSE(less.links(0).unread());
  EXPECT_EQ(less.county_means(), "");
  // Nor where nothing decides.
  const Explanation nowhere = Explain(R"({"id":"1","name":"李四","division":"530102X"})");
  const auto least = *ToMessage(nowhere, *fixture_.contract, *set_, record_, viewer);
  EXPECT_TRUE(least.links(0).withheld());
  EXPECT_FALSE(least.links(0).unread());
}

// As `territory explain` says it.
TEST_F(ExplainTest, WhatAnAddressLeavesOpenIsSaid) {
  huiliu::v1::Explanation message;
  message.set_division("530100");
  auto& address = *message.add_links();
  address.mutable_value()->set_field("address");
  address.mutable_value()->set_text("人民西路");
  address.add_candidates("530102");
  address.add_candidates("530112");
  ExplainLanguage language;
  language.place = [](const std::string& code) { return code == "530102" ? "五华区" : ""; };
  EXPECT_THAT(ExplanationInWords(message, language),
              testing::AllOf(testing::HasSubstr("人民西路：地名可能属于 530102 五华区、530112\n"),
                             testing::HasSubstr("  县区未定：地名分属多个县区\n")));
  address.clear_candidates();
  address.set_division("530103");
  address.set_also("530102");
  address.set_decided_county(true);
  address.set_disagrees("county");
  message.set_division("530103");
  message.set_county_means("written");
  EXPECT_THAT(ExplanationInWords(message, language),
              testing::AllOf(testing::HasSubstr(
                                 "530103，又写有 530102 五华区（由它判定）（与判定县区不一致）\n"),
                             testing::HasSubstr("  县区凭：所写县区名\n"),
                             testing::Not(testing::HasSubstr("县区未定"))));
  // A person decided: evidence did not.
  message.set_territory_override("o1");
  EXPECT_THAT(ExplanationInWords(message, language), testing::Not(testing::HasSubstr("县区凭")));
}

// `phone` and `citizen_id` are hidden from him, the others clear.
class ExplainHiddenTest : public ExplainTest {
 protected:
  huiliu::v1::Explanation Shown(const char* when) {
    set_ = fixture_.Rules(
        "530100", absl::StrCat("legal_basis: 条例\nrules:\n  - id: r\n    when: '", when, "'\n"));
    const Explanation found =
        Explain(R"({"id":"1","name":"李四","age":30,"phone":"13800000000","division":"530102"})");
    ExplainViewer viewer;
    viewer.show = [](const schema::Field& field, const std::string& text) {
      const bool hidden = field.name == "phone" || field.name == "citizen_id";
      return std::make_pair(
          hidden ? huiliu::v1::DryRunSample::SHOWN_WITHHELD : huiliu::v1::DryRunSample::SHOWN_CLEAR,
          text);
    };
    auto message = ToMessage(found, *fixture_.contract, *set_, record_, viewer);
    EXPECT_TRUE(message.ok()) << message.status();
    return *std::move(message);
  }
  static std::string Words(const huiliu::v1::Explanation& message) {
    ExplainLanguage language;
    language.withheld = "（不显示）";
    language.title = [](const std::string& field) {
      return field == "phone" ? "电话" : field == "citizen_id" ? "身份证号" : field;
    };
    return ExplanationInWords(message, language);
  }
};

TEST_F(ExplainHiddenTest, TheOnlyConditionThatCanHaveFailedIsToldWithoutItsValue) {
  const auto message = Shown("age > 18 && phone.startsWith(\"139\")");
  const auto& when = message.rules(0).when();
  EXPECT_EQ(when.truth(), huiliu::v1::Explanation::TRUTH_FALSE);
  EXPECT_EQ(when.parts(1).truth(), huiliu::v1::Explanation::TRUTH_FALSE);
  EXPECT_TRUE(when.parts(1).values(0).text().empty());
  EXPECT_THAT(Words(message), testing::HasSubstr("✗ 电话开头为“139”"));
  EXPECT_THAT(Words(message), testing::Not(testing::HasSubstr("138")));
  const auto alone = Shown("phone.startsWith(\"139\")");
  EXPECT_THAT(Words(alone), testing::HasSubstr("✗ 电话开头为“139”"));
}

TEST_F(ExplainHiddenTest, OfSeveralThatMayHaveFailedOnlyTheFieldsAreTold) {
  const auto message = Shown("age > 18 && phone.startsWith(\"139\") && isCitizenId(citizen_id)");
  for (const int part : {1, 2})
    EXPECT_EQ(message.rules(0).when().parts(part).truth(), huiliu::v1::Explanation::TRUTH_WITHHELD);
  EXPECT_THAT(Words(message),
              testing::HasSubstr("未满足的是对这些字段的条件（值不显示）：电话、身份证号\n"));
  // One that is told failed: what the others are is nobody's business.
  const auto told = Shown("age > 40 && phone.startsWith(\"139\")");
  EXPECT_EQ(told.rules(0).when().parts(1).truth(), huiliu::v1::Explanation::TRUTH_WITHHELD);
  EXPECT_THAT(Words(told), testing::Not(testing::HasSubstr("未满足")));
}

TEST_F(ExplainHiddenTest, WhereAllMustHoldEachDoes) {
  const auto message = Shown("(phone.startsWith(\"138\") || age > 40) && !isCitizenId(citizen_id)");
  const auto& when = message.rules(0).when();
  EXPECT_EQ(when.truth(), huiliu::v1::Explanation::TRUTH_TRUE);
  EXPECT_EQ(when.parts(0).parts(0).truth(), huiliu::v1::Explanation::TRUTH_TRUE);
  EXPECT_EQ(when.parts(1).truth(), huiliu::v1::Explanation::TRUTH_TRUE);
}

TEST_F(ExplainTest, WhatWasDecidedByHandIsNamedAndItsRulesAreAsked) {
  constexpr char kNowhere[] = R"({"id":"1","name":"王五","age":30,"phone":"5"})";
  EXPECT_EQ(Explain(kNowhere).decision.outcomes[0], huiliu::v1::OUTCOME_PENDING);
  held_.system = "sys";
  huiliu::v1::TerritoryOverride& given = held_.overrides.emplace_back();
  given.set_id("ov7");
  given.set_dataset("person");
  given.set_receiver("530100");
  given.set_division("530102");
  given.mutable_name()->set_field("name");
  given.mutable_name()->set_text("王五");
  const Explanation found = Explain(kNowhere);
  EXPECT_EQ(found.decision.reasons[0], "rule.withheld:young");
  ASSERT_THAT(found.decision.overrides, SizeIs(1));
  EXPECT_EQ(found.decision.overrides[0], "ov7");
  ASSERT_THAT(found.rules, SizeIs(2));
  EXPECT_EQ(found.rules[1].when.truth, cel::Truth::kTrue) << "inDivision sees the division";
}

TEST_F(ExplainTest, EachConditionHasItsValueAndItsFieldsUpToTheRuleThatDecides) {
  const Explanation found =
      Explain(R"({"id":"1","name":"李四","age":30,"phone":"5","division":"530102"})");
  EXPECT_EQ(found.decision.outcomes[0], huiliu::v1::OUTCOME_RETURNED);
  ASSERT_THAT(found.rules, SizeIs(3));
  EXPECT_FALSE(found.rules[0].in_force);
  const ExplainedClause& young = found.rules[1].when;
  EXPECT_EQ(young.truth, cel::Truth::kFalse);
  ASSERT_THAT(young.parts, SizeIs(2));
  EXPECT_EQ(young.parts[0].joint, cel::Clause::Joint::kAny);
  EXPECT_EQ(young.parts[0].truth, cel::Truth::kFalse);
  ASSERT_THAT(young.parts[0].parts, SizeIs(2));
  const ExplainedClause& age = young.parts[0].parts[0];
  EXPECT_EQ(age.text, "age < 18");
  ASSERT_THAT(age.fields, SizeIs(1));
  EXPECT_EQ(age.fields[0].first->name, "age");
  EXPECT_EQ(age.fields[0].second, "30");
  EXPECT_EQ(young.parts[1].truth, cel::Truth::kTrue);
  EXPECT_TRUE(found.rules[2].decides);
  EXPECT_EQ(found.rules[2].when.truth, cel::Truth::kTrue);
}

TEST_F(ExplainTest, AConditionThatFailsSaysWhy) {
  const Explanation found =
      Explain(R"({"id":"1","name":"李四","age":30,"phone":"x","division":"530102"})");
  EXPECT_EQ(found.decision.reasons[0], "rule.error:own");
  ASSERT_THAT(found.rules, SizeIs(3));
  EXPECT_EQ(found.rules[2].when.truth, cel::Truth::kError);
  EXPECT_FALSE(found.rules[2].when.error.empty());
}

TEST_F(ExplainTest, WhereBelongingDecidesNoRuleIsAsked) {
  EXPECT_THAT(Explain(R"({"id":"1","name":"李四","division":"532901"})").rules, IsEmpty());
  EXPECT_THAT(Explain(R"({"id":"1","name":"李四"})").rules, IsEmpty());
  EXPECT_THAT(Explain(R"({"id":"1","division":"530102"})").rules, IsEmpty());
}

}  // namespace
}  // namespace huiliu::rules
