#include "core/rules/return_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using namespace huiliu::v1;  // NOLINT: outcomes
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kWuhua[] = R"({"id":"1","name":"张三","phone":"13800001111","division":"530102"})";
constexpr char kWuhuaMoved[] =
    R"({"id":"1","name":"张三","phone":"13900002222","division":"530103"})";
constexpr char kDali[] = R"({"id":"1","name":"张三","phone":"13800001111","division":"532901"})";

class ReturnEngineTest : public testing::Test {
 protected:
  ReturnEngineTest() { f_.UseKunming(); }
  void Expect(const Decision& d, Novelty novelty, Outcome outcome, size_t outputs) {
    EXPECT_EQ(d.novelty, novelty);
    EXPECT_THAT(d.outcomes, ElementsAre(outcome));
    EXPECT_EQ(d.outputs.size(), outputs);
  }
  EngineFixture f_;
};

TEST_F(ReturnEngineTest, ARecordOfTheAreaIsReturnedWithItsRuleAndDivision) {
  const Decision& d = f_.SendJson("k", kWuhua, "a:1", 5);
  Expect(d, Novelty::kNew, OUTCOME_RETURNED, 1);
  EXPECT_EQ(d.outputs[0].rule, "own@1");
  EXPECT_FALSE(d.outputs[0].tombstone);
  EXPECT_EQ(d.outputs[0].payload, f_.Record(kWuhua));
  EXPECT_EQ(d.attribution.division, "530102");
  EXPECT_EQ(d.attribution.decided_by, 0);
  EXPECT_THAT(d.next.holders, ElementsAre("530100"));
  EXPECT_EQ(d.next.counted_day, 20454) << "2026-01-01";
  EXPECT_EQ(d.reason, "");
}

TEST_F(ReturnEngineTest, OutsideWithheldPendingAndQuarantinedEachSayWhy) {
  f_.UseKunming(R"(
legal_basis: 政务数据共享条例
rules:
  - {id: secret, when: name == "密", withhold: 依法不予公开}
  - {id: broken, when: 1/0 == 1}
)");
  Expect(f_.SendJson("a", kDali, "a:1"), Novelty::kNew, OUTCOME_OUTSIDE_AREA, 0);
  EXPECT_EQ(f_.decision.reason, "");
  Expect(f_.SendJson("b", R"({"id":"2","name":"密","division":"530102"})", "a:2"), Novelty::kNew,
         OUTCOME_WITHHELD, 0);
  EXPECT_EQ(f_.decision.reason, "rule.withheld:secret");
  Expect(f_.SendJson("c", R"({"id":"3","name":"x","division":"530102"})", "a:3"), Novelty::kNew,
         OUTCOME_WITHHELD, 0);
  EXPECT_EQ(f_.decision.reason, "rule.error:broken") << "an error never returns a record";
  Expect(f_.SendJson("d", R"({"id":"4","name":"x"})", "a:4"), Novelty::kNew, OUTCOME_PENDING, 0);
  EXPECT_EQ(f_.decision.reason, "territory.no_evidence");
  Expect(f_.SendJson("e", R"({"id":"5","division":"530102"})", "a:5"), Novelty::kNew,
         OUTCOME_QUARANTINED, 0);
  EXPECT_EQ(f_.decision.reason, "required.empty:name");
  Expect(f_.SendJson("f", R"({"id":"6","division":"532901"})", "a:6"), Novelty::kNew,
         OUTCOME_OUTSIDE_AREA, 0);
  Expect(f_.Send("g", "\x0A\x7F", "a:7"), Novelty::kNew, OUTCOME_QUARANTINED, 0);
  EXPECT_EQ(f_.decision.reason, "record.torn");
  f_.UseKunming("legal_basis: x\nrules:\n  - {id: never, when: name == \"nobody\"}\n");
  Expect(f_.SendJson("h", kWuhua, "a:8"), Novelty::kNew, OUTCOME_WITHHELD, 0);
  EXPECT_EQ(f_.decision.reason, "rule.none");
  f_.Use({{ReceiverId("530100"), "昆明市", {"530100"}, ""}}, {});
  Expect(f_.SendJson("i", kWuhua, "a:9"), Novelty::kNew, OUTCOME_WITHHELD, 0);
}

