// Territory overrides: what decides by hand where evidence leaves a record pending, and nothing
// else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "core/rules/override_match.h"
#include "core/rules/override_words.h"
#include "core/rules/reason_words.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::TerritoryOverride;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kReturned = huiliu::v1::OUTCOME_RETURNED;
constexpr auto kOutside = huiliu::v1::OUTCOME_OUTSIDE_AREA;
constexpr auto kPending = huiliu::v1::OUTCOME_PENDING;
constexpr char kNowhere[] = R"({"id":"1","name":"甲"})";
constexpr char kWulong[] = R"({"id":"1","name":"甲","division":"530102"})";

TerritoryOverride Said(const std::string& id, const std::string& division,
                       const std::string& receiver = "530100") {
  TerritoryOverride given;
  given.set_id(id);
  given.set_dataset("person");
  given.set_receiver(receiver);
  given.set_division(division);
  return given;
}
TerritoryOverride ByName(const std::string& id, const std::string& division,
                         const std::string& name, const std::string& receiver = "530100") {
  TerritoryOverride given = Said(id, division, receiver);
  given.mutable_name()->set_field("name");
  given.mutable_name()->set_text(name);
  return given;
}
TerritoryOverride ByRecord(const std::string& id, const std::string& division,
                           absl::string_view key, const std::string& receiver = "530100") {
  TerritoryOverride given = Said(id, division, receiver);
  given.set_record(absl::BytesToHexString(AsBytes(RecordDigest("sys", key))));
  return given;
}
TerritoryOverride ByPattern(const std::string& id, const std::string& division,
                            const std::string& pattern, const std::string& receiver = "530100") {
  TerritoryOverride given = Said(id, division, receiver);
  given.mutable_pattern()->set_field("name");
  given.mutable_pattern()->set_text(pattern);
  return given;
}
TerritoryOverride ByCondition(const std::string& id, const std::string& division,
                              const std::string& condition) {
  TerritoryOverride given = Said(id, division);
  given.set_condition(condition);
  return given;
}

class OverridesTest : public testing::Test {
 protected:
  void Hold(const std::vector<TerritoryOverride>& overrides) {
    f_.engine->SetOverrides("sys", overrides);
  }
  void UseTwo() {
    f_.Use({{ReceiverId("530100"), "昆明市", {"530100"}, std::string(32, 'k')},
            {ReceiverId("532900"), "大理州", {"532900"}, std::string(32, 'd')}},
           {f_.Rules("530100", kOpenRules), f_.Rules("532900", kOpenRules)});
  }
  EngineFixture f_;
};

TEST_F(OverridesTest, ANameDecidesWhatEvidenceLeavesPending) {
  f_.UseKunming();
  Hold({ByName("ov7", "530102", " 甲\t")});
  const Decision& d = f_.SendJson("k", R"({"id":"1","name":"甲 "})", "r1");
  EXPECT_THAT(d.outcomes, ElementsAre(kReturned));
  EXPECT_EQ(d.attribution.division, "530102");
  EXPECT_THAT(d.overrides, ElementsAre("ov7"));
  EXPECT_EQ(DecidedBy(d, 0, *f_.contract), "override:ov7");
  EXPECT_EQ(d.reason, "");
  EXPECT_THAT(d.reasons, ElementsAre(""));
  ASSERT_THAT(d.outputs, SizeIs(1));
  EXPECT_THAT(f_.SendJson("k2", R"({"id":"2","name":"甲乙"})", "r2").outcomes,
              ElementsAre(kPending));
  EXPECT_THAT(f_.decision.overrides, IsEmpty()) << "nothing of the record before stays";
}

TEST_F(OverridesTest, WhatEvidenceDecidedIsNeverMoved) {
  UseTwo();
  Hold({ByName("ov1", "530102", "甲"), ByName("ov2", "532901", "甲", "532900")});
  const Decision& d = f_.SendJson("k", R"({"id":"1","name":"甲","division":"530302"})", "r1");
  EXPECT_THAT(d.outcomes, ElementsAre(kOutside, kOutside)) << "曲靖's";
  EXPECT_THAT(d.overrides, IsEmpty());
  EXPECT_EQ(DecidedBy(f_.SendJson("k2", kWulong, "r2"), 0, *f_.contract), "division");
  EXPECT_EQ(f_.decision.attribution.division, "530102");
}

TEST_F(OverridesTest, ARecordGoesBeforeANameAndANameBeforeAPattern) {
  f_.UseKunming();
  Hold({ByPattern("ov1", "530102", "甲"), ByName("ov2", "530103", "甲"),
        ByRecord("ov3", "530111", "k")});
  EXPECT_EQ(f_.SendJson("k", kNowhere, "r1").attribution.division, "530111");
  EXPECT_EQ(f_.SendJson("k2", kNowhere, "r2").attribution.division, "530103");
  EXPECT_EQ(f_.SendJson("k3", R"({"id":"3","name":"甲乙"})", "r3").attribution.division, "530102");
}

