#include "storage/quarantine/quarantine_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace huiliu {
namespace {

using huiliu::v1::QuarantinedRow;

QuarantinedRow Row(absl::string_view source, uint64_t sequence, uint32_t index,
                   absl::string_view raw = "raw") {
  QuarantinedRow row;
  row.set_id(FormatKeptRowId({std::string(source), 1, sequence, index}));
  row.set_source(std::string(source));
  row.set_reason("charset.invalid");
  row.set_raw(std::string(raw));
  row.set_day("2026-01-02");
  return row;
}

class QuarantineStoreTest : public testing::Test {
 protected:
  QuarantineStoreTest() : path_(absl::StrCat(testing::TempDir(), "/quarantine-", getpid())) {
    std::filesystem::remove_all(path_);
    Open();
  }
  ~QuarantineStoreTest() override {
    store_.reset();
    std::filesystem::remove_all(path_);
  }
  void Open() {
    store_.reset();
    auto opened = QuarantineStore::Open(path_, {.sync = false});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = std::move(*opened);
  }
  std::vector<std::string> Ids(KeptKind kind, absl::string_view source = "",
                               bool redriven = false) {
    std::vector<std::string> ids;
    std::string token;
    do {
      const auto page = store_->List(kind, source, 3, token, redriven);
      EXPECT_TRUE(page.ok()) << page.status();
      for (const QuarantinedRow& row : page->rows) ids.push_back(row.id());
      token = page->next_page_token;
    } while (!token.empty());
    return ids;
  }

  const std::string path_;
  std::unique_ptr<QuarantineStore> store_;
};

TEST_F(QuarantineStoreTest, RowsAreListedInTheOrderTheyCameAcrossPagesAndRestarts) {
  std::vector<QuarantinedRow> rows;
  std::vector<std::string> expected;
  for (const uint64_t sequence : {2, 10, 300}) {
    for (uint32_t index = 0; index < 4; ++index) {
      rows.push_back(Row("a/b", sequence, index));
      expected.push_back(rows.back().id());
    }
  }
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, rows).ok());
  ASSERT_TRUE(store_->Put(KeptKind::kPending, {Row("a/b", 1, 0)}).ok());
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {Row("a", 1, 0)}).ok());
  Open();
  EXPECT_EQ(Ids(KeptKind::kQuarantined, "a/b"), expected);
  EXPECT_EQ(Ids(KeptKind::kQuarantined).size(), 13u);
  EXPECT_THAT(Ids(KeptKind::kPending), testing::ElementsAre("a/b/1/1/0"));
}

TEST_F(QuarantineStoreTest, PuttingABatchAgainReplacesItsRows) {
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {Row("s", 1, 0, "first")}).ok());
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {Row("s", 1, 0, "second")}).ok());
  EXPECT_EQ(store_->Get(KeptKind::kQuarantined, "s/1/1/0")->raw(), "second");
  EXPECT_EQ(Ids(KeptKind::kQuarantined).size(), 1u);
}

TEST_F(QuarantineStoreTest, RowsOfABatchThatWasNotTakenOverAreDiscarded) {
  ASSERT_TRUE(
      store_->Put(KeptKind::kQuarantined, {Row("s", 1, 0), Row("s", 2, 0), Row("t", 2, 0)}).ok());
  ASSERT_TRUE(store_->Put(KeptKind::kPending, {Row("s", 2, 1)}).ok());
  ASSERT_TRUE(store_->DiscardAfter("s", 1).ok());
  EXPECT_THAT(Ids(KeptKind::kQuarantined), testing::ElementsAre("s/1/1/0", "t/1/2/0"));
  EXPECT_THAT(Ids(KeptKind::kPending), testing::IsEmpty());
}

