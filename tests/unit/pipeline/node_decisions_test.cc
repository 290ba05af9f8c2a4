#include "broker/pipeline/node_decisions.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "broker/backbone/memory/memory_backbone.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu::pipeline {
namespace {

const TopicPartition kDecisions{"decisions.person", Partition(0)};

TEST(EngineMarkTest, SaysWhichNodeCommittedLast) {
  EXPECT_EQ(Encode(EngineMark{7, ""}), "7");
  EXPECT_EQ(Encode(EngineMark{7, "n0"}), "7 n0");
  EXPECT_EQ(ParseEngineMark("7")->sequence, 7U);
  EXPECT_EQ(ParseEngineMark("7")->node, "");
  EXPECT_EQ(ParseEngineMark("7 n0")->node, "n0");
  EXPECT_TRUE(absl::IsDataLoss(ParseEngineMark("n0").status()));
}

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
  theirs.Add("key", "", "theirs");
  Transaction transaction;
  transaction.appends.push_back({kDecisions, theirs.Finish(), 1});
  EXPECT_TRUE((*backbone->OpenWriter("other"))->Commit(std::move(transaction)).ok());
  const auto store = *RocksDbDecisionStore::Open(folder, {});
  EXPECT_TRUE(store->Recover(0).ok());
  EXPECT_TRUE(store->Stage(1, {{"key", "ours"}}).ok());
  const TopicPartition partitions[] = {kDecisions};
  EXPECT_EQ(RecoverDecisions(*backbone, partitions, 1, staged, store.get()), absl::OkStatus());
  EXPECT_EQ(store->committed_sequence(), 1U);
  const absl::string_view keys[] = {"key"};
  return (*store->GetMany(keys))[0].value_or("none");
}

TEST(RecoverDecisionsTest, WhatWasStagedHereIsTheTruthOfThisNodesTransactionAlone) {
  EXPECT_EQ(RecoveredValue(Staged::kHere), "ours");
  EXPECT_EQ(RecoveredValue(Staged::kElsewhere), "theirs");
}

}  // namespace
}  // namespace huiliu::pipeline
