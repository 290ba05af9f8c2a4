#include "adapters/agent/unmapped_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/mapping/rows.h"

namespace huiliu::agent {
namespace {

using huiliu::v1::OUTCOME_QUARANTINED;
using huiliu::v1::OUTCOME_RETURNED;

class UnmappedRowsTest : public testing::Test {
 protected:
  UnmappedRowsTest() : rows_({"id"}, {{"1"}}) { Row("f:2", "raw"); }
  void Row(const char* id, const std::string& raw) {
    raw_ = raw;
    rows_.row(0).row_id = mapping::Bytes(id);
    rows_.row(0).raw = mapping::Bytes(raw_);
  }
  const huiliu_row& row() { return rows_.row(0); }
  void Load(UnmappedRows& unmapped, bool bad = true) {
    std::vector<mapping::MappedRow> mapped(1);
    if (bad) mapped[0].error_code = "key.missing";
    const absl::Status status = unmapped.Load(rows_.view(), mapped);
    ASSERT_TRUE(status.ok()) << status;
  }
  // The node takes the batch over.
  void Store(UnmappedRows& unmapped) {
    ASSERT_TRUE(store_->Stage(++sequence_, unmapped.TakeUpdates()).ok());
    ASSERT_TRUE(store_->Commit(sequence_).ok());
  }
  void Remember(const std::string& raw) {
    Row("f:2", raw);
    UnmappedRows unmapped(*store_);
    Load(unmapped);
    unmapped.Add(row(), 20454, false);
    Store(unmapped);
  }

  std::unique_ptr<DecisionStore> store_ = NewMemoryDecisionStore();
  uint64_t sequence_ = 0;
  std::string raw_;
  mapping::Rows rows_;
};

TEST_F(UnmappedRowsTest, ItsVersionsAreRemembered) {
  Remember("raw");
  UnmappedRows unmapped(*store_);
  Load(unmapped);
  const UnmappedRow* known = unmapped.Find(row());
  ASSERT_NE(known, nullptr);
  const UnmappedVersion* version = UnmappedRows::VersionOf(*known, row());
  ASSERT_NE(version, nullptr);
  EXPECT_EQ(version->counted_day, 20454);
  EXPECT_EQ(version->outcome, OUTCOME_QUARANTINED);
  Row("f:2", "raw of another version");
  EXPECT_EQ(UnmappedRows::VersionOf(*known, row()), nullptr);
  Row("f:2", "raw");
  unmapped.SetOutcome(row(), OUTCOME_RETURNED);
  Store(unmapped);
  Load(unmapped);
  EXPECT_EQ(UnmappedRows::VersionOf(*unmapped.Find(row()), row())->outcome, OUTCOME_RETURNED);
}

TEST_F(UnmappedRowsTest, ARowThatCanBeMappedIsForgotten) {
  Remember("raw");
  Row("f:2", "mended");
  UnmappedRows unmapped(*store_);
  Load(unmapped, false);
  ASSERT_NE(unmapped.Find(row()), nullptr) << "rows that can be mapped are looked for, too";
  unmapped.Forget(row());
  Store(unmapped);
  Load(unmapped);
  EXPECT_EQ(unmapped.Find(row()), nullptr);
}

TEST_F(UnmappedRowsTest, WithoutAnIdItsContentTellsARow) {
  Row("", "raw");
  UnmappedRows unmapped(*store_);
  Load(unmapped);
  unmapped.Add(row(), 1, false);
  Store(unmapped);
  Load(unmapped);
  EXPECT_NE(unmapped.Find(row()), nullptr);
  Row("", "another");
  Load(unmapped);
  EXPECT_EQ(unmapped.Find(row()), nullptr);
}

TEST_F(UnmappedRowsTest, TheOldestVersionsGo) {
  for (size_t i = 0; i <= kMaxUnmappedVersions; ++i) Remember(absl::StrCat("raw ", i));
  UnmappedRows unmapped(*store_);
  Load(unmapped);
  const UnmappedRow* known = unmapped.Find(row());
  ASSERT_EQ(known->versions.size(), kMaxUnmappedVersions);
  EXPECT_FALSE(known->several) << "one came after the other";
  EXPECT_NE(UnmappedRows::VersionOf(*known, row()), nullptr);
  Row("f:2", "raw 0");
  EXPECT_EQ(UnmappedRows::VersionOf(*known, row()), nullptr);
}

TEST_F(UnmappedRowsTest, DamageIsSaid) {
  UnmappedRow row;
  row.several = true;
  row.versions = {{std::string(16, 'a'), OUTCOME_RETURNED, 300, true},
                  {std::string(16, 'b'), OUTCOME_QUARANTINED, 0, false}};
  const std::string bytes = EncodeUnmappedRow(row);
  UnmappedRow again;
  ASSERT_TRUE(DecodeUnmappedRow(bytes, &again).ok());
  EXPECT_EQ(EncodeUnmappedRow(again), bytes);
  EXPECT_TRUE(again.several);
  EXPECT_EQ(again.versions[0].counted_day, 300);
  EXPECT_TRUE(again.versions[0].masked);
  for (const std::string& bad : {std::string(), bytes.substr(0, 1), bytes.substr(0, 10),
                                 bytes.substr(0, bytes.size() - 1), "\x02" + bytes.substr(1)})
    EXPECT_EQ(DecodeUnmappedRow(bad, &again).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace huiliu::agent
