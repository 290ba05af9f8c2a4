#include "broker/governance/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/governance/state.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::governance {
namespace {

using huiliu::v1::TerritoryOverride;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);

class OverrideLifeTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* id : {"530100", "532900"}) {
      huiliu::v1::Receiver receiver;
      receiver.set_id(id);
      receiver.set_title(id);
      receiver.add_divisions(id);
      ASSERT_TRUE(state_.Apply(*state_.Propose(receiver, 0)).ok());
    }
    std::string contract = rules::kPersonContract;
    contract.replace(contract.find("%s"), 2, "");
    ASSERT_TRUE(state_.Apply(**state_.ProposeDataset("person.proto", contract)).ok());
  }
  static TerritoryOverride Name(const std::string& name, const std::string& receiver = "530100") {
    TerritoryOverride given;
    given.set_dataset("person");
    given.set_receiver(receiver);
    given.set_division("530102");
    given.set_reason("营业执照复印件");
    given.mutable_name()->set_field("name");
    given.mutable_name()->set_text(name);
    return given;
  }
  absl::StatusOr<TerritoryOverride> Take(const absl::StatusOr<State::Record>& record) {
    if (!record.ok()) return record.status();
    if (record->version() != 0) EXPECT_TRUE(state_.Apply(*record).ok());
    return record->territory_override();
  }
  absl::StatusOr<TerritoryOverride> Propose(const TerritoryOverride& given,
                                            const std::string& author = "a") {
    return Take(state_.ProposeOverride(given, author));
  }
  absl::StatusOr<TerritoryOverride> Decide(const std::string& id, const std::string& officer,
                                           bool approve, const std::string& reason = "") {
    huiliu::v1::DecideOverrideRequest request;
    request.set_id(id);
    request.set_approve(approve);
    request.set_reason(reason);
    return Take(state_.ProposeOverrideDecision(request, officer, kNow));
  }
  absl::StatusOr<TerritoryOverride> Withdraw(const std::string& id, const std::string& officer,
                                             const std::string& reason = "有误") {
    huiliu::v1::WithdrawOverrideRequest request;
    request.set_id(id);
    request.set_reason(reason);
    return Take(state_.ProposeOverrideWithdrawal(request, officer, kNow));
  }
  State state_;
};

TEST_F(OverrideLifeTest, WhatHoldsForEverythingIsNoDecision) {
  const auto pattern = [](const std::string& text, const std::string& field = "name") {
    TerritoryOverride given = Name("");
    given.mutable_pattern()->set_field(field);
    given.mutable_pattern()->set_text(text);
    return given;
  };
  const auto condition = [](const std::string& text) {
    TerritoryOverride given = Name("");
    given.set_condition(text);
    return given;
  };
  std::vector<TerritoryOverride> refused;
  for (const char* text :
       {".",       "..*", ".+",  "^.",    "\\S",    "[^\\x00]", "[0-9A-Za-z\\p{Han}]",
        ".*",      "x*",  "^",   "|甲",   "(?s).$", "\\p{Han}", "\\p{Han}{2,}",
        "[昆明]+", "县",  "号$", "昆?明", "abc",    "(甲|乙)",  "\\d{6}"})
    refused.push_back(pattern(text));
  for (const char* text :
       {"true", "name != \"\"", "has(name)", "size(name) > 0", "name >= \"0\"",
        "name != \"不会有这个名字\"", "conflict || !conflict", "age > 0", "name.matches(\".\")",
        "size(name) > 4", "size(name) > 2 && age > 3", "!name.contains(\"昆明\")", "name > \"A\"",
        "name.matches(\"\\\\p{Han}\")", "record.division != \"\" && name != \"\""})
    refused.push_back(condition(text));
  for (const TerritoryOverride& given : refused) {
    const auto proposed = Propose(given);
    EXPECT_EQ(proposed.status().code(), absl::StatusCode::kInvalidArgument)
        << given.ShortDebugString();
    EXPECT_THAT(std::string(proposed.status().message()),
                testing::AnyOf(HasSubstr("写得更具体"), HasSubstr("空记录也会匹配")));
  }
  EXPECT_TRUE(Propose(pattern("^昆明.*有限公司$")).ok());
  EXPECT_TRUE(Propose(pattern("五华|盘龙")).ok());
  EXPECT_TRUE(Propose(pattern("^HT-\\d+")).status().code() == absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Propose(pattern("^HTXM\\d+")).ok());
  EXPECT_TRUE(Propose(pattern("磨憨")).ok());
  EXPECT_TRUE(Propose(condition("name.startsWith(\"昆明\") && age > 3")).ok());
  EXPECT_TRUE(Propose(condition("name in [\"甲\", \"乙\"]")).ok());
}

