#include "broker/lineage/store/lineage_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "broker/lineage/export.h"
#include "core/merkle/merkle.h"

namespace huiliu {
namespace {

using huiliu::v1::LineageEntry;

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);
constexpr char kOrigin[] = "km.example/lineage/0";

LineageEntry Intake(uint64_t sequence, std::mt19937& random) {
  huiliu::v1::Batch batch;
  batch.set_source(absl::StrCat("source-", random() % 3));
  batch.set_epoch(1 + random() % 2);
  batch.set_sequence(sequence);
  batch.set_dataset("employment");
  for (int i = 0; i < 1 + static_cast<int>(random() % 4); ++i) {
    huiliu::v1::CountDelta* delta = batch.add_counts();
    delta->set_day(absl::StrCat("2026-11-0", 1 + random() % 3));
    delta->set_receiver(random() % 4 == 0 ? "530181" : "530100");
    delta->set_outcome(static_cast<huiliu::v1::Outcome>(1 + random() % 5));
    delta->set_rows(static_cast<int64_t>(random() % 1000));
    delta->set_conflicts(static_cast<int64_t>(random() % 3));
    if (delta->outcome() == huiliu::v1::OUTCOME_RETURNED) {
      delta->set_division(random() % 2 == 0 ? "530102" : "530103");
    }
  }
  return lineage::IntakeEntry(batch, "system-1", "org", "530100", "agent", {"t", 0, 0, 9},
                              kNow + absl::Seconds(static_cast<int64_t>(sequence)));
}

lineage::Reader Bureau(absl::string_view dataset = "employment") {
  lineage::Reader reader;
  reader.account = "reader";
  reader.organisation = "km-hrss";
  reader.receiver = "530100";
  reader.dataset = std::string(dataset);
  reader.purpose = "就业服务";
  return reader;
}

std::string Key(int person) {
  return lineage::KeyDigest("0123456789abcdef", "530100", "employment", absl::StrCat("p", person));
}

// Batches of entries as the topic holds them, and what they amount to.
struct Log {
  std::vector<StoredBatch> batches;
  std::vector<std::string> leaves;

