// A record that was corrected by hand (docs/formats/decision.md, "Corrected by hand"): its source
// told A at d1.csv:2, which waited; a person made A' of it, which returned. Every row of the source
// counts once, and what was corrected waits never again.
#include "core/rules/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using namespace huiliu::v1;  // NOLINT: outcomes
using testing::ElementsAre;

constexpr char kA[] = R"({"id":"1","name":"张三"})";
constexpr char kCorrected[] = R"({"id":"1","name":"张三","division":"530102"})";
constexpr char kB[] = R"({"id":"1","name":"张三","division":"530103"})";
constexpr char kMoved[] = R"({"id":"1","name":"张三","division":"532901"})";

class CorrectedTest : public testing::Test {
 protected:
  CorrectedTest() {
    f_.UseKunming();
    Expect(kA, "d1.csv:2", 10, Novelty::kNew, OUTCOME_PENDING);
    Correct(kCorrected, OUTCOME_RETURNED);
  }
  void Correct(const char* json, Outcome outcome) {
    f_.redrive = true;
    Expect(json, "d1.csv:2", 10, Novelty::kRedecided, outcome);
    f_.redrive = false;
  }
  void Expect(const char* json, const char* row, int64_t time, Novelty novelty, Outcome outcome) {
    const Decision& d = f_.SendJson("k", json, row, time);
    EXPECT_EQ(d.novelty, novelty) << json << " " << row;
    EXPECT_THAT(d.outcomes, ElementsAre(outcome)) << json << " " << row;
    if (novelty == Novelty::kRepeat || novelty == Novelty::kUnchanged) {
      EXPECT_TRUE(d.outputs.empty());
    }
  }
  bool corrected() { return DecodeDecision(f_.memory["k"])->corrected; }
  EngineFixture f_;
};

TEST_F(CorrectedTest, TheOriginalInItsOwnRowIsARead) {
  EXPECT_TRUE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d1.csv:2", 12, Novelty::kUnchanged, OUTCOME_RETURNED);
  EXPECT_EQ(DecodeDecision(f_.memory["k"])->source_time_us, 12);
  EXPECT_TRUE(corrected());
}