TEST_F(ReturnEngineTest, InvalidTextIsQuarantinedAndAFailedMaskWithholds) {
  const std::string bad_name =
      f_.Record(R"({"id":"1","division":"530102"})") + std::string("\x12\x02\xD5\xC5", 4);
  Expect(f_.Send("a", bad_name, "a:1"), Novelty::kNew, OUTCOME_QUARANTINED, 0);
  EXPECT_EQ(f_.decision.reason, "field.invalid:name");
  f_.UseKunming(
      "legal_basis: x\nrules:\n  - {id: own, masks: {name: {partial: {keep_first: 1}}}}\n");
  Expect(f_.Send("b", bad_name, "a:2"), Novelty::kNew, OUTCOME_WITHHELD, 0);
  EXPECT_EQ(f_.decision.reason, "mask.failed:name");
  f_.Use({{ReceiverId("530100"), "昆明市", {"530100"}, ""}},
         {f_.Rules("530100", "legal_basis: x\nrules:\n  - {id: own, masks: {phone: hash}}\n")});
  Expect(f_.SendJson("c", kWuhua, "a:3"), Novelty::kNew, OUTCOME_WITHHELD, 0);
  EXPECT_EQ(f_.decision.reason, "mask.failed:phone") << "a hash without the receiver's key";
}

TEST_F(ReturnEngineTest, TheFirstRuleThatHoldsTransforms) {
  f_.UseKunming(R"(
legal_basis: x
rules:
  - {id: wuhua, when: inDivision("530102"), drop: [age], masks: {phone: {partial: {keep_first: 3, keep_last: 4}}}}
  - {id: rest}
)");
  f_.SendJson("a", kWuhua, "a:1");
  EXPECT_EQ(f_.Shown(), R"({"id":"1","name":"张三","phone":"138****1111","division":"530102"})");
  EXPECT_EQ(f_.decision.outputs[0].rule, "wuhua@1");
  f_.SendJson("b", kWuhuaMoved, "a:2");
  EXPECT_EQ(f_.decision.outputs[0].rule, "rest@1");
}

TEST_F(ReturnEngineTest, AnUnchangedReReadIsNeitherPublishedNorCounted) {
  for (const char* json :
       {kWuhua, kDali, R"({"id":"4","name":"x"})", R"({"id":"5","division":"530102"})"}) {
    f_.memory.clear();
    const Outcome outcome = f_.SendJson("k", json, "a:1", 5).outcomes[0];
    Expect(f_.SendJson("k", json, "a:1", 5), Novelty::kUnchanged, outcome, 0);
    EXPECT_FALSE(f_.decision.store);
    EXPECT_EQ(f_.decision.attribution.division, f_.decision.next.division);
  }
}

