// What is RocksCatalog's own: kills, full disks, formats.
#include "broker/catalog/rocksdb/rocks_catalog.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/conformance/catalog_suite.h"
#include "tests/fakes/fault_file_system.h"

namespace huiliu {
namespace {

namespace fs = std::filesystem;
using Person = PeopleLog::Person;

class RocksCatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = absl::StrCat(testing::TempDir(), "/rocks-catalog-", getpid());
    fs::remove_all(path_);
  }
  void TearDown() override { fs::remove_all(path_); }

  std::unique_ptr<RocksCatalog> Open(size_t delta_rows, rocksdb::Env* env = nullptr) {
    RocksCatalogOptions options;
    options.path = path_;
    options.receiver = "530100";
    options.block_cache_bytes = 8 << 20;
    options.delta_rows = delta_rows;
    options.env = env;
    options.overlap = [this](const OverlappingRows& found) {
      overlaps_[absl::StrCat(found.source, " over ", found.other)] += found.rows;
    };
    auto catalog = RocksCatalog::Open(options);
    EXPECT_TRUE(catalog.ok()) << catalog.status();
    EXPECT_EQ((*catalog)->EnsureDataset(PeopleContract("people")), absl::OkStatus());
    return *std::move(catalog);
  }

  // The log of a test: the same batches for the same seed, in parent and child.
  static std::vector<StoredBatch> MakeLog(unsigned seed, int batches, PeopleLog* log,
                                          std::vector<std::map<std::string, Person>>* states) {
    std::mt19937 random(seed);
    std::vector<StoredBatch> out;
    std::map<std::string, Person> model;
    for (int b = 0; b < batches; ++b) {
      std::vector<Person> people;
      for (int i = 0; i < 50; ++i) {
        Person person{absl::StrCat(random() % 3000), absl::StrCat(b), absl::StrCat(530100 + b % 7),
                      b + 1, random() % 5 == 0};
        if (person.gone) {
          model.erase(person.id);
        } else {
          model[person.id] = person;
        }
        people.push_back(std::move(person));
      }
      out.push_back(log->Batch(people));
      if (states != nullptr) states->push_back(model);
    }
    return out;
  }

  using Overlaps = std::map<std::string, int64_t>;
  Overlaps overlaps_;
  std::string path_;
};

// A child applies until it is killed. What is there afterwards is exactly the state at the applied
// offset; replayed from there, the end state is the model's.
TEST_F(RocksCatalogTest, AfterSigkillRowsAndOffsetsAgree) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  constexpr int kBatches = 400;
  PeopleLog log("people");
  std::vector<std::map<std::string, Person>> states;
  const std::vector<StoredBatch> batches = MakeLog(seed, kBatches, &log, &states);
  std::mt19937 random(seed);
  int kept_some = 0;
  // A slow machine gets the rounds that it takes until something was kept.
  bool last = false;
  for (int round = 0; !last; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      auto catalog = Open(500);
      for (int b = 0;; b = (b + 1) % kBatches) {
        if (!catalog->Apply(log.dataset(), {batches[static_cast<size_t>(b)]}).ok()) _exit(1);
        absl::SleepFor(absl::Microseconds(200));
      }
    }
    absl::SleepFor(absl::Milliseconds((30 + random() % 120) * (1 + round / 6)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    auto catalog = Open(500);
    const int64_t applied = catalog->AppliedOffset(log.dataset(), log.from())->value();
    ASSERT_EQ(applied % 50, 0);
    kept_some += applied > 0 ? 1 : 0;
    last = (round >= 5 && kept_some > 0) || round >= 40;
    const auto check = [&](const std::map<std::string, Person>& model) {
      std::map<std::string, std::string> names;
      std::set<std::string> in_county;
      for (const auto& [id, person] : model) {
        names[PeopleLog::Key(id)] = person.name;
        if (person.county == "530103") in_county.insert(id);
      }
      const auto snapshot = *catalog->Snapshot();
      ASSERT_EQ(ScanNames(*snapshot, log.dataset()), names);
      IndexCondition condition;
      condition.field = 2;
      condition.equals = {"530103"};
      const auto ids = ScanIds(*snapshot, log.dataset(), condition);
      ASSERT_EQ(std::set<std::string>(ids.begin(), ids.end()), in_county);
      ASSERT_EQ(*catalog->Rows(log.dataset()), static_cast<int64_t>(model.size()));
    };
    check(applied == 0 ? std::map<std::string, Person>()
                       : states[static_cast<size_t>(applied / 50 - 1)]);
    if (!last) {
      // The next child goes on from here; the kill comes without a clean close.
      catalog.reset();
      continue;
    }
    for (size_t b = static_cast<size_t>(applied / 50); b < batches.size(); ++b)
      ASSERT_EQ(catalog->Apply(log.dataset(), {batches[b]}), absl::OkStatus());
    check(states.back());
  }
  EXPECT_GT(kept_some, 0);
}

