#include "broker/pipeline/return_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/pipeline/envelope_bytes.h"
#include "tests/unit/pipeline/node_fixture.h"

namespace huiliu::pipeline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using F = NodeFixture;

std::string Person(const std::string& id, const std::string& division,
                   const std::string& name = "张三") {
  return absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"(","division":")", division,
                      R"("})");
}

TEST(ReturnWorkerTest, UntilJudgedEveryRowCountsAsPendingThenUnderItsOwnOutcome) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1"},
                         {Person("2", "532901"), "a:2"},
                         {Person("3", "530302"), "a:3"},
                         {R"({"id":"4","name":"无区划"})", "a:4"}},
                        {"原文"})
                  .ok());
  EXPECT_EQ(node.Balance(F::kKunming), "quarantined 1 pending 4");
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 outside 2 quarantined 1 pending 1");
  EXPECT_EQ(node.Balance(F::kDali), "returned 1 outside 2 quarantined 1 pending 1");
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  EXPECT_EQ(node.Held(F::kKunming)["1"], R"({"id":"1","name":"张三","division":"530102"})");
  EXPECT_EQ(node.Held(F::kDali).count("2"), 1U);
  ASSERT_THAT(node.Kept(), SizeIs(2));
  EXPECT_EQ(node.Kept()[0].reason(), "territory.no_evidence");
  EXPECT_EQ(node.Kept()[1].raw(), "原文");
}

