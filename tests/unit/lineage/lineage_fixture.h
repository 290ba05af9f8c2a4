// Random lineage logs, what they amount to by plain recounting, and a store in a folder of its own.
#ifndef HUILIU_TESTS_UNIT_LINEAGE_LINEAGE_FIXTURE_H_
#define HUILIU_TESTS_UNIT_LINEAGE_LINEAGE_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "broker/lineage/entry.h"
#include "broker/lineage/store/lineage_store.h"
#include "core/merkle/merkle.h"
#include "core/model/record_batch.h"

namespace huiliu {

using huiliu::v1::LineageEntry;

inline const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);
inline constexpr char kOrigin[] = "km.example/lineage/0";

inline LineageEntry Intake(uint64_t sequence, std::mt19937& random) {
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

inline lineage::Reader Bureau(absl::string_view dataset = "employment") {
  lineage::Reader reader;
  reader.account = "reader";
  reader.organisation = "km-hrss";
  reader.receiver = "530100";
  reader.dataset = std::string(dataset);
  reader.purpose = "就业服务";
  return reader;
}

inline std::string Key(int person) {
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

inline Log RandomLog(int batches, std::mt19937& random) {
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
inline std::map<std::string, Sums> Recount(const Log& log, size_t n) {
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
inline void ExpectAgreesWith(const LineageStore& store, const Log& log) {
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
  constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();
  for (auto& [digest, list] : reads) {
    auto found = store.FindReads("530100", "employment", digest, 1 << 20, kNewest);
    ASSERT_TRUE(found.ok()) << found.status();
    std::reverse(list.begin(), list.end());
    EXPECT_EQ(*found, list);
    for (size_t at = 0; at < list.size(); ++at) {
      const auto next = store.FindReads("530100", "employment", digest, 1, list[at]);
      ASSERT_TRUE(next.ok()) << next.status();
      EXPECT_EQ(*next,
                at + 1 < list.size() ? std::vector<int64_t>{list[at + 1]} : std::vector<int64_t>());
    }
    EXPECT_TRUE(store.FindReads("530181", "employment", digest, 10, kNewest)->empty());
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

}  // namespace huiliu

#endif  // HUILIU_TESTS_UNIT_LINEAGE_LINEAGE_FIXTURE_H_
