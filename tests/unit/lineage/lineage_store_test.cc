#include "broker/lineage/store/lineage_store.h"

#include <atomic>
#include <thread>

#include "broker/lineage/checkpoint.h"
#include "broker/lineage/export.h"
#include "broker/lineage/store/export_log.h"
#include "tests/unit/lineage/lineage_fixture.h"

namespace huiliu {
namespace {

TEST_F(LineageStoreTest, EmptyLogHasNothing) {
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->Size(), 0);
  EXPECT_EQ((*store)->Root(), merkle::EmptyRoot());
  EXPECT_FALSE((*store)->LatestCheckpoint()->has_value());
  EXPECT_EQ((*store)->SignCheckpoint().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*store)->Leaf(0).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*store)->InclusionProof(0, 0).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_FALSE((*store)->LastBatchTime("source-0")->has_value());
}

TEST_F(LineageStoreTest, RandomLogsFoldInAnyPortionsToTheSame) {
  const Log log = RandomLog(400, random_);
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  for (size_t at = 0; at < log.batches.size();) {
    const size_t n = std::min<size_t>(log.batches.size() - at, 1 + random_() % 40);
    ASSERT_TRUE((*store)->Fold(absl::MakeConstSpan(log.batches).subspan(at, n)).ok());
    at += n;
    if (random_() % 4 == 0) {
      store->reset();
      store = Open();
      ASSERT_TRUE(store.ok()) << store.status();
    }
    // A repeated portion changes nothing.
    ASSERT_TRUE((*store)->Fold(absl::MakeConstSpan(log.batches).subspan(0, at)).ok());
  }
  EXPECT_EQ((*store)->Size(), static_cast<int64_t>(log.leaves.size()));
  EXPECT_EQ((*store)->NextOffset().value(), log.next);
  ExpectAgreesWith(**store, log);
}

TEST_F(LineageStoreTest, ProofsVerifyAcrossTilesAndReopening) {
  Log log;
  std::vector<LineageEntry> entries;
  constexpr int kEntries = 66'000;  // beyond 256 tiles: three tile levels
  for (int i = 0; i < kEntries; ++i) {
    entries.push_back(lineage::GovernEntry("a", "o", "m", absl::StrCat(i), "", kNow));
    if (entries.size() == 1000) {
      log.Add(entries);
      entries.clear();
    }
  }
  auto store = Open();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  store->reset();
  store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_EQ((*store)->Size(), kEntries);
  std::vector<Digest> hashes;
  for (const std::string& leaf : log.leaves) hashes.push_back(merkle::HashLeaf(leaf));
  for (int i = 0; i < 40; ++i) {
    const int64_t to = 1 + static_cast<int64_t>(random_() % kEntries);
    const int64_t from = 1 + static_cast<int64_t>(random_()) % to;
    const auto root = [&](int64_t size) {
      return merkle::RootOf(absl::MakeConstSpan(hashes).subspan(0, static_cast<size_t>(size)));
    };
    EXPECT_EQ(*(*store)->RootAt(to), root(to));
    auto consistency = (*store)->ConsistencyProof(from, to);
    ASSERT_TRUE(consistency.ok()) << consistency.status();
    EXPECT_TRUE(merkle::VerifyConsistency(static_cast<uint64_t>(from), static_cast<uint64_t>(to),
                                          *consistency, root(from), root(to))
                    .ok());
    auto inclusion = (*store)->InclusionProof(from - 1, to);
    ASSERT_TRUE(inclusion.ok()) << inclusion.status();
    EXPECT_EQ(inclusion->leaf_hash, hashes[static_cast<size_t>(from - 1)]);
    EXPECT_TRUE(merkle::VerifyInclusion(static_cast<uint64_t>(from - 1), static_cast<uint64_t>(to),
                                        inclusion->leaf_hash, inclusion->path, root(to))
                    .ok());
  }
  EXPECT_EQ((*store)->InclusionProof(5, kEntries + 1).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*store)->ConsistencyProof(0, 5).status().code(), absl::StatusCode::kOutOfRange);
  auto leaves = (*store)->Leaves(130, kEntries, 1 << 20);
  ASSERT_TRUE(leaves.ok());
  ASSERT_FALSE(leaves->empty());
  for (size_t i = 0; i < leaves->size(); ++i) EXPECT_EQ((*leaves)[i], log.leaves[130 + i]);
}

