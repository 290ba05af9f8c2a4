// Two sources of one system and dataset that the node decides: src and other. What is remembered of
// a record is one, whichever of them told it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/pipeline/former_decisions.h"
#include "core/rules/version_order.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using F = NodeFixture;

constexpr char kOther[] = "other";  // before "src" in the order of ids

std::string Person(const std::string& division, const std::string& name = "张三") {
  return absl::StrCat(R"({"id":"1","name":")", name, R"(","division":")", division, R"("})");
}
// A kept row's id without its source.
std::string KeptSuffix(const std::string& id) { return id.substr(id.find('/') + 1); }
constexpr char kNowhere[] = R"({"id":"1","name":"张三"})";

class SharedDecisionsTest : public testing::Test {
 protected:
  SharedDecisionsTest() { node_.AddSource(kOther); }
  void Tell(const std::string& source, const SourceRow& row) {
    ASSERT_TRUE(node_.SendBy(source, {row}).ok());
    const absl::Status judged = node_.Judge();
    ASSERT_TRUE(judged.ok()) << judged;
  }
  std::string HeldBy(const char* receiver) {
    const auto rows = node_.Held(receiver);
    return rows.contains("1") ? rows.at("1") : "";
  }
  NodeFixture node_;
};

TEST_F(SharedDecisionsTest, TheNewerVersionOfEitherWins) {
  Tell("src", {Person("530102"), "a:1", 10});
  Tell(kOther, {Person("532901"), "a:1", 20});
  EXPECT_EQ(HeldBy(F::kKunming), "") << "it has moved, as the other source says";
  EXPECT_EQ(HeldBy(F::kDali), Person("532901"));
  EXPECT_EQ(node_.tombstones, 0);
  Tell("src", {Person("530102", "李四"), "a:2", 30});
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102", "李四"));
  EXPECT_EQ(HeldBy(F::kDali), "");
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 2");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "outside 1");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kDali), "returned 1");
}

TEST_F(SharedDecisionsTest, AnOlderVersionOfTheOtherChangesNothing) {
  Tell("src", {Person("530102"), "a:1", 20});
  for (int again = 0; again < 2; ++again) {
    Tell(kOther, {Person("530103", "旧"), "z:9", 10});
    EXPECT_EQ(HeldBy(F::kKunming), Person("530102"));
    EXPECT_EQ(node_.appended, 1);
    EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "returned 1") << "it counts, once";
  }
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
}

TEST_F(SharedDecisionsTest, WhereATimeIsUnknownTheSourceWithTheLaterIdWins) {
  Tell("src", {Person("530102"), "a:1"});
  Tell(kOther, {Person("530103", "旧"), "z:9"});
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102"));
  Tell("src", {Person("530102"), "a:1"});
  EXPECT_EQ(node_.appended, 1) << "and nothing goes back and forth when they are read again";
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 2");
}

TEST_F(SharedDecisionsTest, TheSameContentIsPublishedOnceAndCountsOnceForEach) {
  Tell("src", {Person("530102"), "a:1", 10});
  for (int again = 0; again < 3; ++again) {
    Tell(kOther, {Person("530102"), "a:1", 10});
    Tell("src", {Person("530102"), "a:1", 10});
  }
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102"));
  EXPECT_EQ(node_.appended, 1);
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "returned 1");
}

// A department replaces its export by a source of its database: what that repeats is its own.
TEST_F(SharedDecisionsTest, WhoToldItLastStandsForItWhenRulesChange) {
  Tell("src", {Person("530102"), "a:1", 10});
  node_.clock().Advance(absl::Hours(24));
  Tell(kOther, {Person("530102"), "b:1", 10});
  node_.PutRules(F::kKunming, "legal_basis: x\nrules:\n  - {id: no, withhold: 不予回流}\n");
  Tell("src", {Person("530102"), "a:1", 10});
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102")) << "the other's re-read moves no count of its";
  Tell(kOther, {Person("530102"), "b:1", 10});
  EXPECT_EQ(HeldBy(F::kKunming), "");
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming, "2026-01-02"), "withheld 1");
}

