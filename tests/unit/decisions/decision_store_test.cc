// One suite over every implementation of DecisionStore.
#include "storage/decisions/decision_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu {
namespace {

using Map = std::map<std::string, std::string>;

class Store {
 public:
  explicit Store(bool rocks) : rocks_(rocks) {
    if (!rocks) {
      store = NewMemoryDecisionStore();
      return;
    }
    path = absl::StrCat(testing::TempDir(), "/decisions-", ::getpid(), "-", ++counter);
    std::filesystem::remove_all(path);
    Reopen();
  }
  ~Store() {
    store.reset();
    if (rocks_) std::filesystem::remove_all(path);
  }
  // Small tables, so that every test writes files.
  void Reopen(RocksDbDecisionStoreOptions options = {
                  .table_bytes = 2048, .filter_bytes = 1024, .sync = false}) {
    if (!rocks_) return;
    store.reset();
    auto opened = RocksDbDecisionStore::Open(path, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store = std::move(*opened);
  }
  std::optional<std::string> Get(absl::string_view key) {
    auto values = store->GetMany({key});
    EXPECT_TRUE(values.ok()) << values.status();
    return values.ok() ? (*values)[0] : std::nullopt;
  }
  Map All() {
    Map all;
    const absl::Status status = store->ForEach([&](absl::string_view key, absl::string_view value) {
      EXPECT_TRUE(all.emplace(std::string(key), std::string(value)).second) << "twice: " << key;
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return all;
  }

  std::unique_ptr<DecisionStore> store;
  std::string path;

 private:
  static inline int counter = 0;
  const bool rocks_;
};

class DecisionStoreTest : public testing::TestWithParam<bool> {
 protected:
  Store s_{GetParam()};
  DecisionStore& store() { return *s_.store; }
};

TEST_P(DecisionStoreTest, StagedChangesAnswerBeforeTheyAreCommitted) {
  ASSERT_TRUE(store().Recover(0).ok());
  ASSERT_TRUE(store().Stage(1, {{"a", "1"}, {"b", "1"}}).ok());
  ASSERT_TRUE(store().Stage(2, {{"a", "2"}, {"b", ""}}).ok());
  EXPECT_EQ(s_.Get("a"), "2");
  EXPECT_EQ(s_.Get("b"), std::nullopt);
  EXPECT_EQ(store().committed_sequence(), 0u);
  EXPECT_THAT(s_.All(), testing::IsEmpty());
  ASSERT_TRUE(store().Commit(1).ok());
  EXPECT_THAT(s_.All(), testing::ElementsAre(testing::Pair("a", "1"), testing::Pair("b", "1")));
  ASSERT_TRUE(store().Commit(2).ok());
  EXPECT_THAT(s_.All(), testing::ElementsAre(testing::Pair("a", "2")));
}

TEST_P(DecisionStoreTest, TheLastOfSeveralChangesOfAKeyInABatchHolds) {
  ASSERT_TRUE(store().Recover(0).ok());
  ASSERT_TRUE(store().Stage(1, {{"a", "1"}, {"a", ""}, {"a", "3"}}).ok());
  EXPECT_EQ(s_.Get("a"), "3");
  ASSERT_TRUE(store().Commit(1).ok());
  EXPECT_EQ(s_.Get("a"), "3");
}

TEST_P(DecisionStoreTest, SequencesGrowByOne) {
  ASSERT_TRUE(store().Recover(0).ok());
  EXPECT_EQ(store().Stage(2, {{"a", "1"}}).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store().Stage(1, {}).ok());
  EXPECT_EQ(store().Stage(1, {{"a", "1"}}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store().Commit(2).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store().Commit(1).ok());
  EXPECT_EQ(store().Commit(1).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(DecisionStoreTest, OneCommitMayTakeOverSeveralBatches) {
  ASSERT_TRUE(store().Recover(0).ok());
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(store().Stage(i, {{absl::StrCat("k", i), "v"}}).ok());
  ASSERT_TRUE(store().Commit(4).ok());
  EXPECT_EQ(s_.All().size(), 4u);
}

TEST_P(DecisionStoreTest, RecoverBehindOrAheadOfWhatIsKnownIsRefused) {
  EXPECT_EQ(store().Recover(7).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store().Recover(0).ok());
  ASSERT_TRUE(store().Stage(1, {{"a", "1"}}).ok());
  ASSERT_TRUE(store().Commit(1).ok());
  EXPECT_EQ(store().Recover(0).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(DecisionStoreTest, RecoverAppliesWhatTheNodeTookOverAndDropsTheRest) {
  ASSERT_TRUE(store().Recover(0).ok());
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(store().Stage(i, {{"a", absl::StrCat(i)}}).ok());
  ASSERT_TRUE(store().Commit(1).ok());
  s_.Reopen();
  ASSERT_TRUE(store().Recover(3).ok());
  EXPECT_EQ(s_.Get("a"), "3");
  EXPECT_EQ(store().committed_sequence(), 3u);
  ASSERT_TRUE(store().Stage(4, {{"a", "four"}}).ok());
  s_.Reopen();
  ASSERT_TRUE(store().Recover(4).ok());
  EXPECT_EQ(s_.Get("a"), "four");
}

TEST_P(DecisionStoreTest, RebuildReplacesEverything) {
  ASSERT_TRUE(store().Recover(0).ok());
  ASSERT_TRUE(store().Stage(1, {{"old", "1"}}).ok());
  ASSERT_TRUE(store().Commit(1).ok());
  int left = 50;
  ASSERT_TRUE(store()
                  .Rebuild(9,
                           [&]() -> absl::StatusOr<std::vector<DecisionUpdate>> {
                             std::vector<DecisionUpdate> updates;
                             if (left == 0) return updates;
                             for (int i = 0; i < 20; ++i)
                               updates.push_back({absl::StrCat(left, "/", i), "v"});
                             --left;
                             return updates;
                           })
                  .ok());
  EXPECT_EQ(store().committed_sequence(), 9u);
  EXPECT_EQ(s_.Get("old"), std::nullopt);
  EXPECT_EQ(s_.Get("17/3"), "v");
  EXPECT_EQ(s_.All().size(), 1000u);
  ASSERT_TRUE(store().Stage(10, {{"new", "1"}}).ok());
  s_.Reopen();
  ASSERT_TRUE(store().Recover(10).ok());
  EXPECT_EQ(s_.All().size(), 1001u);
}

// Random commits, re-openings and lost batches beside a plain map.
TEST_P(DecisionStoreTest, AgreesWithAMapOverRandomHistories) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  ASSERT_TRUE(store().Recover(0).ok());
  Map truth;
  std::vector<Map> pending;  // staged, oldest first
  uint64_t committed = 0;
  const auto apply = [](const Map& batch, Map* to) {
    for (const auto& [key, value] : batch) {
      if (value.empty()) {
        to->erase(key);
      } else {
        (*to)[key] = value;
      }
    }
  };
  for (int step = 0; step < 2000; ++step) {
    const int kind = random() % 100;
    if (kind < 50) {
      Map batch;
      std::vector<DecisionUpdate> updates;
      for (int i = random() % 10; i >= 0; --i) {
        const std::string key = absl::StrCat("key", random() % 300);
        if (batch.emplace(key, random() % 5 == 0 ? "" : absl::StrCat("value-", random())).second) {
          updates.push_back({key, batch[key]});
        }
      }
      pending.push_back(batch);
      ASSERT_TRUE(store().Stage(committed + pending.size(), updates).ok());
    } else if (kind < 97 && !pending.empty()) {
      const size_t n = 1 + random() % pending.size();
      ASSERT_TRUE(store().Commit(committed + n).ok());
      for (size_t i = 0; i < n; ++i) apply(pending[i], &truth);
      pending.erase(pending.begin(), pending.begin() + n);
      committed += n;
    } else if (kind >= 97) {
      s_.Reopen();
      const size_t n = random() % (pending.size() + 1);
      ASSERT_TRUE(store().Recover(committed + n).ok());
      for (size_t i = 0; i < n; ++i) apply(pending[i], &truth);
      pending.clear();
      committed += n;
    }
    Map now = truth;
    for (const Map& batch : pending) apply(batch, &now);
    std::vector<std::string> keys;
    for (int i = 0; i < 20; ++i) keys.push_back(absl::StrCat("key", random() % 320));
    const std::vector<absl::string_view> views(keys.begin(), keys.end());
    const auto values = store().GetMany(views);
    ASSERT_TRUE(values.ok()) << values.status();
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto found = now.find(keys[i]);
      ASSERT_EQ((*values)[i], found == now.end() ? std::nullopt : std::optional(found->second))
          << keys[i];
    }
    if (step % 200 == 0) {
      ASSERT_EQ(s_.All(), truth);
    }
  }
  EXPECT_EQ(s_.All(), truth);
}

INSTANTIATE_TEST_SUITE_P(Implementations, DecisionStoreTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "RocksDb" : "Memory"; });

TEST(RocksDbDecisionStoreTest, ASecondProcessIsRefused) {
  Store s(true);
  EXPECT_EQ(RocksDbDecisionStore::Open(s.path).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(RocksDbDecisionStoreTest, ARebuildThatDidNotEndIsNoTruth) {
  Store s(true);
  ASSERT_TRUE(s.store->Recover(0).ok());
  int left = 3;
  EXPECT_FALSE(s.store
                   ->Rebuild(5,
                             [&]() -> absl::StatusOr<std::vector<DecisionUpdate>> {
                               if (--left == 0) return absl::UnavailableError("node is gone");
                               return std::vector<DecisionUpdate>{{"a", std::string(4000, 'x')}};
                             })
                   .ok());
  s.Reopen();
  EXPECT_EQ(s.store->Recover(0).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(s.store->Recover(5).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RocksDbDecisionStoreTest, TooManyStagedBatchesAreRefusedUntilTheNodeAnswers) {
  Store s(true);
  s.Reopen({.staged_bytes = 4096, .sync = false});
  ASSERT_TRUE(s.store->Recover(0).ok());
  ASSERT_TRUE(s.store->Stage(1, {{"a", std::string(3000, 'x')}}).ok());
  EXPECT_EQ(s.store->Stage(2, {{"b", std::string(3000, 'x')}}).code(),
            absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(s.store->Commit(1).ok());
  EXPECT_TRUE(s.store->Stage(2, {{"b", std::string(3000, 'x')}}).ok());
}

}  // namespace
}  // namespace huiliu