TEST_F(LineageStoreTest, CheckpointsAreSignedKeptAndConsistent) {
  const Log log = RandomLog(120, random_);
  auto store = Open();
  ASSERT_TRUE(store.ok());
  std::vector<huiliu::v1::Checkpoint> given;
  for (const StoredBatch& batch : log.batches) {
    clock_.Advance(absl::Seconds(30));
    ASSERT_TRUE((*store)->Fold(absl::MakeConstSpan(&batch, 1)).ok());
    given.push_back(**(*store)->LatestCheckpoint());
    EXPECT_EQ(given.back().tree_size(), (*store)->Size());
    EXPECT_TRUE(lineage::Verify(given.back(), key_->public_key()).ok());
  }
  store->reset();
  store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->LatestCheckpoint()->value().note(), given.back().note());
  EXPECT_EQ((*store)->SignCheckpoint()->note(), given.back().note()) << "nothing new to sign";
  // Also those that were thinned out remain provable.
  for (size_t i = 1; i < given.size(); ++i) {
    auto proof = (*store)->ConsistencyProof(given[i - 1].tree_size(), given[i].tree_size());
    ASSERT_TRUE(proof.ok());
    EXPECT_TRUE(lineage::VerifyProgress(given[i - 1], given[i], merkle::ToStrings(*proof),
                                        key_->public_key())
                    .ok());
  }
  auto kept = (*store)->Checkpoints(0, 1000);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->back().note(), given.back().note());
  EXPECT_GE(kept->size(), 6u) << "an hour, one in ten minutes";
  EXPECT_LE(kept->size(), 9u);
}