TEST(ReturnWorkerTest, TheEntryOfAReceiverProvesItsRecords) {
  NodeFixture node(1);
  ASSERT_TRUE(node.Send({{Person("1", "532901"), "a:1"}, {Person("2", "530102"), "a:2"}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  const auto batches = node.ReadAll(ReturnedTopic(F::kKunming, "person"));
  ASSERT_THAT(batches, SizeIs(1));
  std::vector<Digest> leaves;
  RecordBatchView::Parse(batches[0].bytes)->ForEach([&](int i, const RecordView& record) {
    leaves.push_back(
        RecordLeafHash(record.key, WithoutArrival(record.header), Sha256(record.value)));
    huiliu::v1::Envelope envelope;
    ASSERT_TRUE(envelope.ParseFromString(std::string(record.header)));
    EXPECT_EQ(envelope.index_in_batch(), static_cast<uint32_t>(i));
    EXPECT_EQ(envelope.division(), "530102");
    EXPECT_EQ(envelope.decided_by(), "division");
    EXPECT_EQ(envelope.rule(), "own@1");
    EXPECT_EQ(envelope.city(), F::kKunming);
    EXPECT_EQ(envelope.counted_receivers(), 0U);
    EXPECT_GT(envelope.arrival_time_us(), 0);
  });
  int found = 0;
  for (const auto& entry : node.Entries()) {
    if (entry.step() != huiliu::v1::STEP_RETURN || entry.receiver() != F::kKunming) continue;
    ++found;
    EXPECT_EQ(entry.records_root(), ToString(MerkleRootOf(leaves)));
    EXPECT_EQ(entry.sequence(), node.last_batch.sequence());
    EXPECT_THAT(entry.rule_set(), SizeIs(64));
  }
  EXPECT_EQ(found, 1);
}

TEST(ReturnWorkerTest, ARecordThatMovesLeavesATombstoneWithItsFormerReceiver) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_THAT(node.Held(F::kKunming), SizeIs(1));
  ASSERT_TRUE(node.Send({{Person("1", "532901"), "a:2", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  EXPECT_EQ(node.tombstones, 1);
  const huiliu::v1::Envelope& left = node.last_tombstone;
  EXPECT_EQ(left.division() + left.decided_by() + left.row_id() + left.rule(), "")
      << "nothing of the version that another receiver holds now";
  EXPECT_EQ(left.source_time_us(), 0);
  EXPECT_EQ(left.system(), "sys");
  EXPECT_EQ(left.operation(), huiliu::v1::OPERATION_DELETE);
  EXPECT_THAT(node.Held(F::kDali), SizeIs(1));
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:0", 5}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty()) << "an older version changes nothing";
  ASSERT_TRUE(node.Send({{Person("1", ""), "a:3", 30, true}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kDali), IsEmpty()) << "a delete by key goes to who holds the record";
}

TEST(ReturnWorkerTest, WhatComesTwiceIsOnceThere) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1", 10}}).ok());
  ASSERT_TRUE(node.Resend().ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_TRUE(node.Resend().ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  // Read again from the source in a new batch: until the engine has seen it, it is a change.
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1", 10}}).ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 pending 1");
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1");
  node.Held(F::kKunming);
  EXPECT_EQ(node.appended, 1);
}

// Batches in which keys move, come twice and end. Whatever fails, its process dies, and the agent
// goes on from the node's stored position.
std::string Story(NodeFixture* node, bool lose) {
  const auto judge = [&] {
    if (!node->Judge().ok()) node->Restart(lose);
    EXPECT_TRUE(node->Judge().ok());
  };
  for (uint64_t round = 0; round < 3; ++round) {
    std::vector<SourceRow> rows;
    for (int i = 0; i < 6; ++i) {
      const bool dali = (static_cast<int>(round) + i) % 2 == 0;
      rows.push_back({Person(std::to_string(i), dali ? "532901" : "530102"),
                      absl::StrCat("a:", round, ":", i), static_cast<int64_t>(round) * 10 + 1,
                      round == 2 && i == 0});
    }
    rows.push_back({R"({"id":"x","name":"无区划"})", "a:x", 1});
    const std::vector<std::string> bad = {absl::StrCat("坏", round)};
    if (!node->Send(rows, bad).ok()) {
      node->Restart(lose);
      if (node->intake->Position("src")->sequence() == round) {
        EXPECT_TRUE(node->Send(rows, bad).ok());
      }
    }
    judge();
  }
  std::string told;
  for (const char* receiver : {F::kKunming, F::kDali}) {
    for (const auto& [id, json] : node->Held(receiver)) absl::StrAppend(&told, id, "=", json, ";");
    absl::StrAppend(&told, receiver, " ", node->appended, " ", node->Balance(receiver), "\n");
  }
  return absl::StrCat(told, node->Kept().size());
}

TEST(ReturnWorkerTest, ACrashAroundAnyCommitChangesNothing) {
  NodeFixture undisturbed;
  const std::string expected = Story(&undisturbed, false);
  EXPECT_THAT(expected, HasSubstr("quarantined 3 pending 1"));
  for (const Fault fault : {Fault::kNotWritten, Fault::kAnswerLost}) {
    // Intake, its kept rows, the engine, its kept rows: three rounds of these.
    for (int at = 0; at < 10; ++at) {
      const bool lose = at % 2 == 1;
      NodeFixture node;
      node.writer().Fail(fault, at);
      EXPECT_EQ(Story(&node, lose), expected)
          << "fault " << static_cast<int>(fault) << " at " << at << (lose ? ", stores lost" : "");
      EXPECT_EQ(node.writer().next, Fault::kNone) << "it did fail, at " << at;
    }
  }
}

TEST(ReturnWorkerTest, LostStoresAreMadeAgainFromTheLog) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1", 10}}, {"坏"}).ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_TRUE(node.backbone().Clean().ok());
  node.Restart(true);
  EXPECT_THAT(node.Kept(), SizeIs(1));
  ASSERT_TRUE(node.Send({{Person("1", "532901"), "a:2", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty()) << "who held it is known";
}

// What a lone node decided holds in the lanes of the cluster that it becomes.
TEST(ReturnWorkerTest, ALaneKnowsWhatTheLoneNodeBeforeItDecided) {
  NodeFixture node;
  ASSERT_TRUE(
      node.Send({{Person("1", "530102"), "a:1", 10}, {Person("2", "530102"), "a:2", 10}}, {"坏"})
          .ok());
  ASSERT_TRUE(node.Judge().ok());
  for (const char* name : {"n0", "n1"}) {
    node.BecomeLane("3", name);
    ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1", 10}}).ok());
    ASSERT_TRUE(node.Judge().ok());
    EXPECT_EQ(node.Balance(F::kKunming), "returned 2 quarantined 1") << "a re-read counts once";
    EXPECT_THAT(node.Kept(), SizeIs(1));
  }
  ASSERT_TRUE(node.Send({{Person("1", "532901"), "a:3", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1)) << "who held it is known";
}

// A node that takes a lane may hear of one of its datasets only afterwards.
TEST(ReturnWorkerTest, OfADatasetThatComesLaterTheFormerDecisionsAreReadToo) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1", 10}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  node.knows_dataset = false;
  node.BecomeLane("3", "n0");
  ASSERT_TRUE(node.worker->AddDataset("other").ok());
  ASSERT_TRUE(node.Judge().ok());
  ASSERT_TRUE(node.worker->AddDataset("person").ok());
  ASSERT_TRUE(node.Send({{Person("1", "532901"), "a:2", 20}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty()) << "who held it is known";
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 outside 1");
}

TEST(ReturnWorkerTest, NewRulesHoldFromTheNextBatchAndMoveCountsWithinTheirDay) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1"}, {Person("2", "530102"), "a:2"}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  node.PutRules(
      F::kKunming,
      "legal_basis: x\nrules:\n  - {id: none, when: name == \"张三\", withhold: 不予回流}\n"
      "  - {id: own}\n");
  node.clock().Advance(absl::Hours(24));
  ASSERT_TRUE(node.Send({{Person("1", "530102"), "a:1"}, {Person("3", "530102"), "a:3"}}).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming), "returned 1 withheld 1") << "the re-read row moved";
  EXPECT_EQ(node.Balance(F::kKunming, "2026-01-02"), "withheld 1");
  EXPECT_THAT(node.Held(F::kKunming), SizeIs(1));
  EXPECT_EQ(node.Held(F::kKunming).count("2"), 1U);
}

TEST(ReturnWorkerTest, CountsOfManyDaysFindRoomInSeveralEntries) {
  NodeFixture node(1);
  std::vector<SourceRow> all;
  for (int day = 0; day < 260; ++day) {
    all.push_back({Person(std::to_string(day), "530102"), absl::StrCat("a:", day)});
    ASSERT_TRUE(node.Send({all.back()}).ok());
    node.clock().Advance(absl::Hours(24));
  }
  ASSERT_TRUE(node.Judge().ok());
  node.PutRules(F::kKunming, "legal_basis: x\nrules:\n  - {id: no, withhold: 不予回流}\n");
  ASSERT_TRUE(node.Send(all).ok());
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance(F::kKunming, "2026-01-01"), "withheld 1");
  EXPECT_EQ(node.Balance(F::kKunming, "2026-09-17"), "withheld 1");
  EXPECT_EQ(node.Balance(F::kKunming, "2026-09-18"), "") << "re-reads are not counted";
  EXPECT_THAT(node.Held(F::kKunming), IsEmpty());
  for (const auto& entry : node.Entries()) EXPECT_LT(entry.ByteSizeLong(), 65535U);
}

TEST(ReturnWorkerTest, AReceiverThatIsAddedGetsWhatComesFromThenOn) {
  NodeFixture node;
  ASSERT_TRUE(node.Send({{Person("1", "530302"), "a:1"}}).ok());
  huiliu::v1::Source source = *node.state.FindSource("src");
  source.add_receivers("530300");
  ASSERT_TRUE(node.Put(source, source.version()).ok());
  node.PutRules("530300", rules::kOpenRules);
  // Taken over before, judged after: it was pending for two receivers, and is new for the third.
  ASSERT_TRUE(node.Judge().ok());
  EXPECT_EQ(node.Balance("530300"), "returned 1");
  EXPECT_EQ(node.Balance(F::kKunming), "outside 1");
  source = *node.state.FindSource("src");
  source.mutable_receivers()->DeleteSubrange(0, 1);
  const absl::Status fewer = node.Put(source, source.version());
  EXPECT_EQ(fewer.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ReturnWorkerTest, IntakeTakesNoJudgementOfSuchASource) {
  NodeFixture node;
  huiliu::v1::Batch batch = node.MakeBatch({{Person("1", "530102"), "a:1"}});
  batch.add_counts()->set_rows(1);
  node.Sign(&batch);
  huiliu::v1::Hello hello;
  hello.set_source("src");
  hello.set_dataset("person");
  hello.set_dataset_version(1);
  huiliu::v1::Welcome welcome;
  auto session = node.intake->Open(node.caller, hello, &welcome);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ((*session)->Take(batch).code(), absl::StatusCode::kInvalidArgument);
  huiliu::v1::Source source = *node.state.FindSource("src");
  source.add_receivers("530300");
  ASSERT_TRUE(node.Put(source, source.version()).ok());
  EXPECT_THAT(std::string(node.intake->Open(node.caller, hello, &welcome).status().message()),
              HasSubstr("no rule set returns dataset person to receiver 530300"));
}

}  // namespace
}  // namespace huiliu::pipeline