TEST_F(OverridesTest, ContradictingOnesLeaveTheRecordPendingAndAreNamed) {
  f_.UseKunming();
  Hold({ByName("ov2", "530102", "甲"), ByName("ov5", "530103", "甲")});
  const Decision& d = f_.SendJson("k", kNowhere, "r1");
  EXPECT_THAT(d.outcomes, ElementsAre(kPending));
  EXPECT_EQ(d.reason, "territory.override_conflict:ov2,ov5");
  EXPECT_THAT(d.overrides, IsEmpty());
  EXPECT_EQ(ReasonInWords(d.reason, false), "认领决定相互矛盾：ov2,ov5");
  Hold({ByName("ov2", "530100", "甲"), ByName("ov5", "530103", "甲")});
  EXPECT_EQ(f_.SendJson("k2", kNowhere, "r2").attribution.division, "530103")
      << "the city and one of its counties do not contradict each other: the finer counts";
  Hold({ByName("ov2", "530102", "甲"), ByName("ov5", "532901", "甲")});
  EXPECT_EQ(f_.SendJson("k3", kNowhere, "r3").reason, "territory.override_conflict:ov2,ov5")
      << "ours and not ours";
}

TEST_F(OverridesTest, NotOursIsOutside) {
  UseTwo();
  Hold({ByName("ov1", "532901", "甲")});
  const Decision& d = f_.SendJson("k", kNowhere, "r1");
  EXPECT_THAT(d.outcomes, ElementsAre(kOutside, kPending))
      << "an officer of Kunming gives nothing to Dali";
  EXPECT_THAT(d.overrides, ElementsAre("ov1", ""));
  EXPECT_EQ(d.reason, "territory.no_evidence");
  EXPECT_THAT(d.outputs, IsEmpty());
}

TEST_F(OverridesTest, AClaimSaysWhereARecordBelongsToEveryReceiver) {
  UseTwo();
  Hold({ByName("ov1", "530102", "甲")});
  EXPECT_THAT(f_.SendJson("k", kNowhere, "r1").outcomes, ElementsAre(kReturned, kOutside));
  EXPECT_THAT(f_.decision.overrides, ElementsAre("ov1", "ov1"));
  Hold({ByName("ov1", "530102", "甲"), ByName("ov2", "532901", "甲", "532900")});
  EXPECT_THAT(f_.SendJson("k2", kNowhere, "r2").outcomes, ElementsAre(kPending, kPending));
  EXPECT_THAT(f_.decision.reasons, ElementsAre("territory.override_conflict:ov1,ov2",
                                               "territory.override_conflict:ov1,ov2"));
  Hold({ByPattern("ov1", "530102", "甲"), ByName("ov2", "532901", "甲", "532900")});
  EXPECT_THAT(f_.SendJson("k3", kNowhere, "r3").outcomes, ElementsAre(kOutside, kReturned))
      << "the more particular one counts";
}

TEST_F(OverridesTest, ADistrictClaimsWithinTheCityThatEvidenceTold) {
  f_.Use({{ReceiverId("530100"), "昆明市", {"530100"}, std::string(32, 'k')},
          {ReceiverId("530102"), "五华区", {"530102"}, std::string(32, 'w')}},
         {f_.Rules("530100", kOpenRules), f_.Rules("530102", kOpenRules)});
  constexpr char kCity[] = R"({"id":"1","name":"甲","division":"530100"})";
  EXPECT_THAT(f_.SendJson("k", kCity, "r1").outcomes, ElementsAre(kReturned, kPending));
  EXPECT_EQ(f_.decision.reason, "territory.too_coarse");
  Hold({ByName("ov1", "530102", "甲", "530102")});
  EXPECT_THAT(f_.SendJson("k2", kCity, "r2").outcomes, ElementsAre(kReturned, kReturned));
  EXPECT_EQ(f_.decision.attribution.division, "530102");
  EXPECT_THAT(f_.decision.overrides, ElementsAre("", "ov1")) << "the city's is evidence's";
  Hold({ByName("ov1", "530103", "甲", "530102")});
  EXPECT_THAT(f_.SendJson("k3", kCity, "r3").outcomes, ElementsAre(kReturned, kOutside));
}