TEST_F(QuarantineStoreTest, RedrivenRowsAreListedOnDemandAndPurgedByDay) {
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {Row("s", 1, 0), Row("s", 1, 1)}).ok());
  ASSERT_TRUE(store_->MarkRedriven(KeptKind::kQuarantined, {"s/1/1/0"}).ok());
  EXPECT_THAT(Ids(KeptKind::kQuarantined), testing::ElementsAre("s/1/1/1"));
  EXPECT_EQ(Ids(KeptKind::kQuarantined, "", true).size(), 2u);
  EXPECT_EQ(store_->MarkRedriven(KeptKind::kQuarantined, {"s/1/9/9"}).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(*store_->PurgeRedriven("2026-01-02"), 0);
  EXPECT_EQ(*store_->PurgeRedriven("2026-01-03"), 1);
  EXPECT_THAT(Ids(KeptKind::kQuarantined, "", true), testing::ElementsAre("s/1/1/1"));
}

TEST_F(QuarantineStoreTest, WhatWasStagedIsMarkedOnlyWhenItsBatchWasTakenOver) {
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {Row("s", 1, 0), Row("s", 1, 1)}).ok());
  ASSERT_TRUE(store_->Put(KeptKind::kPending, {Row("s", 1, 2)}).ok());
  ASSERT_TRUE(
      store_
          ->StageRedriven("s", 5,
                          {{KeptKind::kQuarantined, "s/1/1/0"}, {KeptKind::kPending, "s/1/1/2"}})
          .ok());
  ASSERT_TRUE(store_->StageRedriven("s", 6, {{KeptKind::kQuarantined, "s/1/1/1"}}).ok());
  ASSERT_TRUE(store_->CommitRedriven("s", 4).ok());
  EXPECT_EQ(Ids(KeptKind::kQuarantined).size(), 2u);
  Open();
  ASSERT_TRUE(store_->CommitRedriven("s", 5).ok());
  EXPECT_THAT(Ids(KeptKind::kQuarantined), testing::ElementsAre("s/1/1/1"));
  EXPECT_THAT(Ids(KeptKind::kPending), testing::IsEmpty());
  ASSERT_TRUE(store_->DiscardAfter("s", 5).ok());
  ASSERT_TRUE(store_->CommitRedriven("s", 9).ok());
  EXPECT_THAT(Ids(KeptKind::kQuarantined), testing::ElementsAre("s/1/1/1"))
      << "batch 6 was not taken over";
  EXPECT_EQ(*store_->PurgeRedriven("2026-01-03"), 2);
}

TEST_F(QuarantineStoreTest, AReaderSeesWhatTheHolderHasWrittenAndWritesNothing) {
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {Row("s", 1, 0)}).ok());
  const auto reader = QuarantineStore::OpenForReading(path_, path_ + "-reader");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->List(KeptKind::kQuarantined, "s", 10, "", false)->rows.size(), 1u);
  EXPECT_FALSE((*reader)->Put(KeptKind::kQuarantined, {Row("s", 2, 0)}).ok());
  EXPECT_EQ(QuarantineStore::OpenForReading(path_ + "-none", path_ + "-reader").status().code(),
            absl::StatusCode::kNotFound);
  std::filesystem::remove_all(path_ + "-reader");
}

TEST_F(QuarantineStoreTest, BadIdsAndForeignTokensAreRefused) {
  for (const char* id :
       {"", "s", "s/1/2", "s/1/2/x", "s/01/2/3", "s/1/2/-3", "s/1/2/99999999999", "/1/2/3"}) {
    EXPECT_EQ(ParseKeptRowId(id).status().code(), absl::StatusCode::kInvalidArgument) << id;
  }
  QuarantinedRow row = Row("s", 1, 0);
  row.set_id("nonsense");
  EXPECT_EQ(store_->Put(KeptKind::kQuarantined, {Row("s", 1, 1), row}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Ids(KeptKind::kQuarantined), testing::IsEmpty());
  EXPECT_EQ(store_->List(KeptKind::kPending, "s", 1, "cXM", false).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(QuarantineStoreTest, ASecondProcessIsRefused) {
  EXPECT_EQ(QuarantineStore::Open(path_, {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace huiliu