TEST_F(LineageStoreTest, ExportOfAStoreVerifies) {
  const Log log = RandomLog(150, random_);
  auto store = Open();
  ASSERT_TRUE(store.ok());
  const auto nowhere = [](absl::string_view) { return absl::OkStatus(); };
  EXPECT_EQ(ExportLog(**store, 0, nowhere).code(), absl::StatusCode::kFailedPrecondition);
  for (const StoredBatch& batch : log.batches) {
    clock_.Advance(absl::Minutes(3));
    ASSERT_TRUE((*store)->Fold(absl::MakeConstSpan(&batch, 1)).ok());
  }
  const int64_t size = (*store)->LatestCheckpoint()->value().tree_size();
  for (const int64_t from : {int64_t{0}, size / 3}) {
    std::string file;
    ASSERT_TRUE(ExportLog(**store, from, [&](absl::string_view bytes) {
                  file.append(bytes.data(), bytes.size());
                  return absl::OkStatus();
                }).ok());
    absl::string_view rest = file;
    lineage::VerifyOptions options;
    options.public_key = key_->public_key();
    auto report = lineage::VerifyExport(
        [&](char* buffer, size_t n) -> absl::StatusOr<size_t> {
          n = std::min(n, rest.size());
          std::copy_n(rest.data(), n, buffer);
          rest.remove_prefix(n);
          return n;
        },
        options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->problems[0].what;
    EXPECT_EQ(report->entries, size - from);
    EXPECT_EQ(report->uncovered_entries, 0);
    EXPECT_GT(report->checkpoints, 10);
  }
  EXPECT_EQ(ExportLog(**store, size, nowhere).code(), absl::StatusCode::kOutOfRange);
}

// Readers hold a size while the writer goes on.
TEST_F(LineageStoreTest, ReadsAgreeWhileTheLogGrows) {
  const Log log = RandomLog(600, random_);
  auto store = Open();
  ASSERT_TRUE(store.ok());
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      for (uint32_t i = static_cast<uint32_t>(t); !done; i += 7) {
        const int64_t size = (*store)->Size();
        if (size == 0) continue;
        const int64_t index = i % size;
        auto inclusion = (*store)->InclusionProof(index, size);
        auto root = (*store)->RootAt(size);
        auto leaf = (*store)->Leaf(index);
        const bool right =
            inclusion.ok() && root.ok() && leaf.ok() &&
            *leaf == log.leaves[static_cast<size_t>(index)] &&
            merkle::VerifyInclusion(static_cast<uint64_t>(index), static_cast<uint64_t>(size),
                                    merkle::HashLeaf(*leaf), inclusion->path, *root)
                .ok();
        auto balance = (*store)->Balance("", "");
        if (!right || !balance.ok()) ++wrong;
      }
    });
  }
  for (const StoredBatch& batch : log.batches) {
    EXPECT_TRUE((*store)->Fold(absl::MakeConstSpan(&batch, 1)).ok());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

// Kafka's transactions have been seen to be repeated: both copies stand in the log and in the tree.
TEST_F(LineageStoreTest, AnEntryThatComesAgainCountsOnce) {
  huiliu::v1::Batch batch;
  batch.set_source("s");
  batch.set_epoch(1);
  batch.set_sequence(1);
  batch.set_dataset("d");
  auto* delta = batch.add_counts();
  delta->set_day("2026-11-01");
  delta->set_receiver("530100");
  delta->set_outcome(huiliu::v1::OUTCOME_RETURNED);
  delta->set_rows(90);
  const LineageEntry first = lineage::IntakeEntry(batch, "sys", "o", "530100", "a", {}, kNow);
  batch.set_sequence(2);
  const LineageEntry next = lineage::IntakeEntry(batch, "sys", "o", "530100", "a", {}, kNow);
  Log log;
  log.Add({first, first});
  log.Add({next});
  log.Add({first, next});
  const auto read = [](LineageStore& store) { return store.Balance("530100", "")->front().read(); };
  {
    auto store = Open();
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->Fold(log.batches).ok());
    EXPECT_EQ(read(**store), 180);
  }
  auto store = Open();  // also where the first was folded by a process of before
  log.batches.clear();
  log.Add({next, first});
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  EXPECT_EQ(read(**store), 180);
  EXPECT_EQ((*store)->Size(), 7);
}

TEST_F(LineageStoreTest, RedriveMovesRowsWithinTheirDay) {
  huiliu::v1::Batch batch;
  batch.set_source("s");
  batch.set_epoch(1);
  batch.set_sequence(1);
  batch.set_dataset("d");
  const auto add = [&](huiliu::v1::Outcome outcome, int64_t rows) {
    auto* delta = batch.add_counts();
    delta->set_day("2026-11-01");
    delta->set_receiver("530100");
    delta->set_outcome(outcome);
    delta->set_rows(rows);
  };
  add(huiliu::v1::OUTCOME_RETURNED, 90);
  add(huiliu::v1::OUTCOME_QUARANTINED, 10);
  Log log;
  log.Add({lineage::IntakeEntry(batch, "sys", "o", "530100", "a", {}, kNow)});
  batch.clear_counts();
  batch.set_sequence(2);
  batch.set_redrive(true);
  add(huiliu::v1::OUTCOME_QUARANTINED, -4);
  add(huiliu::v1::OUTCOME_RETURNED, 4);
  log.Add({lineage::IntakeEntry(batch, "sys", "o", "530100", "a", {}, kNow + absl::Hours(30))});
  auto store = Open();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  auto lines = (*store)->Balance("530100", "2026-11-01");
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 1u);
  EXPECT_EQ(lines->front().read(), 100);
  EXPECT_EQ(lines->front().returned(), 94);
  EXPECT_EQ(lines->front().quarantined(), 6);
  EXPECT_EQ(*(*store)->LastBatchTime("s"), kNow + absl::Hours(30));
  EXPECT_TRUE((*store)->Balance("530100", "2026-11-02")->empty());
  EXPECT_TRUE((*store)->Balance("53010", "")->empty());
}

