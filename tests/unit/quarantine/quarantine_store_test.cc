#include "storage/quarantine/quarantine_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

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

QuarantinedRow RowOf(absl::string_view source, uint64_t sequence, absl::string_view row_id) {
  QuarantinedRow row = Row(source, sequence, 0);
  row.set_row_id(std::string(row_id));
  return row;
}

TEST_F(QuarantineStoreTest, RowsAreFoundByTheirSourcesRowIds) {
  const auto found = [&](KeptKind kind, std::vector<std::string> row_ids) {
    const auto rows = store_->OfRowIds(kind, "a", row_ids);
    EXPECT_TRUE(rows.ok()) << rows.status();
    std::vector<std::string> ids;
    for (const QuarantinedRow& row : *rows) ids.push_back(row.id());
    return ids;
  };
  ASSERT_TRUE(store_
                  ->Put(KeptKind::kQuarantined, {RowOf("a", 1, "f:1"), RowOf("a", 2, "f:2"),
                                                 RowOf("a", 3, "f:1"), RowOf("b", 1, "f:1")})
                  .ok());
  ASSERT_TRUE(store_->Put(KeptKind::kPending, {RowOf("a", 4, "f:1")}).ok());
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:1", "f:9"}),
              testing::ElementsAre("a/1/1/0", "a/1/3/0"));
  EXPECT_THAT(found(KeptKind::kPending, {"f:2", "f:1"}), testing::ElementsAre("a/1/4/0"));
  // A batch that is made again puts another row in a place.
  ASSERT_TRUE(store_->Put(KeptKind::kQuarantined, {RowOf("a", 3, "f:3")}).ok());
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:1"}), testing::ElementsAre("a/1/1/0"));
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:3"}), testing::ElementsAre("a/1/3/0"));
  ASSERT_TRUE(store_->MarkRedriven(KeptKind::kQuarantined, {"a/1/1/0"}).ok());
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:1"}), testing::IsEmpty());
  ASSERT_TRUE(store_->DiscardAfter("a", 2).ok());
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:3"}), testing::IsEmpty());
  EXPECT_THAT(found(KeptKind::kPending, {"f:1"}), testing::IsEmpty());
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:2"}), testing::ElementsAre("a/1/2/0"));
  ASSERT_TRUE(store_->MarkRedriven(KeptKind::kQuarantined, {"a/1/2/0"}).ok());
  EXPECT_EQ(*store_->PurgeRedriven("2026-01-03"), 2);
  Open();
  EXPECT_THAT(found(KeptKind::kQuarantined, {"f:1", "f:2"}), testing::IsEmpty());
}

TEST_F(QuarantineStoreTest, AStoreOfBeforeIsIndexedWhenItOpens) {
  ASSERT_TRUE(store_->Put(KeptKind::kPending, {RowOf("a", 1, "f:1"), RowOf("a", 2, "f:2")}).ok());
  store_.reset();
  {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path_, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (it->key()[0] == 'i' || it->key()[0] == 'x') ASSERT_TRUE(db->Delete({}, it->key()).ok());
    }
  }
  Open();
  const auto rows = store_->OfRowIds(KeptKind::kPending, "a", {"f:2"});
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ((*rows)[0].id(), "a/1/2/0");
}

}  // namespace
}  // namespace huiliu