TEST_F(SharedDecisionsTest, ADeleteByOneHoldsUntilTheOtherTellsSomethingNewer) {
  Tell("src", {Person("530102"), "a:1", 10});
  Tell(kOther, {Person(""), "b:1", 20, true});
  EXPECT_EQ(HeldBy(F::kKunming), "");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "returned 1") << "as the version that it ends";
  Tell("src", {Person("530102"), "a:1", 10});
  EXPECT_EQ(HeldBy(F::kKunming), "") << "what was deleted since is not read back";
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
  Tell("src", {Person("530102"), "a:2", 30});
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102"));
  Tell(kOther, {Person(""), "b:2", 25, true});
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102")) << "an older delete changes nothing";
}

TEST_F(SharedDecisionsTest, AKeptRowOfOneIsRedrivenBesideTheNewerVersionOfTheOther) {
  Tell("src", {kNowhere, "a:1", 10});
  Tell(kOther, {Person("532901", "李四"), "a:1", 20});
  ASSERT_THAT(node_.Kept(), SizeIs(1));
  EXPECT_THAT(node_.Kept(false, kOther), IsEmpty());
  const std::string id = node_.Kept()[0].id();
  ASSERT_EQ(node_.Redrive(id, Person("530102"))->error(), "");
  EXPECT_EQ(HeldBy(F::kKunming), "") << "the newer version stands";
  EXPECT_EQ(HeldBy(F::kDali), Person("532901", "李四"));
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "outside 1");
  Tell("src", {kNowhere, "a:1", 10});
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1") << "read again it is no news";
}

TEST_F(SharedDecisionsTest, KeptRowsOfBothStandApartUnderTheSamePlace) {
  Tell("src", {kNowhere, "a:1", 10});
  Tell(kOther, {kNowhere, "a:1", 10});
  ASSERT_THAT(node_.Kept(), SizeIs(1));
  ASSERT_THAT(node_.Kept(false, kOther), SizeIs(1));
  EXPECT_EQ(KeptSuffix(node_.Kept()[0].id()), KeptSuffix(node_.Kept(false, kOther)[0].id()));
  ASSERT_EQ(node_.Redrive(node_.Kept()[0].id(), Person("530102"))->error(), "");
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102"));
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "pending 1");
  ASSERT_EQ(node_.Redrive(node_.Kept(false, kOther)[0].id(), Person("530102"))->error(), "");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "returned 1");
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 2");
  for (const char* source : {"src", kOther}) {
    Tell(source, {kNowhere, "a:1", 10});
    EXPECT_EQ(node_.Balance(F::kKunming), "returned 2") << "what was corrected waits never again";
  }
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102"));
}

TEST_F(SharedDecisionsTest, HistoryIsDecidedAgainUnderTheSourceThatToldTheNewest) {
  Tell("src", {Person("530102"), "a:1", 10});
  Tell(kOther, {Person("530103", "李四"), "a:1", 20});
  node_.PutRules(F::kKunming, "legal_basis: x\nrules:\n  - {id: no, withhold: 不予回流}\n", true);
  ASSERT_TRUE(node_.Judge().ok());
  EXPECT_EQ(HeldBy(F::kKunming), "");
  EXPECT_EQ(node_.BalanceOf("src", F::kKunming), "returned 1");
  EXPECT_EQ(node_.BalanceOf(kOther, F::kKunming), "withheld 1");
  const auto rest = node_.Mark(F::kKunming, 2, kRestOfNode);
  EXPECT_TRUE(rest.done());
  EXPECT_EQ(rest.counts().out_of_reach(), 0);
}