TEST_F(LineageStoreTest, LeavesThatAreNoEntriesStandInTheTreeAndAreCounted) {
  Log log;
  log.Add({lineage::GovernEntry("a", "o", "m", "", "", kNow)});
  RecordBatchBuilder builder;
  builder.Add("", "", "\xFF\xFF not an entry");
  log.leaves.push_back("\xFF\xFF not an entry");
  StoredBatch batch;
  batch.first_offset = Offset(1);
  batch.next = Offset(2);
  batch.records = 1;
  batch.bytes = builder.Finish();
  log.batches.push_back(batch);
  auto store = Open();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  EXPECT_EQ((*store)->malformed(), 1);
  EXPECT_EQ((*store)->Root(), log.RootOfFirst(2));
  EXPECT_EQ((*store)->Entry(1).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LineageStoreTest, ADamagedBatchFoldsNothingOfTheCall) {
  Log log = RandomLog(10, random_);
  auto store = Open();
  ASSERT_TRUE(store.ok());
  Log damaged = log;
  damaged.batches[7].bytes.back() ^= 1;
  const absl::Status status = (*store)->Fold(damaged.batches);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*store)->Size(), 0);
  EXPECT_TRUE((*store)->Balance("", "")->empty());
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  ExpectAgreesWith(**store, log);
}

TEST_F(LineageStoreTest, ASecondOpenerIsRefused) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LineageStoreTest, TheCatalogsWriteOfARecordIsFoundByItsPlaceInTheLog) {
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  const auto apply = [](const std::string& topic, int64_t first, int64_t last) {
    return lineage::ApplyEntry("530100", "employment", 1, last - first + 1, {topic, 0, first, last},
                               kNow);
  };
  Log log;
  log.Add({apply("t", 0, 9), apply("t", 10, 19), apply("u", 0, 4)});
  log.Add({apply("t", 30, 39)});
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  const auto found = [&](const char* topic, int64_t offset, int32_t partition = 0) {
    const auto index = (*store)->FindApplied({topic, Partition(partition)}, Offset(offset));
    EXPECT_TRUE(index.ok()) << index.status();
    return index.ok() ? index->value_or(-1) : -2;
  };
  EXPECT_EQ(found("t", 0), 0);
  EXPECT_EQ(found("t", 9), 0);
  EXPECT_EQ(found("t", 10), 1);
  EXPECT_EQ(found("u", 4), 2);
  EXPECT_EQ(found("t", 39), 3);
  EXPECT_EQ(found("t", 25), -1) << "between two runs";
  EXPECT_EQ(found("t", 40), -1) << "not applied yet";
  EXPECT_EQ(found("u", 0, 1), -1);
  EXPECT_EQ(found("v", 0), -1);
}

TEST_F(LineageStoreTest, WhatLeftThroughAGrantIsKnownByGrantReceiverAndDataset) {
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  lineage::Reader reader = Bureau();
  reader.grant = "county";
  Log log;
  log.Add(lineage::ReadEntries(huiliu::v1::STEP_DELIVER, reader, {Key(1), Key(2)}, kNow));
  reader.grant = "city";
  log.Add(lineage::ReadEntries(huiliu::v1::STEP_READ, reader, {Key(3)}, kNow));
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  const auto left = [&](absl::string_view grant, int person, absl::string_view receiver = "530100",
                        absl::string_view dataset = "employment") {
    const auto found = (*store)->LeftThrough(grant, receiver, dataset, Key(person));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found;
  };
  EXPECT_TRUE(left("county", 1));
  EXPECT_TRUE(left("county", 2));
  EXPECT_FALSE(left("county", 3));
  EXPECT_TRUE(left("city", 3));
  EXPECT_FALSE(left("city", 1));
  EXPECT_FALSE(left("", 1));
  EXPECT_FALSE(left("county", 1, "530181"));
  EXPECT_FALSE(left("county", 1, "530100", "insurance_participation"));
  EXPECT_FALSE(left("county", 9));
}

}  // namespace
}  // namespace huiliu
