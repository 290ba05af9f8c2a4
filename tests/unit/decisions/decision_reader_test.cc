#include "storage/decisions/decision_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu {
namespace {

using Map = std::map<std::string, std::string>;

class DecisionReaderTest : public testing::Test {
 protected:
  DecisionReaderTest()
      : folder_(absl::StrCat(testing::TempDir(), "/decision-reader-", ::getpid())) {
    std::filesystem::remove_all(folder_);
  }
  ~DecisionReaderTest() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/store"; }
  Map Read() {
    Map all;
    const absl::Status read = ReadDecisions(
        path(), folder_ + "/scratch", [&](absl::string_view key, absl::string_view value) {
          EXPECT_TRUE(all.emplace(std::string(key), std::string(value)).second) << key;
          return absl::OkStatus();
        });
    EXPECT_TRUE(read.ok()) << read;
    return all;
  }

  void ExpectRead(const Map& expected) {
    const Map read = Read();
    EXPECT_EQ(read.size(), expected.size());
    for (const auto& [key, value] : expected) {
      const auto found = read.find(key);
      EXPECT_EQ(found == read.end() ? "not there" : found->second, value) << key;
    }
  }

  const std::string folder_;
};

TEST_F(DecisionReaderTest, ReadsBesideTheOwnerWhatIsWrittenAndWhatIsStaged) {
  // Small tables: part of it comes to files while the test goes on.
  auto owner = RocksDbDecisionStore::Open(path(), {.table_bytes = 4096, .sync = false});
  ASSERT_TRUE(owner.ok()) << owner.status();
  ASSERT_TRUE((*owner)->Recover(0).ok());
  Map expected;
  for (uint64_t n = 1; n <= 60; ++n) {
    std::vector<DecisionUpdate> updates;
    for (uint64_t i = 0; i < 20; ++i) {
      const std::string key = absl::StrCat("key", (n * 7 + i) % 300);
      const std::string value = (n + i) % 9 == 0 ? "" : absl::StrCat("value", n, ".", i);
      updates.push_back({key, value});
      expected.erase(key);
      if (!value.empty()) expected[key] = value;
    }
    ASSERT_TRUE((*owner)->Stage(n, std::move(updates)).ok());
    if (n < 59) {
      ASSERT_TRUE((*owner)->Commit(n).ok());
    }
    if (n % 15 == 0) {
      ExpectRead(expected);
    }
  }
  owner->reset();
  ExpectRead(expected);
}

TEST_F(DecisionReaderTest, SaysThatThereIsNone) {
  EXPECT_EQ(ReadDecisions(path(), folder_ + "/scratch",
                          [](absl::string_view, absl::string_view) { return absl::OkStatus(); })
                .code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path())) << "and makes none";
}

}  // namespace
}  // namespace huiliu
