// Rows that wait and are told again meanwhile, as a daily full export tells them: every row counts
// once, and whichever of them is decided, the record is (docs/formats/decision.md, "Rows that
// wait").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "core/rules/history.h"
#include "core/rules/override_match.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using namespace huiliu::v1;  // NOLINT: outcomes
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kA[] = R"({"id":"1","name":"张三"})";
constexpr char kCorrected[] = R"({"id":"1","name":"张三","division":"530102"})";
constexpr char kB[] = R"({"id":"1","name":"张三","division":"530103"})";
constexpr char kElsewhere[] = R"({"id":"1","name":"张三","division":"532901"})";
constexpr char kStillNowhere[] = R"({"id":"1","name":"李四"})";

class WaitingRowsTest : public testing::Test {
 protected:
  WaitingRowsTest() { f_.UseKunming(); }
  void Expect(const Decision& d, Novelty novelty, Outcome outcome, size_t outputs) {
    EXPECT_EQ(d.novelty, novelty);
    EXPECT_THAT(d.outcomes, ElementsAre(outcome));
    EXPECT_THAT(d.outputs, SizeIs(outputs));
  }
  const Decision& Tell(const char* json, const char* row, int64_t time = 0) {
    return f_.SendJson("k", json, row, time);
  }
  // What was kept of `row`, as `kept` has it; decided as `json` now.
  const Decision& Again(const char* kept, const char* json, const char* row, int64_t time = 0,
                        bool recall = false) {
    const std::string was = f_.Record(kept);
    f_.redrive = true;
    f_.recall = recall;
    f_.uncorrected = absl::string_view(kept) == json;
    f_.kept = IsToldLast(Prior(), false, Sha256(was), row) ? Kept::kLast : Kept::kReplaced;
    const Decision& d = f_.SendJson("k", json, row, time);
    f_.redrive = f_.recall = f_.uncorrected = false;
    return d;
  }
  void Hold(bool claimed) {
    TerritoryOverride claim;
    claim.set_id("ov1");
    claim.set_dataset("person");
    claim.set_receiver("530100");
    claim.set_division("530102");
    claim.set_record(absl::BytesToHexString(AsBytes(RecordDigest("sys", "k"))));
    std::vector<TerritoryOverride> held;
    if (claimed) held.push_back(claim);
    f_.engine->SetOverrides("sys", held);
  }
  PriorDecision Prior() { return *DecodeDecision(f_.memory["k"]); }
  EngineFixture f_;
};

