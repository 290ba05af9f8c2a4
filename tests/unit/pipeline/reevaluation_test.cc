#include "broker/pipeline/reevaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using F = NodeFixture;

constexpr char kNoLiLei[] =
    "legal_basis: x\nrules:\n  - {id: lilei, when: name == \"李雷\", withhold: 不予回流}\n"
    "  - {id: own}\n";
constexpr char kMasked[] = "legal_basis: x\nrules:\n  - {id: own, masks: {name: {constant: 某}}}\n";

std::string Person(const std::string& id, const std::string& division,
                   const std::string& name = "张三") {
  return absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"(","division":")", division,
                      R"("})");
}

// Three people of Kunming, one of Dali, one whom nobody can place.
const std::vector<SourceRow> kHistory = {{Person("1", "530102"), "a:1", 10},
                                         {Person("2", "530102", "李雷"), "a:2", 10},
                                         {Person("3", "530103"), "a:3", 10},
                                         {Person("4", "532901", "李雷"), "a:4", 10},
                                         {R"({"id":"5","name":"无区划"})", "a:5", 10}};

// A day of history.
void Load(NodeFixture* node) {
  ASSERT_TRUE(node->Send(kHistory).ok());
  ASSERT_TRUE(node->Judge().ok());
  node->clock().Advance(absl::Hours(24));
}

TEST(ReevaluationTest, ActivationWithdrawsAndBringsBackWithReasonsAndCountsStayInTheirDay) {
  NodeFixture node;
  Load(&node);
  node.PutRules(F::kKunming, kNoLiLei, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(2));
  EXPECT_EQ(node.tombstones, 1);
  EXPECT_EQ(node.appended, 4) << "what leaves as before is not sent again";
  EXPECT_EQ(node.last_envelope["2"].reason(), "rule.withheld:lilei");
  EXPECT_EQ(node.last_envelope["2"].rule_set(), "person/530100@2");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 2 outside 1 withheld 1 pending 1");
  EXPECT_EQ(node.Balance(F::kKunming, "2026-01-02"), "");
  EXPECT_EQ(node.Balance(F::kDali), "returned 1 outside 3 pending 1");
  node.Held(F::kDali);
  EXPECT_EQ(node.appended, 1) << "the other receiver's rules have not changed";

  node.PutRules(F::kKunming, rules::kOpenRules, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(3));
  EXPECT_EQ(node.last_envelope["2"].reason(), "rules.changed");
  EXPECT_EQ(node.last_envelope["2"].rule_set(), "person/530100@3");
  EXPECT_EQ(node.last_envelope["1"].reason(), "");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 3 outside 1 pending 1");
  EXPECT_EQ(node.Balance(F::kKunming, "2026-01-02"), "");
}

TEST(ReevaluationTest, WithoutTheApproversWordHistoryStaysAsItIs) {
  NodeFixture node;
  Load(&node);
  node.PutRules(F::kKunming, kNoLiLei);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(3));
  EXPECT_FALSE(node.Mark(F::kKunming, 2, "node/rest").done());
}

TEST(ReevaluationTest, OtherMasksAreSentAgainAndCountedByCounty) {
  NodeFixture node(1);
  Load(&node);
  node.PutRules(F::kKunming, kMasked, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Held(F::kKunming)["1"], R"({"id":"1","name":"某","division":"530102"})");
  EXPECT_EQ(node.last_envelope["1"].rule(), "own@2");
  const huiliu::v1::ReevaluationMark mark = node.Mark(F::kKunming, 2, "node/0");
  EXPECT_TRUE(mark.done());
  EXPECT_EQ(mark.counts().read(), 5);
  EXPECT_EQ(mark.counts().decided(), 5);
  EXPECT_EQ(mark.counts().changed(), 3);
  ASSERT_THAT(mark.counts().counties(), SizeIs(2));
  EXPECT_EQ(mark.counts().counties(0).division(), "530102");
  EXPECT_EQ(mark.counts().counties(0).changed(), 2);
  EXPECT_TRUE(node.Mark(F::kKunming, 2, "node/rest").done());
  int marked = 0;
  for (const auto& entry : node.Entries()) marked += entry.reevaluation() == "person/530100@2";
  EXPECT_EQ(marked, 2) << "the batch, and that it is through";
}