TEST_F(OverridesTest, AConflictThatWaitsIsDecidedForThoseThatWait) {
  EngineFixture waits(true);
  waits.Use({{ReceiverId("530100"), "昆明市", {"530100"}, std::string(32, 'k')},
             {ReceiverId("532900"), "大理州", {"532900"}, std::string(32, 'd')},
             {ReceiverId("530300"), "曲靖市", {"530300"}, std::string(32, 'q')}},
            {waits.Rules("530100", kOpenRules), waits.Rules("532900", kOpenRules),
             waits.Rules("530300", kOpenRules)});
  constexpr char kBoth[] =
      R"({"id":"1","name":"甲","division":"530102","other_division":"532901"})";
  EXPECT_THAT(waits.SendJson("k", kBoth, "r1").outcomes, ElementsAre(kPending, kPending, kOutside));
  waits.engine->SetOverrides(
      "sys", {ByName("ov1", "530302", "甲", "530300"), ByName("ov2", "532901", "甲", "532900")});
  EXPECT_THAT(waits.SendJson("k", kBoth, "r1").outcomes, ElementsAre(kOutside, kReturned, kOutside))
      << "evidence has decided for 曲靖: its officers have no say";
  EXPECT_EQ(waits.decision.novelty, Novelty::kRedecided);
  EXPECT_TRUE(waits.decision.attribution.conflict) << "the mark stays";
}

TEST_F(OverridesTest, ANewOneLetsOnlyPendingRecordsBeDecidedAgain) {
  f_.UseKunming();
  f_.SendJson("ours", kWulong, "r1");
  f_.SendJson("theirs", R"({"id":"2","name":"甲","division":"532901"})", "r2");
  f_.SendJson("nobodys", kNowhere, "r3");
  f_.SendJson("another", R"({"id":"4","name":"乙"})", "r4");
  Hold({ByName("ov1", "530102", "甲")});
  EXPECT_EQ(f_.SendJson("ours", kWulong, "r1").novelty, Novelty::kUnchanged);
  EXPECT_EQ(f_.SendJson("theirs", R"({"id":"2","name":"甲","division":"532901"})", "r2").novelty,
            Novelty::kUnchanged);
  EXPECT_EQ(f_.SendJson("nobodys", kNowhere, "r3").novelty, Novelty::kRedecided);
  EXPECT_THAT(f_.decision.outcomes, ElementsAre(kReturned));
  EXPECT_EQ(f_.SendJson("nobodys", kNowhere, "r3").novelty, Novelty::kUnchanged);
  EXPECT_EQ(f_.SendJson("another", R"({"id":"4","name":"乙"})", "r4").novelty, Novelty::kRedecided);
  EXPECT_THAT(f_.decision.outcomes, ElementsAre(kPending));
  EXPECT_EQ(f_.SendJson("another", R"({"id":"4","name":"乙"})", "r4").novelty, Novelty::kUnchanged);
  f_.SendJson("later", kWulong, "r5");
  Hold({ByName("ov1", "530102", "甲"), ByName("ov2", "530102", "丙")});
  EXPECT_EQ(f_.SendJson("later", kWulong, "r5").novelty, Novelty::kUnchanged)
      << "evidence decided it while an override held";
  Hold({});
  EXPECT_EQ(f_.SendJson("later", kWulong, "r5").novelty, Novelty::kUnchanged);
  EXPECT_EQ(f_.SendJson("ours", kWulong, "r1").novelty, Novelty::kUnchanged);
  EXPECT_EQ(f_.SendJson("nobodys", kNowhere, "r3").novelty, Novelty::kRedecided);
  EXPECT_THAT(f_.decision.outcomes, ElementsAre(kPending));
}

TEST_F(OverridesTest, AWithdrawnOnesRecordIsTakenFromItsHolder) {
  f_.UseKunming();
  Hold({ByName("ov1", "530102", "甲")});
  f_.SendJson("k", kNowhere, "r1");
  Hold({});
  const std::string record = f_.Record(kNowhere);
  SourceChange change;
  change.key = "k";
  change.payload = record;
  change.row_id = "r1";
  change.now_us = f_.now_us;
  change.redrive = change.recall = change.uncorrected = true;
  change.kept = Kept::kLast;
  const PriorDecision prior = *DecodeDecision(f_.memory["k"]);
  f_.engine->Decide(change, &prior, &f_.decision);
  EXPECT_THAT(f_.decision.outcomes, ElementsAre(kPending));
  ASSERT_THAT(f_.decision.outputs, SizeIs(1));
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
  EXPECT_THAT(f_.decision.next.holders, IsEmpty());
}

TEST_F(OverridesTest, ConditionsReadTheRecord) {
  f_.UseKunming();
  Hold({ByCondition("ov1", "530102", "name == \"甲\" && age > 60")});
  EXPECT_THAT(f_.SendJson("k", R"({"id":"1","name":"甲","age":"61"})", "r1").outcomes,
              ElementsAre(kReturned));
  EXPECT_THAT(f_.SendJson("k2", R"({"id":"2","name":"甲","age":"60"})", "r2").outcomes,
              ElementsAre(kPending));
}