TEST_F(WaitingRowsTest, AnyOfThemCorrectedDecidesTheRecord) {
  Expect(Tell(kA, "d1:2"), Novelty::kNew, OUTCOME_PENDING, 0);
  Expect(Tell(kA, "d2:2"), Novelty::kRepeat, OUTCOME_PENDING, 0);
  Expect(Again(kA, kCorrected, "d1:2"), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  EXPECT_EQ(Prior().row_id, "d2:2") << "the row that told it last";
  EXPECT_TRUE(Prior().corrected);
  // The other one counts as that, and so does every later row; nothing goes out twice.
  Expect(Again(kA, kA, "d2:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_EQ(f_.decision.attribution.division, "530102");
  Expect(Tell(kA, "d3:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  for (const char* row : {"d1:2", "d2:2", "d3:2"})
    Expect(Tell(kA, row), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
}

TEST_F(WaitingRowsTest, TheNewestMayBeCorrectedOtherwiseAnOlderOneNotAnyMore) {
  Tell(kA, "d1:2");
  Tell(kA, "d2:2");
  Again(kA, kCorrected, "d1:2");
  Expect(Again(kA, kB, "d2:2"), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  EXPECT_EQ(f_.decision.attribution.division, "530103");
  Expect(Again(kA, kElsewhere, "d1:2"), Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA, 0);
  EXPECT_THAT(Prior().holders, ElementsAre("530100"));
}

TEST_F(WaitingRowsTest, WhatStaysUndecidedLetsTheNextBeDecided) {
  Tell(kA, "d1:2");
  Tell(kA, "d2:2");
  Expect(Again(kA, kStillNowhere, "d2:2"), Novelty::kRedecided, OUTCOME_PENDING, 0);
  Expect(Again(kA, kCorrected, "d1:2"), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  Expect(Again(kStillNowhere, kStillNowhere, "d2:2"), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
}

TEST_F(WaitingRowsTest, WhatBetterDataEndedCountsAsThat) {
  Tell(kA, "d1:2");
  Expect(Tell(kB, "d2:2"), Novelty::kNew, OUTCOME_RETURNED, 1);
  Expect(Again(kA, kA, "d1:2"), Novelty::kSuperseded, OUTCOME_RETURNED, 0);
  EXPECT_EQ(f_.decision.attribution.division, "530103");
  EXPECT_EQ(f_.decision.reason, "");
  // Of what a person makes of it that is told, and nothing of it goes out.
  Expect(Again(kA, kElsewhere, "d1:2"), Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA, 0);
  Expect(Again(kA, kStillNowhere, "d1:2"), Novelty::kSuperseded, OUTCOME_PENDING, 0);
  Expect(Again(kA, kB, "d1:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
}

TEST_F(WaitingRowsTest, WhileTheNewerOneWaitsTooTheOlderDoes) {
  Tell(kA, "d1:2");
  Tell(kStillNowhere, "d2:2");
  Expect(Again(kA, kA, "d1:2"), Novelty::kSuperseded, OUTCOME_PENDING, 0);
  EXPECT_EQ(f_.decision.reason, "territory.no_evidence");
}

TEST_F(WaitingRowsTest, OfOneRowsVersionsOnlyALaterTimeIsNewer) {
  Tell(kA, "r1");
  Tell(kB, "r1");
  Expect(Again(kA, kElsewhere, "r1"), Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA, 0);
  Tell(kA, "r1");
  Expect(Again(kA, kElsewhere, "r1"), Novelty::kRedecided, OUTCOME_OUTSIDE_AREA, 1);
}

TEST_F(WaitingRowsTest, AnOverrideDecidesAllOfThemAndItsWithdrawalTakesAllBack) {
  Tell(kA, "d1:2");
  Tell(kA, "d2:2");
  Hold(true);
  Expect(Again(kA, kA, "d1:2"), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  Expect(Again(kA, kA, "d2:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_THAT(f_.decision.overrides, ElementsAre("ov1"));
  Expect(Tell(kA, "d3:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_THAT(f_.decision.overrides, ElementsAre("ov1")) << "kept, so that it can be taken back";
  Hold(false);
  Expect(Again(kA, kA, "d2:2", 0, true), Novelty::kRedecided, OUTCOME_PENDING, 1);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
  for (const char* row : {"d1:2", "d3:2"})
    Expect(Again(kA, kA, row, 0, true), Novelty::kRepeat, OUTCOME_PENDING, 0);
  EXPECT_EQ(f_.decision.reason, "territory.no_evidence");
  EXPECT_THAT(Prior().holders, IsEmpty());
}

TEST_F(WaitingRowsTest, ARowThatComesBeforeTheWithdrawalIsCarriedOutDoesNotHideIt) {
  Hold(true);
  Expect(Tell(kA, "d1:2"), Novelty::kNew, OUTCOME_RETURNED, 1);
  Hold(false);
  Expect(Tell(kA, "d2:2"), Novelty::kNew, OUTCOME_PENDING, 0);
  EXPECT_THAT(Prior().holders, ElementsAre("530100"));
  Expect(Again(kA, kA, "d1:2", 0, true), Novelty::kRedecided, OUTCOME_PENDING, 1);
  EXPECT_TRUE(f_.decision.outputs[0].tombstone);
  EXPECT_THAT(Prior().holders, IsEmpty());
}

// What holders have meanwhile is of evidence: a claim that ends takes nothing of that.
TEST_F(WaitingRowsTest, AWithdrawalTakesNothingThatEvidenceHadDecided) {
  Tell(kStillNowhere, "d1:2");
  Hold(true);
  Tell(kA, "d2:2");
  Tell(kB, "d3:2");
  Hold(false);
  Tell(kStillNowhere, "d4:2");
  EXPECT_THAT(Prior().holders, ElementsAre("530100"));
  Expect(Again(kStillNowhere, kStillNowhere, "d1:2", 0, true), Novelty::kRedecided, OUTCOME_PENDING,
         0);
  EXPECT_THAT(Prior().holders, ElementsAre("530100"));
}

// Its decision was lost, or its key is another one now.
TEST_F(WaitingRowsTest, AWithdrawalOfWhatNothingIsRememberedOfLetsItWait) {
  f_.redrive = f_.recall = f_.uncorrected = true;
  f_.kept = Kept::kApart;
  Expect(Tell(kA, "d1:2"), Novelty::kNew, OUTCOME_PENDING, 0);
}

TEST_F(WaitingRowsTest, ACountIsOfTheRowThatWasDecided) {
  Tell(kA, "d1:2");
  f_.now_us += int64_t{86400} * 1000000;
  Tell(kA, "d2:2");
  EXPECT_EQ(Prior().counted_day, 20455) << "new rules move the count of the row that is read again";
}

TEST_F(WaitingRowsTest, ARowThatCouldNotBeMappedIsAVersionOfItsOwn) {
  Tell(kB, "d1:2", 10);
  f_.redrive = true;
  f_.kept = Kept::kApart;
  Expect(f_.SendJson("k", kElsewhere, "d0:9", 9), Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA, 0);
  Expect(f_.SendJson("k", kCorrected, "d2:2", 12), Novelty::kNew, OUTCOME_RETURNED, 1);
  f_.redrive = false;
  EXPECT_FALSE(Prior().corrected) << "what was told before it is no original of it";
  Expect(Tell(kB, "d1:2", 10), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
  Expect(Tell(kB, "d3:2", 13), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(WaitingRowsTest, ARowOfAnotherSourceThatIsDecidedStandsForTheRecord) {
  f_.source = "s1";
  Tell(kA, "r1", 10);
  f_.source = "s2";
  Expect(Tell(kA, "r9", 20), Novelty::kRepeat, OUTCOME_PENDING, 0);
  EXPECT_EQ(Prior().source, "s2");
  f_.source = "s1";
  Expect(Again(kA, kCorrected, "r1", 10), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  EXPECT_EQ(Prior().source, "s1");
  EXPECT_EQ(Prior().source_time_us, 20) << "when it was told last";
  f_.source = "s2";
  Expect(Again(kA, kA, "r9", 20), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  Expect(Tell(kA, "r9", 20), Novelty::kUnchanged, OUTCOME_RETURNED, 0);
}

// A repeat that is older by its time changes nothing, and one that is newer has its own time: the
// order in which they come does not decide.
TEST_F(WaitingRowsTest, ARecordStandsWithTheTimeOfTheRowThatToldItLast) {
  Tell(kB, "d2:2", 20);
  Expect(Tell(kB, "d3:2", 15), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_EQ(Prior().source_time_us, 20);
  EXPECT_EQ(Prior().row_id, "d2:2");
  Expect(Tell(kB, "d4:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_EQ(Prior().source_time_us, 0) << "this row has none";
  EXPECT_EQ(Prior().row_id, "d4:2");
  Expect(Tell(kCorrected, "d5:2", 12), Novelty::kNew, OUTCOME_RETURNED, 1);
}

TEST_F(WaitingRowsTest, WhatWasCorrectedAndThenClaimedIsTakenBackInEveryRow) {
  Tell(kA, "d1:2");
  Again(kA, kStillNowhere, "d1:2");
  Expect(Tell(kA, "d2:2"), Novelty::kRepeat, OUTCOME_PENDING, 0);
  EXPECT_EQ(f_.decision.reason, "territory.no_evidence");
  Hold(true);
  Expect(Again(kStillNowhere, kStillNowhere, "d1:2"), Novelty::kRedecided, OUTCOME_RETURNED, 1);
  Expect(Again(kA, kA, "d2:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_EQ(f_.decision.overrides[0], "ov1");
  Expect(Tell(kA, "d3:2"), Novelty::kRepeat, OUTCOME_RETURNED, 0);
  EXPECT_EQ(f_.decision.overrides[0], "ov1");
}

TEST_F(WaitingRowsTest, ADeleteOfWhatWaitsCountsUnderTheCountyOfWhatItsHolderHas) {
  Tell(kB, "d1:2");
  Tell(kA, "d2:2");
  Expect(f_.Delete("k", "d3:2"), Novelty::kNew, OUTCOME_RETURNED, 1);
  EXPECT_EQ(f_.decision.attribution.division, "530103");
}

TEST_F(WaitingRowsTest, ADeleteOfWhatNeverCameIsDecidedByWhatNamesItsRecord) {
  Expect(f_.Delete("k", "r7"), Novelty::kNew, OUTCOME_PENDING, 0);
  EXPECT_EQ(f_.decision.reason, "delete.unknown_key");
  const auto again = [&](bool recall) {
    f_.redrive = true;
    f_.recall = recall;
    f_.kept = IsToldLast(Prior(), true, Digest{}, "r7") ? Kept::kLast : Kept::kReplaced;
    f_.Delete("k", "r7");
    f_.redrive = f_.recall = false;
  };
  Hold(true);
  again(false);
  Expect(f_.decision, Novelty::kRedecided, OUTCOME_RETURNED, 0);
  EXPECT_EQ(f_.decision.attribution.division, "530102");
  EXPECT_THAT(f_.decision.overrides, ElementsAre("ov1"));
  Hold(false);
  again(true);
  Expect(f_.decision, Novelty::kRedecided, OUTCOME_PENDING, 0);
  // What is deleted later is not what that delete ended.
  Tell(kB, "r8");
  f_.Delete("k", "r9");
  EXPECT_FALSE(IsToldLast(Prior(), true, Digest{}, "r7"));
}

}  // namespace
}  // namespace huiliu::rules