TEST(ReevaluationTest, OlderVersionsNeverChangeCountsOrOutput) {
  NodeFixture node(1);
  // Without times or with other ids for each version: only what was decided last is decided again.
  ASSERT_TRUE(
      node.Send({{Person("1", "530102", "李雷"), "a:1", 10}, {Person("2", "530102"), "r"}}).ok());
  ASSERT_TRUE(node.Send({{Person("1", "530102", "王五"), "a:2", 20},
                         {Person("2", "530102", "李雷"), "r"},
                         {Person("3", "530102", "李雷"), "a:3", 20}})
                  .ok());
  ASSERT_TRUE(node.Send({{Person("1", "530102", "赵六"), "a:0", 5},
                         {Person("3", "530102", "李雷"), "a:4", 30},
                         {Person("4", "530102", "李雷"), "a:5", 30},
                         {Person("4", ""), "a:6", 40, true}})
                  .ok());
  ASSERT_TRUE(node.Judge().ok());
  const std::string before = node.Balance(F::kKunming);
  EXPECT_EQ(before, "returned 9") << "each change counted, a delete for who held it";
  node.PutRules(F::kKunming, kNoLiLei, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  EXPECT_EQ(node.Held(F::kKunming)["1"], R"({"id":"1","name":"王五","division":"530102"})");
  EXPECT_EQ(node.Balance(F::kKunming), "returned 7 withheld 2");
  node.PutRules(F::kKunming, rules::kOpenRules, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), before);
  EXPECT_EQ(node.Held(F::kKunming)["2"], R"({"id":"2","name":"李雷","division":"530102"})");
}

