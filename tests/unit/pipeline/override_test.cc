// Territory overrides at the node: pending rows are decided again when one is approved or
// withdrawn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/override_node.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::QuarantinedRow;
using testing::IsEmpty;
using testing::SizeIs;
using F = NodeFixture;

constexpr char kFirst[] = R"({"id":"1","name":"甲"})";
constexpr char kSecond[] = R"({"id":"2","name":"甲"})";
constexpr char kOther[] = R"({"id":"3","name":"乙"})";

class OverrideTest : public testing::Test {
 protected:
  OverrideNode node_;
};

TEST_F(OverrideTest, ApprovedItDecidesRowsThatWait) {
  ASSERT_TRUE(node_.Send({{kFirst, "a:1", 10}, {kSecond, "a:2", 10}, {kOther, "a:3", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "pending 3");
  node_.clock().Advance(absl::Hours(72));
  const std::string id = node_.Approve("甲", "530102");
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 2 pending 1") << "within their day";
  EXPECT_EQ(node_.Balance(F::kKunming, "2026-01-04"), "");
  EXPECT_EQ(node_.Balance(F::kDali), "outside 2 pending 1");
  EXPECT_THAT(node_.Held(F::kKunming), SizeIs(2));
  EXPECT_THAT(node_.DecidedBy(F::kKunming), testing::Each("override:" + id));
  ASSERT_THAT(node_.Kept(), SizeIs(1));
  EXPECT_EQ(node_.Kept()[0].reason(), "territory.no_evidence");
  for (const QuarantinedRow& row : node_.Kept(true)) {
    if (!row.redriven()) continue;
    EXPECT_EQ(row.territory_override(), id);
    EXPECT_FALSE(row.raw().empty()) << "its content stays, for a withdrawal";
  }
  const auto redrives = node_.Redrives();
  ASSERT_FALSE(redrives.empty());
  for (const auto& entry : redrives) EXPECT_EQ(entry.detail(), "override:" + id);
  // A re-read changes nothing, and counts nothing.
  ASSERT_TRUE(node_.Send({{kFirst, "a:1", 10}, {kOther, "a:3", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  node_.Held(F::kKunming);
  EXPECT_EQ(node_.appended, 2);
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 2 pending 1");
  EXPECT_EQ(node_.Balance(F::kKunming, "2026-01-04"), "");
  EXPECT_THAT(node_.Kept(), SizeIs(1));
}

TEST_F(OverrideTest, WithdrawnItsRowsWaitAgainAndHoldersLoseThem) {
  ASSERT_TRUE(node_.Send({{kFirst, "a:1", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  const std::string id = node_.Approve("甲", "530102");
  ASSERT_TRUE(node_.Judge().ok());
  // One that never waited: the override held when it came.
  ASSERT_TRUE(node_.Send({{kSecond, "a:2", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 2");
  EXPECT_THAT(node_.Kept(), IsEmpty());
  node_.clock().Advance(absl::Hours(48));
  node_.Withdraw(id);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "pending 2");
  EXPECT_EQ(node_.Balance(F::kDali), "pending 2");
  EXPECT_EQ(node_.Balance(F::kKunming, "2026-01-03"), "");
  EXPECT_THAT(node_.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node_.tombstones, 2);
  for (const auto& entry : node_.Redrives()) EXPECT_EQ(entry.detail(), "override:" + id);
  ASSERT_THAT(node_.Kept(), SizeIs(2));
  EXPECT_EQ(node_.Kept()[0].territory_override(), "");
  // Decided again by another.
  node_.Approve("甲", "532901", F::kDali);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "outside 2");
  EXPECT_EQ(node_.Balance(F::kDali), "returned 2");
  EXPECT_THAT(node_.Held(F::kDali), SizeIs(2));
}

TEST_F(OverrideTest, NewRulesReevaluateWhatWasDecidedByHandAndEachReasonIsItsOwn) {
  ASSERT_TRUE(node_.Send({{kFirst, "a:1", 10}, {kOther, "a:3", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  const std::string id = node_.Approve("甲", "530102");
  ASSERT_TRUE(node_.Judge().ok());
  ASSERT_THAT(node_.Held(F::kKunming), SizeIs(1));
  EXPECT_EQ(node_.last_envelope["1"].reason(), "territory.override");
  EXPECT_EQ(node_.last_envelope["1"].rule_set(), "");
  node_.clock().Advance(absl::Hours(24));

  node_.PutRules(
      F::kKunming,
      "legal_basis: x\nrules:\n  - {id: li, when: name == \"李雷\", withhold: 不予回流}\n"
      "  - {id: own}\n",
      true);
  ASSERT_TRUE(node_.Judge().ok());
  node_.Held(F::kKunming);
  EXPECT_EQ(node_.appended, 1) << "what leaves as before is not sent again";
  EXPECT_TRUE(node_.Mark(F::kKunming, 2, "node/rest").done());
  EXPECT_EQ(node_.Mark(F::kKunming, 2, "node/rest").counts().out_of_reach(), 0);

  node_.PutRules(F::kKunming,
                 "legal_basis: x\nrules:\n  - {id: own, masks: {name: {constant: 某}}}\n", true);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Held(F::kKunming)["1"], R"({"id":"1","name":"某"})");
  EXPECT_EQ(node_.last_envelope["1"].reason(), "rules.changed");
  EXPECT_EQ(node_.last_envelope["1"].rule_set(), "person/530100@3");
  EXPECT_EQ(node_.last_envelope["1"].decided_by(), "override:" + id);
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 1 pending 1");

  node_.Withdraw(id);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_THAT(node_.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node_.last_envelope["1"].reason(), "territory.override_withdrawn");
  EXPECT_EQ(node_.last_envelope["1"].rule_set(), "");
  EXPECT_EQ(node_.Redrives().back().detail(), "override:" + id);
  EXPECT_EQ(node_.Balance(F::kKunming), "pending 2");
  EXPECT_EQ(node_.Balance(F::kKunming, "2026-01-02"), "");
}

TEST_F(OverrideTest, ANewerVersionIsNotTakenBackByAnOlderOnesOverride) {
  ASSERT_TRUE(node_.Send({{kFirst, "a:1", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  ASSERT_TRUE(node_.Send({{R"({"id":"1","name":"甲","division":"532901"})", "a:1", 20}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_THAT(node_.Held(F::kDali), SizeIs(1));
  node_.Approve("甲", "530102");
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_THAT(node_.Held(F::kDali), SizeIs(1));
  EXPECT_THAT(node_.Held(F::kKunming), IsEmpty());
}

TEST_F(OverrideTest, NotOursIsSaidForOneReceiverAndTheRowGoesOnWaitingForTheOther) {
  ASSERT_TRUE(node_.Send({{kFirst, "a:1", 10}}).ok());
  ASSERT_TRUE(node_.Judge().ok());
  const std::string not_ours = node_.Approve("甲", "530302");
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "outside 1");
  EXPECT_EQ(node_.Balance(F::kDali), "pending 1");
  ASSERT_THAT(node_.Kept(), SizeIs(1));
  EXPECT_EQ(node_.Kept()[0].territory_override(), not_ours);
  huiliu::v1::ListQuarantineRequest request;
  request.set_source("src");
  request.set_outcome(huiliu::v1::OUTCOME_PENDING);
  request.set_reason("territory.no_evidence");
  huiliu::v1::ListQuarantineResponse response;
  ASSERT_TRUE(node_.worker->ListKept(node_.caller, request, &response).ok());
  EXPECT_EQ(response.rows_size(), 1);
  request.set_outcome(huiliu::v1::OUTCOME_QUARANTINED);
  response.Clear();
  ASSERT_TRUE(node_.worker->ListKept(node_.caller, request, &response).ok());
  EXPECT_EQ(response.rows_size(), 0);
  node_.Approve("甲", "532901", F::kDali);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kDali), "returned 1");
  EXPECT_EQ(node_.Balance(F::kKunming), "outside 1");
  node_.Withdraw(not_ours);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kDali), "returned 1") << "the other still claims it";
  EXPECT_EQ(node_.Balance(F::kKunming), "outside 1");
}

TEST_F(OverrideTest, ManyRowsTakeSeveralTransactions) {
  std::vector<SourceRow> rows;
  for (int i = 0; i < 3 * PendingReplay::kPageRows / 2; ++i)
    rows.push_back(
        {absl::StrCat(R"({"id":"m)", i, R"(","name":"甲"})"), absl::StrCat("a:", i), 10});
  ASSERT_TRUE(node_.Send(rows).ok());
  ASSERT_TRUE(node_.Judge().ok());
  node_.Approve("甲", "530102");
  while (node_.Balance(F::kKunming) == "pending 300")
    ASSERT_TRUE(node_.worker->Step(absl::ZeroDuration()).ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 200 pending 100");
  node_.Restart();
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 300");
  EXPECT_THAT(node_.Held(F::kKunming), SizeIs(300));
  EXPECT_EQ(node_.appended, 300) << "each once";
}

// Every commit of the replay fails in turn, before or after it held; the process starts anew, with
// its stores or without.
TEST(OverrideFaultTest, ExactlyOnceWhateverCommitFails) {
  for (const Fault fault : {Fault::kNotWritten, Fault::kAnswerLost}) {
    // The replay and its kept rows, the withdrawal and its kept rows.
    for (int at = 0; at < 4; ++at) {
      const bool lose = at % 2 == 1;
      SCOPED_TRACE(absl::StrCat("fault ", static_cast<int>(fault), " at ", at));
      OverrideNode node;
      ASSERT_TRUE(node.Send({{kFirst, "a:1", 10}, {kSecond, "a:2", 10}}).ok());
      ASSERT_TRUE(node.Judge().ok());
      const std::string id = node.Approve("甲", "530102");
      if (at < 2) node.writer().Fail(fault, at);
      node.Settle(lose);
      EXPECT_EQ(node.Balance(F::kKunming), "returned 2");
      EXPECT_THAT(node.Held(F::kKunming), SizeIs(2));
      EXPECT_EQ(node.appended, 2) << "each once";
      EXPECT_THAT(node.Kept(), IsEmpty());
      node.Withdraw(id);
      if (at >= 2) node.writer().Fail(fault, at - 2);
      node.Settle(lose);
      EXPECT_EQ(node.Balance(F::kKunming), "pending 2");
      EXPECT_EQ(node.Balance(F::kDali), "pending 2");
      EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
      EXPECT_EQ(node.tombstones, 2);
      EXPECT_THAT(node.Kept(), SizeIs(2));
      EXPECT_EQ(node.writer().next, Fault::kNone) << "it did fail";
    }
  }
}

}  // namespace
}  // namespace huiliu::pipeline