TEST_F(ReturnEngineTest, AReReadWithANewerTimeIsUnchangedButRemembersTheTime) {
  f_.SendJson("k", kWuhua, "a:1", 5);
  Expect(f_.SendJson("k", kWuhua, "a:1", 9), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  EXPECT_TRUE(f_.decision.store);
  Expect(f_.SendJson("k", kWuhuaMoved, "a:1", 7), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
}

TEST_F(ReturnEngineTest, AnExactRepeatFromAnotherRowCountsWhereTheFirstDidAndOnlyOnce) {
  f_.SendJson("k", kWuhua, "a.csv:9");
  Expect(f_.SendJson("k", kWuhua, "a.csv:10"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_EQ(f_.decision.attribution.division, "530102") << "it counts under its county";
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530100"));
  Expect(f_.SendJson("k", kWuhua, "a.csv:8"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  for (const char* row : {"a.csv:8", "a.csv:9", "a.csv:10"}) {
    Expect(f_.SendJson("k", kWuhua, row), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  }
  Expect(f_.SendJson("k", kWuhuaMoved, "a.csv:9"), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
  Expect(f_.SendJson("k", kWuhuaMoved, "a.csv:11"), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(ReturnEngineTest, AnOlderVersionCountsUnderItsOwnOutcomeAndChangesNothing) {
  f_.SendJson("k", kWuhua, "a:1", 10);
  Expect(f_.SendJson("k", kDali, "a:2", 9), Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA, 0);
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530100"));
  EXPECT_EQ(f_.decision.next.source_time_us, 10);
  Expect(f_.SendJson("k", kDali, "a:2", 9), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  Expect(f_.SendJson("k", kWuhua, "a:1", 10), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  // The same time: the highest row id is the newest.
  Expect(f_.SendJson("k", kWuhuaMoved, "a:0", 10), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
  Expect(f_.SendJson("k", kWuhuaMoved, "a:3", 10), Novelty::kNew, OUTCOME_RETURNED, 1);
  // What it replaced is recognised when it is read again.
  Expect(f_.SendJson("k", kWuhua, "a:1", 10), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
}

TEST_F(ReturnEngineTest, AChangeAndBackOfOneRowAreBothChanges) {
  f_.SendJson("k", kWuhua, "pk1");
  Expect(f_.SendJson("k", kWuhuaMoved, "pk1"), Novelty::kNew, OUTCOME_RETURNED, 1);
  Expect(f_.SendJson("k", kWuhua, "pk1"), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(ReturnEngineTest, ARecordThatMovesAwayLeavesATombstone) {
  f_.SendJson("k", kWuhua, "a:1", 1);
  Expect(f_.SendJson("k", kDali, "a:1", 2), Novelty::kNew, OUTCOME_OUTSIDE_AREA, 1);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
  EXPECT_EQ(f_.decision.outputs[0].payload, "");
  EXPECT_THAT(f_.decision.next.holders, IsEmpty());
  Expect(f_.SendJson("k", kDali, "a:1", 2), Novelty::kUnchanged, OUTCOME_OUTSIDE_AREA, 0);
  Expect(f_.SendJson("k", kWuhua, "a:1", 3), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(ReturnEngineTest, AVersionThatCannotBeDecidedLeavesTheHolderWhatItHas) {
  f_.SendJson("k", kWuhua, "a:1", 1);
  Expect(f_.SendJson("k", R"({"id":"1","name":"张三"})", "a:1", 2), Novelty::kNew, OUTCOME_PENDING,
         0);
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530100"));
  Expect(f_.SendJson("k", R"({"id":"1","division":"530102"})", "a:1", 3), Novelty::kNew,
         OUTCOME_QUARANTINED, 0);
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530100"));
  Expect(f_.SendJson("k", kDali, "a:1", 4), Novelty::kNew, OUTCOME_OUTSIDE_AREA, 1);
}

TEST_F(ReturnEngineTest, ADeleteByKeyGoesToTheHolderAndCountsUnderItsCounty) {
  f_.SendJson("k", kWuhua, "a:1", 1);
  Expect(f_.Delete("k", "", 2), Novelty::kNew, OUTCOME_RETURNED, 1);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
  EXPECT_EQ(f_.decision.attribution.division, "530102");
  EXPECT_THAT(f_.decision.next.holders, IsEmpty());
  Expect(f_.Delete("k", "", 2), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  Expect(f_.SendJson("k", kWuhuaMoved, "a:0", 1), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
  Expect(f_.SendJson("k", kWuhua, "a:1", 3), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(ReturnEngineTest, ADeleteOfWhatNobodyHoldsCountsAsWhatItEnds) {
  f_.SendJson("a", kDali, "a:1", 1);
  Expect(f_.Delete("a", "a:2", 2), Novelty::kNew, OUTCOME_OUTSIDE_AREA, 0);
  f_.SendJson("b", R"({"id":"4","name":"x"})", "b:1", 1);
  Expect(f_.Delete("b", "b:2", 2), Novelty::kNew, OUTCOME_PENDING, 0);
  Expect(f_.Delete("c", "c:1", 2), Novelty::kNew, OUTCOME_PENDING, 0);
  EXPECT_EQ(f_.decision.reason, "delete.unknown_key");
  Expect(f_.Delete("c", "c:1", 2), Novelty::kUnchanged, OUTCOME_PENDING, 0);
  Expect(f_.Delete("c", "c:2", 2), Novelty::kRepeat, OUTCOME_PENDING, 0);
}

TEST_F(ReturnEngineTest, ADeleteThatCarriesItsRecordIsDecidedWithoutMemory) {
  Expect(f_.Delete("a", "a:1", 1, f_.Record(kWuhua)), Novelty::kNew, OUTCOME_RETURNED, 1);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
  EXPECT_EQ(f_.decision.outputs[0].payload, "");
  EXPECT_THAT(f_.decision.next.holders, IsEmpty());
  Expect(f_.Delete("b", "a:2", 1, f_.Record(kDali)), Novelty::kNew, OUTCOME_OUTSIDE_AREA, 0);
}

TEST_F(ReturnEngineTest, AnOldDeleteDoesNotEndANewerVersion) {
  f_.SendJson("k", kWuhua, "a:5", 10);
  Expect(f_.Delete("k", "a:4", 9), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530100"));
  Expect(f_.Delete("k", "a:4", 9), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
}

TEST_F(ReturnEngineTest, OtherRulesDecideAReReadAgainAndMoveItsCount) {
  f_.SendJson("k", kWuhua, "a:1", 1);
  f_.now_us += int64_t{86400} * 1000000 * 3;
  f_.UseKunming("legal_basis: x\nrules:\n  - {id: own, drop: [phone]}\n");
  Expect(f_.SendJson("k", kWuhua, "a:1", 1), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  EXPECT_EQ(f_.Shown(), R"({"id":"1","name":"张三","division":"530102"})");
  EXPECT_EQ(f_.decision.next.counted_day, 20454) << "its count stays in its day";
  Expect(f_.SendJson("k", kWuhua, "a:1", 1), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  f_.UseKunming("legal_basis: x\nrules:\n  - {id: no, withhold: 停止回流}\n");
  Expect(f_.SendJson("k", kWuhua, "a:1", 1), Novelty::kRedecided, OUTCOME_WITHHELD, 1);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
}

TEST_F(ReturnEngineTest, ARedrivenRowIsDecidedAgainAndKeepsItsDay) {
  Expect(f_.SendJson("k", R"({"id":"1","name":"张三"})", "a:1", 1), Novelty::kNew, OUTCOME_PENDING,
         0);
  f_.now_us += int64_t{86400} * 1000000 * 2;
  f_.redrive = true;
  Expect(f_.SendJson("k", R"({"id":"1","name":"张三"})", "a:1", 1), Novelty::kRedecided,
         OUTCOME_PENDING, 0);
  Expect(f_.SendJson("k", kWuhua, "a:1", 1), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  EXPECT_EQ(f_.decision.next.counted_day, 20454);
  Expect(f_.SendJson("k", kDali, "a:0", 1), Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA, 0);
  Expect(f_.SendJson("new", kWuhua, "a:9", 1), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(ReturnEngineTest, RulesBeginAndEndByTheTimeOfTakingOver) {
  f_.UseKunming(
      "legal_basis: x\nrules:\n  - {id: own, valid_from: 2026-02-01, valid_to: 2026-02-28}\n");
  const auto at = [&](const char* time) {
    absl::Time parsed;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, time, &parsed, nullptr));
    f_.now_us = absl::ToUnixMicros(parsed);
  };
  at("2026-01-31T23:59:59+08:00");
  Expect(f_.SendJson("k", kWuhua, "a:1"), Novelty::kNew, OUTCOME_WITHHELD, 0);
  Expect(f_.SendJson("k", kWuhua, "a:1"), Novelty::kUnchanged, OUTCOME_WITHHELD, 0);
  at("2026-02-01T00:00:00+08:00");
  Expect(f_.SendJson("k", kWuhua, "a:1"), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  at("2026-02-28T23:59:59+08:00");
  Expect(f_.SendJson("k", kWuhua, "a:1"), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  at("2026-03-01T00:00:00+08:00");
  Expect(f_.SendJson("k", kWuhua, "a:1"), Novelty::kRedecided, OUTCOME_WITHHELD, 1);
  f_.now_us = 0;
  Expect(f_.SendJson("other", kWuhua, "a:2"), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(ReturnEngineTest, AConflictIsAMarkUnlessTheDatasetLetsItWait) {
  constexpr char kBoth[] = R"({"id":"1","name":"x","division":"530102","other_division":"532901"})";
  constexpr char kElsewhere[] =
      R"({"id":"1","name":"x","division":"532901","other_division":"532501"})";
  constexpr char kNamed[] =
      R"({"id":"1","name":"x","division":"532901","other_division":"530102"})";
  Expect(f_.SendJson("a", kBoth, "a:1"), Novelty::kNew, OUTCOME_RETURNED, 1);
  EXPECT_TRUE(f_.decision.attribution.conflict);
  EngineFixture waits(true);
  waits.UseKunming();
  Expect(waits.SendJson("a", kBoth, "a:1"), Novelty::kNew, OUTCOME_PENDING, 0);
  EXPECT_EQ(waits.decision.reason, "territory.conflict");
  Expect(waits.SendJson("b", kElsewhere, "a:2"), Novelty::kNew, OUTCOME_OUTSIDE_AREA, 0);
  Expect(waits.SendJson("c", kNamed, "a:3"), Novelty::kNew, OUTCOME_PENDING, 0);
}

TEST_F(ReturnEngineTest, EachReceiverHasItsOwnOutcome) {
  f_.Use({{ReceiverId("530100"), "昆明市", {"530100"}, ""},
          {ReceiverId("530102"), "五华区", {"530102"}, ""},
          {ReceiverId("532900"), "大理州", {"532900"}, ""}},
         {f_.Rules("530100", kOpenRules),
          f_.Rules("530102", "legal_basis: x\nrules:\n  - {id: d, drop: [phone]}\n"),
          f_.Rules("532900", kOpenRules)});
  f_.SendJson("k", kWuhua, "a:1", 1);
  EXPECT_THAT(f_.decision.outcomes,
              ElementsAre(OUTCOME_RETURNED, OUTCOME_RETURNED, OUTCOME_OUTSIDE_AREA));
  ASSERT_EQ(f_.decision.outputs.size(), 2u);
  EXPECT_EQ(f_.decision.outputs[1].receiver, 1);
  EXPECT_EQ(f_.Shown(1), R"({"id":"1","name":"张三","division":"530102"})");
  f_.SendJson("k", kDali, "a:1", 2);
  EXPECT_THAT(f_.decision.outcomes,
              ElementsAre(OUTCOME_OUTSIDE_AREA, OUTCOME_OUTSIDE_AREA, OUTCOME_RETURNED));
  ASSERT_EQ(f_.decision.outputs.size(), 3u);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone && f_.decision.outputs[1].tombstone);
  EXPECT_FALSE(f_.decision.outputs[2].tombstone);
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("532900"));
  f_.Delete("k", "", 3);
  EXPECT_THAT(f_.decision.outcomes,
              ElementsAre(OUTCOME_OUTSIDE_AREA, OUTCOME_OUTSIDE_AREA, OUTCOME_RETURNED));
  EXPECT_EQ(f_.decision.outputs.size(), 1u);
  // Only the city is known: a district cannot say that it is not its own.
  f_.SendJson("c", R"({"id":"2","name":"x","division":"530100"})", "a:2");
  EXPECT_THAT(f_.decision.outcomes,
              ElementsAre(OUTCOME_RETURNED, OUTCOME_PENDING, OUTCOME_OUTSIDE_AREA));
  EXPECT_THAT(f_.decision.reasons, ElementsAre("", "territory.too_coarse", ""));
}

TEST_F(ReturnEngineTest, OfSeveralRightfulReceiversEachIsDecidedByItsOwnRules) {
  const std::vector<Receiver> receivers = {
      {ReceiverId("530100"), "昆明市", {"530100"}, std::string(32, 'k')},
      {ReceiverId("530102"), "五华区", {"530102"}, std::string(32, 'w')}};
  const auto masked =
      f_.Rules("530100", "legal_basis: x\nrules:\n  - {id: m, masks: {name: hash}}\n");
  const auto district =
      f_.Rules("530102", "legal_basis: x\nrules:\n  - {id: n, masks: {name: hash}}\n");
  f_.Use(receivers, {masked, district});
  f_.SendJson("k", kWuhua, "a:1", 1);
  EXPECT_THAT(f_.decision.outcomes, ElementsAre(OUTCOME_RETURNED, OUTCOME_RETURNED));
  ASSERT_EQ(f_.decision.outputs.size(), 2u);
  EXPECT_EQ(f_.decision.outputs[0].rule, "m@1");
  EXPECT_EQ(f_.decision.outputs[1].rule, "n@1");
  EXPECT_NE(f_.Shown(0), f_.Shown(1)) << "pseudonyms under a key of each";
  // What the one withholds the other may have.
  f_.Use(receivers, {f_.Rules("530100", "legal_basis: x\nrules:\n  - {id: no, withhold: 不回流}\n"),
                     district});
  f_.SendJson("k", kWuhua, "a:2", 2);
  EXPECT_THAT(f_.decision.outcomes, ElementsAre(OUTCOME_WITHHELD, OUTCOME_RETURNED));
  EXPECT_THAT(f_.decision.reasons, ElementsAre("rule.withheld:no", ""));
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530102"));
}

TEST_F(ReturnEngineTest, AHolderThatIsNoReceiverAnyMoreIsNotForgotten) {
  f_.Use({{ReceiverId("530100"), "", {"530100"}, ""}, {ReceiverId("530102"), "", {"530102"}, ""}},
         {f_.Rules("530100", kOpenRules), f_.Rules("530102", kOpenRules)});
  f_.SendJson("k", kWuhua, "a:1", 1);
  f_.UseKunming();
  f_.SendJson("k", kDali, "a:1", 2);
  EXPECT_THAT(f_.decision.next.holders, ElementsAre("530102"));
}

TEST_F(ReturnEngineTest, KeysMaskedAtTheSourceAreReported) {
  f_.SendJson("a",
              R"({"id":"1","name":"张*","citizen_id":"330921************","division":"530102"})",
              "a:1");
  EXPECT_TRUE(f_.decision.masked_at_source);
  EXPECT_THAT(f_.decision.findings, ElementsAre("citizen_id:masked_at_source"));
  f_.SendJson("b",
              R"({"id":"2","name":"张**","citizen_id":"530102199001011234","division":"530102"})",
              "a:2");
  EXPECT_FALSE(f_.decision.masked_at_source) << "a name is no key";
}

TEST_F(ReturnEngineTest, RuleSetsThatDoNotBelongAreRefused) {
  const auto divisions = YunnanDivisions();
  const Receiver kunming{ReceiverId("530100"), "", {"530100"}, ""};
  const auto rules = f_.Rules("530100", kOpenRules);
  EXPECT_FALSE(ReturnEngine::Create({{kunming}}, f_.contract, {rules, rules}, divisions).ok());
  EXPECT_FALSE(
      ReturnEngine::Create({{kunming}}, f_.contract, {f_.Rules("532900", kOpenRules)}, divisions)
          .ok());
}

}  // namespace
}  // namespace huiliu::rules
