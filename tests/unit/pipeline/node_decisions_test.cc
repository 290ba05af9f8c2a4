#include "broker/pipeline/node_decisions.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "broker/backbone/memory/memory_backbone.h"
#include "broker/pipeline/former_decisions.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu::pipeline {
namespace {

const TopicPartition kDecisions{"decisions.person", Partition(0)};

TEST(EngineMarkTest, SaysWhichNodeCommittedLast) {
  EXPECT_EQ(Encode(EngineMark{7, ""}), "v2 7");
  EXPECT_EQ(Encode(EngineMark{7, "n0"}), "v2 7 n0");
  EXPECT_EQ(Encode(EngineMark{7, "n0", true}), "v2+v1 7 n0");
  for (const EngineMark& mark : {EngineMark{7, ""}, EngineMark{8, "n0"}, EngineMark{9, "", true}}) {
    const auto parsed = ParseEngineMark(Encode(mark));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->sequence, mark.sequence);
    EXPECT_EQ(parsed->node, mark.node);
    EXPECT_EQ(parsed->former, mark.former);
  }
  EXPECT_TRUE(absl::IsDataLoss(ParseEngineMark("n0").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseEngineMark("v3 7").status()));
}

TEST(EngineMarkTest, OneOfBeforeThereWereFormsSpeaksOfFormerDecisions) {
  EXPECT_EQ(ParseEngineMark("7")->sequence, 7U);
  EXPECT_EQ(ParseEngineMark("7")->node, "");
  EXPECT_EQ(ParseEngineMark("7 n0")->node, "n0");
  EXPECT_TRUE(ParseEngineMark("7 n0")->former);
}

// A decision as it is stored, telling of a row.
std::string Stored(const std::string& row_id) {
  NodeDecision decision;
  decision.kept = "1/1/0";
  decision.prior.row_id = row_id;
  return EncodeNodeDecision(decision);
}
const std::string kKey = DecisionKey("person", std::string("system\0key", 10));
const std::string kFormerKey = FormerKey("source", std::string("system\0key", 10));

// This node staged transaction 1 and was stopped before its commit; another node committed its own.
std::string RecoveredValue(Staged staged) {
  const std::string folder = testing::TempDir() + "/node_decisions";
  std::filesystem::remove_all(folder);
  const auto backbone = NewMemoryBackbone();
  TopicSpec spec;
  spec.name = kDecisions.topic;
  spec.cleanup = Cleanup::kCompact;
  EXPECT_TRUE(backbone->EnsureTopic(spec).ok());
  RecordBatchBuilder theirs;
  theirs.Add(kKey, "", Stored("theirs"));
  Transaction transaction;
  transaction.appends.push_back({kDecisions, theirs.Finish(), 1});
  EXPECT_TRUE((*backbone->OpenWriter("other"))->Commit(std::move(transaction)).ok());
  const auto store = *RocksDbDecisionStore::Open(folder, {});
  EXPECT_TRUE(store->Recover(0).ok());
  EXPECT_TRUE(store->Stage(1, {{kKey, Stored("ours")}}).ok());
  const std::vector<TopicPartition> partitions = {kDecisions};
  bool former = true;
  EXPECT_EQ(RecoverDecisions(*backbone, partitions, 1, staged, nullptr, store.get(), &former),
            absl::OkStatus());
  EXPECT_EQ(former, staged == Staged::kHere) << "where nothing is read it stays what it was";
  EXPECT_EQ(store->committed_sequence(), 1U);
  const absl::string_view keys[] = {kKey};
  NodeDecision decision;
  const auto found = *store->GetMany(keys);
  if (!found[0].has_value() || !DecodeNodeDecision(*found[0], &decision).ok()) return "none";
  return decision.prior.row_id;
}

TEST(RecoverDecisionsTest, WhatWasStagedHereIsTheTruthOfThisNodesTransactionAlone) {
  EXPECT_EQ(RecoveredValue(Staged::kHere), "ours");
  EXPECT_EQ(RecoveredValue(Staged::kElsewhere), "theirs");
}

// Whoever may write to the topic can put anything into it: a takeover goes on over it.
TEST(RecoverDecisionsTest, MessagesOfOthersAreSetAside) {
  const auto backbone = NewMemoryBackbone();
  TopicSpec spec;
  spec.name = kDecisions.topic;
  spec.cleanup = Cleanup::kCompact;
  ASSERT_TRUE(backbone->EnsureTopic(spec).ok());
  const auto writer = *backbone->OpenWriter("any");
  RecordBatchBuilder batch;
  batch.Add("zz", "", "garbage");
  batch.Add(kKey, "", Stored("row"));
  batch.Add(kKey, "", "garbage under a key of ours");
  batch.AddTombstone("zz", "");
  batch.Add(kFormerKey, "", Stored("of before"));
  Transaction transaction;
  transaction.appends.push_back({kDecisions, batch.Finish(), 5});
  ASSERT_TRUE(writer->Commit(std::move(transaction)).ok());
  SetAside aside([](const std::string&) {});
  const auto store = NewMemoryDecisionStore();
  const std::vector<TopicPartition> partitions = {kDecisions};
  bool former = true;
  former = false;
  ASSERT_EQ(
      RecoverDecisions(*backbone, partitions, 5, Staged::kElsewhere, &aside, store.get(), &former),
      absl::OkStatus());
  EXPECT_TRUE(former);
  const absl::string_view keys[] = {kKey, "zz", kFormerKey};
  const auto found = *store->GetMany(keys);
  EXPECT_EQ(found[0].value_or(""), Stored("row"));
  EXPECT_FALSE(found[1].has_value());
  EXPECT_EQ(found[2].value_or(""), Stored("of before"));
  EXPECT_EQ(aside.seen().at(kDecisions.topic).messages, 3);
}

}  // namespace
}  // namespace huiliu::pipeline