TEST_F(RocksCatalogTest, AFullDiskStopsApplyingNotReading) {
  auto disk = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  auto catalog = Open(100, env.get());
  PeopleLog log("people");
  std::vector<std::map<std::string, Person>> states;
  const std::vector<StoredBatch> batches = MakeLog(7, 30, &log, &states);
  disk->space_left = 0;
  absl::Status status;
  size_t applied = 0;
  while (applied < batches.size()) {
    status = catalog->Apply(log.dataset(), {batches[applied]});
    if (!status.ok()) break;
    ++applied;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  ASSERT_GT(applied, 0U);
  EXPECT_EQ(ScanNames(**catalog->Snapshot(), log.dataset()).size(), states[applied - 1].size());
  EXPECT_EQ(catalog->Flush({}).code(), absl::StatusCode::kResourceExhausted);
  disk->space_left = -1;
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (applied < batches.size() && absl::Now() < deadline) {
    if (catalog->Apply(log.dataset(), {batches[applied]}).ok()) {
      ++applied;
    } else {
      absl::SleepFor(absl::Milliseconds(50));
    }
  }
  ASSERT_EQ(applied, batches.size());
  ASSERT_EQ(catalog->Flush({}), absl::OkStatus());
  EXPECT_EQ(ScanNames(**catalog->Snapshot(), log.dataset()).size(), states.back().size());
  EXPECT_EQ(*catalog->Rows(log.dataset()), static_cast<int64_t>(states.back().size()));
  catalog.reset();
}

TEST_F(RocksCatalogTest, NothingFlushedIsLostToPowerLoss) {
  auto disk = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  PeopleLog log("people");
  std::vector<std::map<std::string, Person>> states;
  const std::vector<StoredBatch> batches = MakeLog(9, 30, &log, &states);
  {
    auto catalog = Open(100'000, env.get());
    for (size_t b = 0; b < 20; ++b)
      ASSERT_EQ(catalog->Apply(log.dataset(), {batches[b]}), absl::OkStatus());
    ASSERT_EQ(catalog->Flush({}), absl::OkStatus());
    disk->fail_syncs = true;
    for (size_t b = 20; b < 30; ++b)
      ASSERT_EQ(catalog->Apply(log.dataset(), {batches[b]}), absl::OkStatus());
  }
  disk->fail_syncs = false;
  disk->LosePower();
  auto catalog = Open(100'000);
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(20 * 50));
  EXPECT_EQ(ScanNames(**catalog->Snapshot(), log.dataset()).size(), states[19].size());
}

// A folder written before the division had an index gets it when its dataset is opened.
TEST_F(RocksCatalogTest, AFolderWithoutTheDivisionsIndexGetsIt) {
  PeopleLog log("people");
  {
    auto catalog = Open(500);
    ASSERT_EQ(catalog->Apply(log.dataset(),
                             {log.Batch({{"a", "", "530102", 1}, {"b", "", "530103", 2}})}),
              absl::OkStatus());
  }
  {
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(rocksdb::DBOptions(), path_,
                          {{rocksdb::kDefaultColumnFamilyName, {}}, {"index", {}}, {"rows", {}}},
                          &families, &raw)
            .ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    const std::string people("people\0", 7);
    ASSERT_TRUE(db->DeleteRange({}, families[1], people + std::string(4, '\0'),
                                people + std::string("\0\0\0\1", 4))
                    .ok());
    std::string fields;
    ASSERT_TRUE(db->Get({}, families[0], "indexes/people", &fields).ok());
    ASSERT_EQ(fields.substr(0, 9), "fields 0,");
    ASSERT_TRUE(db->Put({}, families[0], "indexes/people", "fields " + fields.substr(9)).ok());
    for (auto* family : families) ASSERT_TRUE(db->DestroyColumnFamilyHandle(family).ok());
  }
  auto catalog = Open(500);
  IndexCondition condition;
  condition.field = IndexCondition::kDivision;
  condition.equals = {"530103"};
  EXPECT_EQ(ScanIds(**catalog->Snapshot(), log.dataset(), condition),
            (std::vector<std::string>{"b"}));
}

// Of two agents nobody else can see it: they know nothing of each other's decisions.
TEST_F(RocksCatalogTest, RowsOfOneSourceThatAnotherReplacesOrRemovesAreTold) {
  PeopleLog log("people");
  const auto by = [](const std::string& id, const std::string& source, bool gone = false) {
    return Person{.id = id, .name = source, .county = "530102", .gone = gone, .source = source};
  };
  auto catalog = Open(1000);
  const auto apply = [&](const std::vector<Person>& people) {
    ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch(people)}), absl::OkStatus());
  };
  apply({by("1", "a"), by("2", "a"), by("3", "a"), by("4", "a")});
  apply({by("1", "a"), by("2", "a", true), by("9", "a", true)});
  EXPECT_TRUE(overlaps_.empty()) << "its own rows are nobody else's";
  apply({by("2", "b"), by("3", "b"), by("4", "b", true), by("5", "b"), by("9", "b", true)});
  EXPECT_EQ(overlaps_, (Overlaps{{"b over a", 2}})) << "not what was gone before";
  apply({by("6", "b"), by("3", "a"), by("6", "a"), by("3", "b")});
  EXPECT_EQ(overlaps_, (Overlaps{{"b over a", 3}, {"a over b", 1}}))
      << "within one Apply, too; there only its last version is put beside what was before";
  ASSERT_EQ(catalog->Flush({}), absl::OkStatus());
  EXPECT_EQ(overlaps_, (Overlaps{{"b over a", 3}, {"a over b", 1}})) << "and each only once";
  // What was flushed is looked at when what came upon it is: once a row, however often it came.
  apply({by("1", "b"), by("1", "b"), by("5", "a", true), by("6", "a")});
  EXPECT_EQ(overlaps_.at("b over a"), 3);
  ASSERT_EQ(catalog->Flush({}), absl::OkStatus());
  EXPECT_EQ(overlaps_, (Overlaps{{"b over a", 4}, {"a over b", 2}}));
  // A new process over the same folder applies what it has again.
  catalog.reset();
  catalog = Open(1000);
  apply({by("1", "a")});
  ASSERT_EQ(catalog->Flush({}), absl::OkStatus());
  EXPECT_EQ(overlaps_, (Overlaps{{"b over a", 4}, {"a over b", 3}}));
}

TEST_F(RocksCatalogTest, AFolderHasOneHolder) {
  auto catalog = Open(100);
  RocksCatalogOptions options;
  options.path = path_;
  EXPECT_EQ(RocksCatalog::Open(options).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace huiliu
