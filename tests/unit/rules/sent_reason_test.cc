#include "core/rules/sent_reason.h"

#include <gtest/gtest.h>

namespace huiliu::rules {
namespace {

// What the first receiver is told of a decision with this outcome.
SentReason Why(Novelty novelty, huiliu::v1::Outcome outcome, DecidedAgain why,
               const std::string& code = "") {
  Decision decision;
  decision.novelty = novelty;
  decision.outcomes = {outcome};
  decision.reasons = {code};
  Output output;
  output.tombstone = outcome != huiliu::v1::OUTCOME_RETURNED;
  return ReasonOf(decision, output, why);
}

TEST(SentReasonTest, ACorrectionAnOverrideAndNewRulesAreToldApart) {
  const auto returned = [](Novelty novelty, DecidedAgain why) {
    return Why(novelty, huiliu::v1::OUTCOME_RETURNED, why);
  };
  EXPECT_EQ(returned(Novelty::kNew, DecidedAgain::kByRules).code, "");
  EXPECT_FALSE(returned(Novelty::kNew, DecidedAgain::kByRules).caused_by_rules);
  EXPECT_EQ(returned(Novelty::kRedecided, DecidedAgain::kByRules).code, "rules.changed");
  EXPECT_TRUE(returned(Novelty::kRedecided, DecidedAgain::kByRules).caused_by_rules);
  EXPECT_EQ(returned(Novelty::kRedecided, DecidedAgain::kCorrected).code, "");
  EXPECT_EQ(returned(Novelty::kRedecided, DecidedAgain::kByOverrides).code, "territory.override");
  EXPECT_FALSE(returned(Novelty::kRedecided, DecidedAgain::kByOverrides).caused_by_rules);
}

TEST(SentReasonTest, ATombstoneSaysWhatTookTheRecordAway) {
  const auto outside = [](DecidedAgain why) {
    return Why(Novelty::kRedecided, huiliu::v1::OUTCOME_OUTSIDE_AREA, why);
  };
  EXPECT_EQ(outside(DecidedAgain::kByRules).code, "territory.outside");
  EXPECT_TRUE(outside(DecidedAgain::kByRules).caused_by_rules);
  EXPECT_FALSE(outside(DecidedAgain::kCorrected).caused_by_rules);
  EXPECT_FALSE(outside(DecidedAgain::kByOverrides).caused_by_rules);
  const SentReason recalled = Why(Novelty::kRedecided, huiliu::v1::OUTCOME_PENDING,
                                  DecidedAgain::kByOverrides, "territory.no_evidence");
  EXPECT_EQ(recalled.code, "territory.override_withdrawn");
  EXPECT_FALSE(recalled.caused_by_rules);
  const SentReason withheld =
      Why(Novelty::kNew, huiliu::v1::OUTCOME_WITHHELD, DecidedAgain::kByRules, "rule.withheld:x");
  EXPECT_EQ(withheld.code, "rule.withheld:x");
  EXPECT_TRUE(withheld.caused_by_rules);
  Decision deleted;
  deleted.outcomes = {huiliu::v1::OUTCOME_RETURNED};
  deleted.next.deleted = true;
  Output output;
  output.tombstone = true;
  EXPECT_EQ(ReasonOf(deleted, output, DecidedAgain::kByRules).code, "source.deleted");
}

}  // namespace
}  // namespace huiliu::rules