TEST(ReevaluationTest, WhatWaitsIsKeptAndWhatIsDecidedIsReleased) {
  NodeFixture node;
  Load(&node);
  ASSERT_THAT(node.Kept(), SizeIs(1));
  huiliu::v1::Receiver receiver = *node.state.FindReceiver(F::kKunming);
  // A district alone: whom only the city places is unclear, and waits.
  ASSERT_TRUE(node.Send({{Person("6", "530100"), "a:6", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Kept(), SizeIs(1));
  receiver.clear_divisions();
  receiver.add_divisions("530102");
  ASSERT_TRUE(node.Put(receiver, receiver.version()).ok());
  node.PutRules(F::kKunming, "legal_basis: y\nrules:\n  - {id: own}\n", true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Kept(), SizeIs(2)) << "it was returned, and waits now";
  EXPECT_EQ(node.Held(F::kKunming).count("6"), 1U) << "a holder keeps what it has meanwhile";
  EXPECT_EQ(node.Mark(F::kKunming, 2, "node/rest").counts().out_of_reach(), 1);
  receiver = *node.state.FindReceiver(F::kKunming);
  receiver.clear_divisions();
  receiver.add_divisions("530100");
  ASSERT_TRUE(node.Put(receiver, receiver.version()).ok());
  node.PutRules(F::kKunming, rules::kOpenRules, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Kept(), SizeIs(1)) << "released by what decided it";
  EXPECT_EQ(node.Balance(F::kKunming), "returned 3 outside 1 pending 1");
  EXPECT_EQ(node.Balance(F::kKunming, "2026-01-02"), "returned 1");
}

TEST(ReevaluationTest, WhatRetentionTookIsCountedAndStays) {
  NodeFixture node;
  Load(&node);
  node.clock().Advance(absl::Hours(24 * 30));
  ASSERT_TRUE(node.Send({{Person("6", "530102", "李雷"), "a:6", 20},
                         {Person("7", "530103", "李雷"), "a:7", 20}})
                  .ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_TRUE(node.backbone().Clean().ok());
  node.PutRules(F::kKunming, kNoLiLei, true);
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Held(F::kKunming).count("2"), 1U) << "its source is gone";
  EXPECT_EQ(node.Held(F::kKunming).count("6"), 0U);
  EXPECT_EQ(node.Mark(F::kKunming, 2, "node/rest").counts().out_of_reach(), 3);
  bool said = false;
  for (const auto& entry : node.Entries())
    said = said || absl::StrContains(entry.detail(), "out of reach 3");
  EXPECT_TRUE(said);
}

TEST(ReevaluationTest, AVersionForLaterWaitsForItsDate) {
  NodeFixture node;
  Load(&node);
  auto record = node.state.ProposeRuleSet(
      "530100.yaml", absl::StrCat("dataset: person\nreceiver: \"530100\"\n", kNoLiLei), "officer");
  ASSERT_TRUE(record.ok() && record->has_value());
  ASSERT_TRUE(node.state.Apply(**record).ok());
  huiliu::v1::DecideRuleSetRequest decision;
  decision.set_untried_reason("test");
  decision.set_dataset("person");
  decision.set_receiver(F::kKunming);
  decision.set_version(2);
  decision.set_approve(true);
  decision.set_reevaluate_history(true);
  decision.mutable_active_from()->set_seconds(
      absl::ToUnixSeconds(node.clock().Now() + absl::Hours(1)));
  auto approved = node.state.ProposeDecision(decision, "another officer", node.clock().Now());
  ASSERT_TRUE(approved.ok() && node.state.Apply(*approved).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(3));
  node.clock().Advance(absl::Hours(2));
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(2));
}

// History is decided again twice while new batches come. Whatever fails, its process dies.
std::string Story(NodeFixture* node, bool lose) {
  const auto judge = [&] {
    if (!node->Judge().ok()) node->Restart(lose);
    EXPECT_TRUE(node->Judge().ok());
  };
  EXPECT_TRUE(node->Send(kHistory).ok());
  judge();
  node->clock().Advance(absl::Hours(24));
  for (uint64_t round = 1; round <= 2; ++round) {
    node->PutRules(F::kKunming, round == 1 ? kNoLiLei : kMasked, true);
    const std::vector<SourceRow> rows = {
        {Person("3", "530103"), "a:3", 10},
        {Person(std::to_string(10 + round), "530102", "李雷"), absl::StrCat("b:", round), 20}};
    if (!node->Send(rows).ok()) {
      node->Restart(lose);
      if (node->intake->Position("src")->sequence() == round) {
        EXPECT_TRUE(node->Send(rows).ok());
      }
    }
    judge();
  }
  std::string told;
  for (const char* receiver : {F::kKunming, F::kDali}) {
    for (const auto& [id, json] : node->Held(receiver)) absl::StrAppend(&told, id, "=", json, ";");
    absl::StrAppend(&told, receiver, " ", node->appended, " ", node->Balance(receiver), " | ",
                    node->Balance(receiver, "2026-01-02"), "\n");
  }
  for (const uint32_t version : {2U, 3U}) {
    for (const char* place : {"node/0", "node/1", "node/rest"}) {
      huiliu::v1::ReevaluationMark mark = node->Mark(F::kKunming, version, place);
      EXPECT_TRUE(mark.done()) << version << " " << place;
      absl::StrAppend(&told, mark.counts().ShortDebugString(), "\n");
    }
  }
  return told;
}

TEST(ReevaluationTest, ACrashAroundAnyCommitChangesNothing) {
  NodeFixture undisturbed;
  const std::string expected = Story(&undisturbed, false);
  EXPECT_THAT(expected, HasSubstr("withdrawn: 1"));
  EXPECT_THAT(expected, HasSubstr("returned: 2"));
  for (const Fault fault : {Fault::kNotWritten, Fault::kAnswerLost}) {
    // From the engine's first commit on; a round has intake, what is new, history, the rest.
    int failed = 0;
    for (int at = 2; at < 12; ++at) {
      const bool lose = at % 2 == 1;
      NodeFixture node;
      node.writer().Fail(fault, at);
      EXPECT_EQ(Story(&node, lose), expected)
          << "fault " << static_cast<int>(fault) << " at " << at << (lose ? ", stores lost" : "");
      failed += node.writer().next == Fault::kNone;
    }
    EXPECT_GE(failed, 8);
  }
}

}  // namespace
}  // namespace huiliu::pipeline