TEST_F(OverrideLifeTest, AMobileNumberStandsInNoText) {
  for (const char* text : {"老张13887654321", "138-8765-4321"}) {
    EXPECT_THAT(std::string(Propose(Name(text)).status().message()), HasSubstr("mobile number"));
    TerritoryOverride given = Name("甲");
    given.set_reason(absl::StrCat("电话核实 ", text));
    EXPECT_THAT(std::string(Propose(given).status().message()), HasSubstr("手机号码"));
  }
  TerritoryOverride office = Name("甲");
  office.set_reason("经 0871-63112345 核实");
  const auto proposed = Propose(office);
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  EXPECT_EQ(Decide(proposed->id(), "b", true, "见 13887654321").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(OverrideLifeTest, ABlankReasonIsNone) {
  for (const char* blank : {"", " \t", "　"}) {
    TerritoryOverride given = Name("甲");
    given.set_reason(blank);
    EXPECT_EQ(Propose(given).status().code(), absl::StatusCode::kInvalidArgument);
    given.set_reason("核实");
    const auto proposed = Propose(given);
    ASSERT_TRUE(proposed.ok()) << proposed.status();
    EXPECT_EQ(Decide(proposed->id(), "b", false, blank).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(OverrideLifeTest, AWordForNothingClaimsNoRecords) {
  for (const char* word : {"N/A", "n/a", " NULL ", "无", "\u3000无", "-", "\\N", "不详", "/"}) {
    const auto refused = Propose(Name(word));
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument) << word;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("表示没有值")) << word;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("stands for no value")) << word;
  }
  EXPECT_TRUE(Propose(Name("无锡办事处")).ok());
}

TEST_F(OverrideLifeTest, AConditionOverNoDivisionIsRefused) {
  state_.KnowDivisions(rules::YunnanDivisions());
  TerritoryOverride given = Name("");
  given.set_condition("age > 3 && inDivision(name, \"530199\")");
  const auto refused = Propose(given);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("1:29: 区划 \"530199\""));
  given.set_condition("age > 3 && inDivision(name, \"530102\")");
  EXPECT_TRUE(Propose(given).ok());
}

TEST_F(OverrideLifeTest, ASecondPersonApproves) {
  const TerritoryOverride proposed = *Propose(Name("甲"));
  EXPECT_EQ(proposed.id(), absl::StrCat("ov", proposed.version()));
  EXPECT_EQ(proposed.state(), huiliu::v1::OVERRIDE_STATE_PROPOSED);
  EXPECT_THAT(state_.OverridesInForce("person", "530100"), IsEmpty());
  EXPECT_EQ(Decide(proposed.id(), "a", true).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Decide(proposed.id(), "b", false).status().code(), absl::StatusCode::kInvalidArgument)
      << "a rejection states its reason";
  const TerritoryOverride approved = *Decide(proposed.id(), "b", true);
  EXPECT_EQ(approved.approver(), "b");
  EXPECT_EQ(approved.author(), "a");
  EXPECT_THAT(state_.OverridesInForce("person", "530100"), SizeIs(1));
  EXPECT_THAT(state_.OverridesInForce("person", "532900"), IsEmpty());
  EXPECT_EQ(Decide(proposed.id(), "c", false, "x").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(OverrideLifeTest, RejectedAndWithdrawnOnesHoldNoMore) {
  const std::string rejected = Propose(Name("甲"))->id();
  ASSERT_TRUE(Decide(rejected, "b", false, "证据不足").ok());
  EXPECT_FALSE(Withdraw(rejected, "a").ok());
  const std::string held = Propose(Name("甲"))->id();
  EXPECT_NE(held, rejected) << "what was rejected may be proposed again";
  ASSERT_TRUE(Decide(held, "b", true).ok());
  EXPECT_FALSE(Withdraw(held, "a", "").ok());
  EXPECT_EQ(Withdraw(held, "c")->withdrawn_by(), "c");
  EXPECT_THAT(state_.OverridesInForce("person", "530100"), IsEmpty());
  EXPECT_THAT(state_.Overrides(), SizeIs(2)) << "every one is kept";
  const std::string waiting = Propose(Name("乙"))->id();
  EXPECT_TRUE(Withdraw(waiting, "a").ok());
  EXPECT_FALSE(Decide(waiting, "b", true).ok());
  EXPECT_EQ(Decide("ov999", "b", true).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(OverrideLifeTest, TheSameIsNotProposedTwice) {
  const TerritoryOverride first = *Propose(Name("甲"));
  EXPECT_EQ(Propose(Name("甲"), "other")->id(), first.id());
  EXPECT_EQ(Propose(Name("甲"), "other")->author(), "a");
  EXPECT_NE(Propose(Name("甲", "532900"))->id(), first.id());
  TerritoryOverride elsewhere = Name("甲");
  elsewhere.set_division("530103");
  EXPECT_NE(Propose(elsewhere)->id(), first.id());
}

TEST_F(OverrideLifeTest, WhatIsNoOverrideIsRefused) {
  TerritoryOverride given = Name("甲");
  given.set_reason("");
  EXPECT_THAT(std::string(Propose(given).status().message()), HasSubstr("理由"));
  given.set_reason("他的身份证号 530102199001011234");
  EXPECT_THAT(std::string(Propose(given).status().message()),
              testing::AllOf(HasSubstr("身份证号"), testing::Not(HasSubstr("1990"))));
  given = Name("甲");
  given.set_division("五华区");
  EXPECT_EQ(Propose(given).status().code(), absl::StatusCode::kInvalidArgument);
  given = Name("甲");
  given.set_dataset("nothing");
  EXPECT_EQ(Propose(given).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Propose(Name("甲", "530300")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(OverrideLifeTest, PatternsAreFew) {
  for (int i = 0; i < kMaxPatternsHeld; ++i) {
    TerritoryOverride pattern = Name("");
    pattern.mutable_pattern()->set_field("name");
    pattern.mutable_pattern()->set_text(absl::StrCat("甲乙", i));
    ASSERT_TRUE(Propose(pattern).ok());
  }
  TerritoryOverride more = Name("");
  more.set_condition("name == \"甲\"");
  EXPECT_EQ(Propose(more).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Propose(Name("甲")).ok());
}

TEST_F(OverrideLifeTest, ReplayingTheRecordsGivesTheSame) {
  const auto record = *state_.ProposeOverride(Name("甲"), "a");
  EXPECT_EQ(ControlKey(record), absl::StrCat("override/", record.territory_override().id()));
  ASSERT_TRUE(state_.Apply(record).ok());
  ASSERT_TRUE(state_.Apply(record).ok());
  EXPECT_THAT(state_.Overrides(), SizeIs(1));
  EXPECT_EQ(state_.FindOverride(record.territory_override().id())->name().text(), "甲");
}

}  // namespace
}  // namespace huiliu::governance