  void Add(absl::Span<const LineageEntry> entries, int64_t gap = 0) {
    RecordBatchBuilder builder;
    for (const LineageEntry& entry : entries) {
      leaves.push_back(lineage::Encode(entry));
      builder.Add("", "", leaves.back());
    }
    StoredBatch batch;
    batch.from = {"lineage", Partition(0)};
    batch.first_offset = Offset(next + gap);
    batch.records = static_cast<int32_t>(entries.size());
    next += gap + batch.records;
    batch.next = Offset(next);
    batch.bytes = builder.Finish();
    batches.push_back(std::move(batch));
  }
  Digest RootOfFirst(size_t n) const {
    return merkle::RecordsRoot(absl::MakeConstSpan(leaves).subspan(0, n));
  }
  int64_t next = 0;
};

Log RandomLog(int batches, std::mt19937& random) {
  Log log;
  uint64_t sequence = 0;
  for (int b = 0; b < batches; ++b) {
    std::vector<LineageEntry> entries;
    for (int i = 0; i < 1 + static_cast<int>(random() % 7); ++i) {
      switch (random() % 4) {
        case 0:
          entries.push_back(Intake(++sequence, random));
          break;
        case 1:
          entries.push_back(lineage::RefusedEntry(Bureau(), "no_grant", kNow));
          break;
        default: {
          std::vector<std::string> keys;
          for (int k = 0; k < static_cast<int>(random() % 4); ++k) {
            keys.push_back(Key(static_cast<int>(random() % 20)));
          }
          entries.push_back(
              lineage::ReadEntries(huiliu::v1::STEP_READ, Bureau(), keys, kNow).front());
        }
      }
    }
    log.Add(entries, static_cast<int64_t>(random() % 5 == 0));
  }
  return log;
}

// The balance, counted anew from the first `n` leaves.
struct Sums {
  int64_t read = 0, returned = 0, conflicts = 0;
  friend bool operator==(const Sums&, const Sums&) = default;
};
std::map<std::string, Sums> Recount(const Log& log, size_t n) {
  std::map<std::string, Sums> lines;
  for (size_t i = 0; i < n; ++i) {
    LineageEntry entry;
    EXPECT_TRUE(entry.ParseFromString(log.leaves[i]));
    for (const auto& delta : entry.counts()) {
      Sums& sums = lines[absl::StrCat(delta.receiver(), " ", delta.day(), " ", entry.source())];
      sums.read += delta.rows();
      if (delta.outcome() == huiliu::v1::OUTCOME_RETURNED) sums.returned += delta.rows();
      sums.conflicts += delta.conflicts();
    }
  }
  return lines;
}

// Counts, indexes and tree must speak of the very same entries.
void ExpectAgreesWith(const LineageStore& store, const Log& log) {
  const size_t size = static_cast<size_t>(store.Size());
  ASSERT_LE(size, log.leaves.size());
  EXPECT_EQ(store.Root(), log.RootOfFirst(size));
  auto balance = store.Balance("", "");
  ASSERT_TRUE(balance.ok()) << balance.status();
  std::map<std::string, Sums> lines;
  for (const auto& line : *balance) {
    EXPECT_EQ(line.read(), line.returned() + line.outside_area() + line.withheld() +
                               line.quarantined() + line.pending());
    int64_t counties = 0;
    for (const auto& [county, rows] : line.by_county()) counties += rows;
    EXPECT_EQ(counties, line.returned());
    lines[absl::StrCat(line.receiver(), " ", line.day(), " ", line.source())] = {
        line.read(), line.returned(), line.conflicts()};
  }
  EXPECT_EQ(lines, Recount(log, size));
  int64_t refused = 0, last_refused = -1;
  std::map<std::string, std::vector<int64_t>> reads;
  for (size_t i = 0; i < size; ++i) {
    LineageEntry entry;
    ASSERT_TRUE(entry.ParseFromString(log.leaves[i]));
    if (entry.step() == huiliu::v1::STEP_REFUSED) {
      ++refused;
      last_refused = static_cast<int64_t>(i);
    }
    for (const auto& digest : entry.key_digests()) {
      auto& list = reads[digest];
      if (list.empty() || list.back() != static_cast<int64_t>(i)) {
        list.push_back(static_cast<int64_t>(i));
      }
    }
    if (entry.sequence() > 0) {
      auto found = store.FindBatch(entry.source(), entry.epoch(), entry.sequence());
      ASSERT_TRUE(found.ok());
      ASSERT_EQ(found->size(), 1u);
      EXPECT_EQ(found->front().index, static_cast<int64_t>(i));
      EXPECT_EQ(found->front().step, huiliu::v1::STEP_INTAKE);
    }
    auto leaf = store.Leaf(static_cast<int64_t>(i));
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(*leaf, log.leaves[i]);
  }
  EXPECT_EQ(store.RefusedReads("").count, refused);
  EXPECT_EQ(store.RefusedReads("530100").last_index, last_refused);
  EXPECT_EQ(store.RefusedReads("530181").count, 0);
  for (auto& [digest, list] : reads) {
    auto found = store.FindReads("530100", "employment", digest, 1 << 20);
    ASSERT_TRUE(found.ok()) << found.status();
    std::reverse(list.begin(), list.end());
    EXPECT_EQ(*found, list);
    EXPECT_TRUE(store.FindReads("530181", "employment", digest, 10)->empty());
  }
}

class LineageStoreTest : public ::testing::Test {
 protected:
  LineageStoreTest()
      : path_(absl::StrCat(testing::TempDir(), "/lineage-", getpid(), "-",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(path_);
  }
  ~LineageStoreTest() override { std::filesystem::remove_all(path_); }

  absl::StatusOr<std::unique_ptr<LineageStore>> Open() {
    LineageStoreOptions options;
    options.path = path_;
    options.origin = kOrigin;
    return LineageStore::Open(options, *key_, clock_);
  }

  const std::string path_;
  std::unique_ptr<SigningKey> key_ = *SigningKey::Generate();
  ManualClock clock_{kNow};
  const uint32_t seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, absl::StrCat("seed ", seed_)};
};

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
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  auto checkpoint = (*store)->SignCheckpoint();
  ASSERT_TRUE(checkpoint.ok());
  for (const int64_t from : {int64_t{0}, checkpoint->tree_size() / 3}) {
    std::string file;
    lineage::ExportWriter writer([&](absl::string_view bytes) {
      file.append(bytes.data(), bytes.size());
      return absl::OkStatus();
    });
    ASSERT_TRUE(writer.Begin(kOrigin, from, *(*store)->Peaks(from)).ok());
    for (int64_t at = from; at < checkpoint->tree_size();) {
      auto leaves = (*store)->Leaves(at, checkpoint->tree_size(), 4096);
      ASSERT_TRUE(leaves.ok());
      for (const std::string& leaf : *leaves) ASSERT_TRUE(writer.Entry(leaf).ok());
      at += static_cast<int64_t>(leaves->size());
    }
    ASSERT_TRUE(writer.Checkpoint(*checkpoint).ok());
    ASSERT_TRUE(writer.Finish().ok());
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
    EXPECT_EQ(report->entries, checkpoint->tree_size() - from);
  }
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

// A child folds and dies by SIGKILL at some moment; whatever is there then must agree with itself.
TEST_F(LineageStoreTest, KilledAtAnyMomentCountsAndTreeAgree) {
  const Log log = RandomLog(3000, random_);
  for (int round = 0; round < 8; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = Open();
      if (!store.ok()) _exit(2);
      const int64_t from = (*store)->NextOffset().value();
      size_t at = 0;
      while (at < log.batches.size() && log.batches[at].next.value() <= from) ++at;
      for (; at < log.batches.size(); at += 3) {
        const size_t n = std::min<size_t>(3, log.batches.size() - at);
        if (!(*store)->Fold(absl::MakeConstSpan(log.batches).subspan(at, n)).ok()) _exit(3);
        if (at % 30 == 0) clock_.Advance(absl::Seconds(2));
      }
      pause();
    }
    usleep(5'000 + random_() % 60'000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ExpectAgreesWith(**store, log);
    const auto latest = *(*store)->LatestCheckpoint();
    if (latest.has_value()) {
      EXPECT_LE(latest->tree_size(), (*store)->Size());
    }
  }
  auto store = Open();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  EXPECT_EQ((*store)->Size(), static_cast<int64_t>(log.leaves.size()));
  ExpectAgreesWith(**store, log);
}

}  // namespace
}  // namespace huiliu