TEST_F(CorrectedTest, TheOriginalInALaterRowCountsOnceAsItWasCorrectedAndDoesNotWait) {
  Expect(kA, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  EXPECT_EQ(f_.decision.attribution.division, "530102");
  EXPECT_EQ(f_.decision.reason, "");
  EXPECT_THAT(f_.decision.reasons, ElementsAre(""));
  for (int again = 0; again < 2; ++again) {
    Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
    Expect(kA, "d2.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  }
  Expect(kA, "d3.csv:2", 11, Novelty::kRepeat, OUTCOME_RETURNED);
  Expect(kA, "d2.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  EXPECT_TRUE(corrected());
}

TEST_F(CorrectedTest, TheOriginalInAnEarlierRowCountsOnceAsItWasCorrected) {
  Expect(kA, "c9.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  Expect(kA, "c9.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
}

TEST_F(CorrectedTest, TheOriginalUnderOtherRulesLeavesTheCorrectionAlone) {
  f_.UseKunming("legal_basis: x\nrules:\n  - {id: own, drop: [phone]}\n");
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  EXPECT_TRUE(corrected());
}

TEST_F(CorrectedTest, ACorrectionAtTheSourceInItsRowEndsItAndIsNoSecondRow) {
  Expect(kCorrected, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  EXPECT_FALSE(corrected());
  Expect(kCorrected, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  // The source takes its correction back: that is news.
  Expect(kA, "d1.csv:2", 10, Novelty::kNew, OUTCOME_PENDING);
}

TEST_F(CorrectedTest, ACorrectionAtTheSourceWithALaterTimeLeavesTheOriginalARead) {
  Expect(kCorrected, "d1.csv:2", 11, Novelty::kUnchanged, OUTCOME_RETURNED);
  EXPECT_FALSE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d1.csv:2", 12, Novelty::kNew, OUTCOME_PENDING);
}

TEST_F(CorrectedTest, ACorrectionAtTheSourceInALaterRowCountsOnceAndEndsIt) {
  Expect(kCorrected, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  EXPECT_FALSE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kCorrected, "d2.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d3.csv:2", 10, Novelty::kNew, OUTCOME_PENDING);
}

TEST_F(CorrectedTest, WhatItWasCorrectedToInAnEarlierRowCountsOnceAndEndsNothing) {
  Expect(kCorrected, "c9.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  EXPECT_TRUE(corrected());
  Expect(kCorrected, "c9.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  EXPECT_TRUE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
}

TEST_F(CorrectedTest, ACorrectionAtTheSourceIsDecidedByTheRulesOfItsTime) {
  f_.UseKunming("legal_basis: x\nrules:\n  - {id: no, withhold: 停止回流}\n");
  Expect(kCorrected, "d1.csv:2", 10, Novelty::kRedecided, OUTCOME_WITHHELD);
  EXPECT_FALSE(corrected());
}

TEST_F(CorrectedTest, NewContentEndsItAndWhatWasReadBeforeStaysRead) {
  Expect(kA, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  Expect(kB, "d3.csv:2", 11, Novelty::kNew, OUTCOME_RETURNED);
  EXPECT_FALSE(corrected());
  for (int again = 0; again < 2; ++again) {
    Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
    Expect(kA, "d2.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
    Expect(kB, "d3.csv:2", 11, Novelty::kUnchanged, OUTCOME_RETURNED);
  }
  Expect(kCorrected, "d2.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  // The source says so now, after B, of which nobody has decided anything.
  Expect(kA, "d4.csv:2", 12, Novelty::kNew, OUTCOME_PENDING);
  Expect(kA, "d4.csv:2", 12, Novelty::kUnchanged, OUTCOME_PENDING);
}

TEST_F(CorrectedTest, NewContentInItsRowEndsIt) {
  Expect(kMoved, "d1.csv:2", 10, Novelty::kNew, OUTCOME_OUTSIDE_AREA);
  EXPECT_FALSE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kNew, OUTCOME_PENDING);
}

TEST_F(CorrectedTest, OlderContentCountsAsItselfAndEndsNothing) {
  Expect(kMoved, "c9.csv:2", 10, Novelty::kSuperseded, OUTCOME_OUTSIDE_AREA);
  Expect(kMoved, "c9.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  EXPECT_TRUE(corrected());
  Expect(kA, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
}

TEST_F(CorrectedTest, ADeleteEndsItAndTheOriginalStaysRead) {
  EXPECT_EQ(f_.Delete("k", "d2.csv:2", 11).novelty, Novelty::kNew);
  EXPECT_FALSE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d3.csv:2", 12, Novelty::kNew, OUTCOME_PENDING);
}

TEST_F(CorrectedTest, OfSeveralCorrectionsTheOriginalIsWhatTheSourceTold) {
  Correct(kB, OUTCOME_RETURNED);
  EXPECT_TRUE(corrected());
  Expect(kA, "d1.csv:2", 10, Novelty::kUnchanged, OUTCOME_RETURNED);
  Expect(kA, "d2.csv:2", 10, Novelty::kRepeat, OUTCOME_RETURNED);
  EXPECT_EQ(f_.decision.attribution.division, "530103");
}

TEST_F(CorrectedTest, CorrectedBackToTheOriginalNothingIsCorrected) {
  EngineFixture other;
  other.UseKunming();
  other.SendJson("k", kA, "d1.csv:2", 10);
  other.redrive = true;
  other.SendJson("k", R"({"id":"1","name":"李四"})", "d1.csv:2", 10);
  EXPECT_TRUE(DecodeDecision(other.memory["k"])->corrected);
  EXPECT_EQ(other.SendJson("k", kA, "d1.csv:2", 10).novelty, Novelty::kRedecided);
  other.redrive = false;
  EXPECT_FALSE(DecodeDecision(other.memory["k"])->corrected);
  EXPECT_EQ(other.SendJson("k", kA, "d1.csv:2", 10).novelty, Novelty::kUnchanged);
  EXPECT_EQ(other.SendJson("k", kA, "d2.csv:2", 10).novelty, Novelty::kRepeat);
}

// Decided again as it stood (its override or mapping came meanwhile): no correction.
TEST_F(CorrectedTest, ARedriveOfTheSameContentCorrectsNothing) {
  EngineFixture other;
  other.UseKunming();
  other.SendJson("k", kA, "d1.csv:2", 10);
  other.redrive = true;
  other.SendJson("k", kA, "d1.csv:2", 10);
  EXPECT_FALSE(DecodeDecision(other.memory["k"])->corrected);
}

}  // namespace
}  // namespace huiliu::rules