TEST_F(OverridesTest, WhatCannotBeUnderstoodDecidesNothing) {
  f_.UseKunming();
  TerritoryOverride no_field = ByName("ov1", "530102", "甲");
  no_field.mutable_name()->set_field("gone");
  Hold({no_field, ByName("ov2", "534001", "甲"), ByName("ov3", "530102", "甲", "532900"),
        ByPattern("ov4", "530102", "(")});
  EXPECT_THAT(f_.SendJson("k", kNowhere, "r1").outcomes, ElementsAre(kPending));
  EXPECT_EQ(f_.decision.reason, "territory.no_evidence");
}

TEST_F(OverridesTest, AnEmptyRequiredFieldIsStillAProblem) {
  f_.UseKunming();
  Hold({ByRecord("ov1", "530102", "k")});
  EXPECT_EQ(f_.SendJson("k", R"({"id":"1"})", "r1").reason, "required.empty:name");
}

class OverrideMatchTest : public testing::Test {
 protected:
  std::string Refusal(const TerritoryOverride& given) {
    return std::string(CheckOverrideMatch(given, *EngineFixture().contract).message());
  }
};

TEST_F(OverrideMatchTest, NothingPersonalIsWrittenDown) {
  TerritoryOverride citizen = ByName("ov1", "530102", "1");
  citizen.mutable_name()->set_field("citizen_id");
  EXPECT_THAT(Refusal(citizen), HasSubstr("--record-key"));
  citizen.mutable_pattern()->set_field("citizen_id");
  citizen.mutable_pattern()->set_text("^5301");
  EXPECT_THAT(Refusal(citizen), HasSubstr("--record-key"));
  EXPECT_THAT(Refusal(ByCondition("ov1", "530102", "citizen_id.startsWith(\"5301\")")),
              HasSubstr("--record-key"));
  EXPECT_THAT(Refusal(ByName("ov1", "530102", "张三 530102199001011234")), HasSubstr("身份证号"));
  EXPECT_THAT(Refusal(ByName("ov1", "530102", "张三 530102199001011234")),
              testing::Not(HasSubstr("1990")));
  EXPECT_EQ(Refusal(ByName("ov1", "530102", "甲")), "");
}

TEST_F(OverrideMatchTest, AMatchMustBeParticularAndWhole) {
  EXPECT_THAT(Refusal(ByPattern("ov1", "530102", ".*")), HasSubstr("even an empty record"));
  EXPECT_THAT(Refusal(ByPattern("ov1", "530102", "(")), HasSubstr("条件有误"));
  EXPECT_THAT(Refusal(ByCondition("ov1", "530102", "true")), HasSubstr("even an empty record"));
  EXPECT_THAT(Refusal(ByCondition("ov1", "530102", "nam == \"甲\"")), HasSubstr("1:1"));
  EXPECT_THAT(Refusal(Said("ov1", "530102")), HasSubstr("exactly one"));
  EXPECT_THAT(Refusal(ByName("ov1", "530102", " ")), HasSubstr("empty"));
  TerritoryOverride record = Said("ov1", "530102");
  record.set_record("ABC");
  EXPECT_THAT(Refusal(record), HasSubstr("64"));
  TerritoryOverride number = ByName("ov1", "530102", "1");
  number.mutable_name()->set_field("age");
  EXPECT_THAT(Refusal(number), HasSubstr("single value"));
  EXPECT_EQ(Refusal(ByPattern("ov1", "530102", R"(^"甲\\乙"$)")), "");
}

TEST_F(OverrideMatchTest, DigestsTellWhatIsSaidApart) {
  const TerritoryOverride one = ByName("ov1", "530102", "甲");
  TerritoryOverride later = one;
  later.set_state(huiliu::v1::OVERRIDE_STATE_APPROVED);
  later.set_approver("b");
  EXPECT_EQ(DigestOfOverride(one), DigestOfOverride(later));
  EXPECT_NE(DigestOfOverride(one), DigestOfOverride(ByName("ov1", "530103", "甲")));
  EXPECT_NE(DigestOfOverride(one), DigestOfOverride(ByName("ov1", "530102", "乙")));
  EXPECT_EQ(DigestOfOverrides({}), Digest{});
  const TerritoryOverride two = ByName("ov2", "530102", "乙");
  EXPECT_EQ(DigestOfOverrides({one, two}), DigestOfOverrides({two, one}));
  EXPECT_EQ(MatchInWords(one, false), "名称 name=甲");
}

}  // namespace
}  // namespace huiliu::rules