TEST(SharedDecisionsOfOthersTest, OutcomesAreThoseOfTheTellersReceivers) {
  NodeFixture node;
  node.PutRules("530300", rules::kOpenRules);
  node.AddSource("wide", {"530300", F::kDali, F::kKunming});
  ASSERT_TRUE(node.SendBy("wide", {{Person("530102"), "w:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_TRUE(node.Send({{Person(""), "a:1", 20, true}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node.BalanceOf("src", F::kKunming), "returned 1");
  EXPECT_EQ(node.BalanceOf("src", F::kDali), "outside 1");
  EXPECT_EQ(node.BalanceOf("wide", "530300"), "outside 1");
  // It counts for a receiver that the deleting source does not know of as its own source says.
  ASSERT_TRUE(node.SendBy("wide", {{Person(""), "w:2", 15, true}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.BalanceOf("wide", "530300"), "outside 2");
  EXPECT_EQ(node.BalanceOf("wide", F::kKunming), "returned 2");
}

// What a node remembers that judged before decisions were shared: each source its own.
class FormerDecisionsTest : public SharedDecisionsTest {
 protected:
  // Puts what is remembered back into the form of before, as another node of before left it.
  void Age() {
    std::map<std::string, std::string> now;
    for (const StoredBatch& batch : node_.ReadAll(DecisionsTopic("person"))) {
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& record) {
        now[std::string(record.key)] = std::string(record.value);
      });
    }
    for (const auto& [key, value] : now) {
      Transaction transaction;
      const std::string record_key = key.substr(key.find('\0', 1) + 1);
      const TopicPartition to{DecisionsTopic("person"), PartitionOf(record_key, 2)};
      RecordBatchBuilder batch;
      batch.AddTombstone(key, "");
      NodeDecision decision;
      ASSERT_TRUE(DecodeNodeDecision(value, &decision).ok());
      const std::string source = std::exchange(decision.prior.source, "");
      if (!decision.kept.empty()) decision.kept = KeptSuffix(decision.kept);
      decision.prior.seen.clear();
      batch.Add(FormerKey(source, record_key), "", EncodeNodeDecision(decision));
      transaction.appends.push_back({to, batch.Finish(), 2});
      transaction.positions.push_back({ReturnPosition(), "9"});
      ASSERT_TRUE(node_.writer().Commit(std::move(transaction)).ok());
    }
    node_.Restart(true);
  }
  std::string mark() { return node_.backbone().Position(ReturnPosition())->value_or(""); }
};

TEST_F(FormerDecisionsTest, AreFoundAndNothingCountsTwice) {
  Tell("src", {Person("530102"), "a:1", 10});
  Age();
  Tell("src", {Person("530102"), "a:1", 10});
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 1") << "a re-read is no news";
  EXPECT_THAT(mark(), HasSubstr("v2+v1 "));
  Tell(kOther, {Person("532901"), "a:1", 20});
  EXPECT_EQ(HeldBy(F::kKunming), "") << "who held it is known";
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 1 outside 1");
}

TEST_F(FormerDecisionsTest, GiveWayForGoodWhenTheirRecordIsDecided) {
  Tell("src", {Person("530102"), "a:1", 10});
  Age();
  Tell("src", {Person("530102", "李四"), "a:2", 20});
  ASSERT_TRUE(node_.backbone().Clean().ok());
  node_.Restart(true);
  Tell("src", {Person("530102"), "a:1", 10});
  EXPECT_EQ(HeldBy(F::kKunming), Person("530102", "李四"));
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 2");
  for (const StoredBatch& batch : node_.ReadAll(DecisionsTopic("person"))) {
    RecordBatchView::Parse(batch.bytes)->ForEach([&](int, const RecordView& record) {
      EXPECT_TRUE(record.tombstone || !IsFormerKey(record.key));
    });
  }
}

TEST_F(FormerDecisionsTest, AKeptRowOfBeforeIsRedriven) {
  Tell("src", {kNowhere, "a:1", 10});
  Age();
  ASSERT_THAT(node_.Kept(), SizeIs(1));
  ASSERT_EQ(node_.Redrive(node_.Kept()[0].id(), Person("530102"))->error(), "");
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 1");
  Tell("src", {kNowhere, "a:1", 10});
  EXPECT_EQ(node_.Balance(F::kKunming), "returned 1") << "it is remembered as corrected";
}

TEST(MergeFormerTest, TheNewerStandsAndRowsOfBothAreKnown) {
  NodeDecision older, newer;
  older.prior.source = "a";
  older.prior.row_id = "a:1";
  older.prior.source_time_us = 10;
  older.prior.payload_digest[0] = 1;
  older.prior.holders = {"x", "y"};
  older.prior.seen = {5};
  older.kept = "a/1/1/0";
  newer.prior.source = "b";
  newer.prior.row_id = "b:1";
  newer.prior.source_time_us = 20;
  newer.prior.holders = {"y"};
  for (const bool turned : {false, true}) {
    NodeDecision merged = turned ? newer : older;
    MergeFormer(turned ? older : newer, &merged);
    EXPECT_EQ(merged.prior.source, "b");
    EXPECT_EQ(merged.prior.row_id, "b:1");
    EXPECT_EQ(merged.kept, "");
    EXPECT_EQ(merged.prior.holders, (std::vector<std::string>{"y", "x"}));
    EXPECT_EQ(
        merged.prior.seen,
        (std::vector<uint64_t>{5, rules::FingerprintOf("a", "a:1", older.prior.payload_digest)}));
  }
}

}  // namespace
}  // namespace huiliu::pipeline
