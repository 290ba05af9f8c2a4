#include "adapters/agent/redrive_spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"

namespace huiliu::agent {
namespace {

class RedriveSpoolTest : public testing::Test {
 protected:
  RedriveSpoolTest()
      : folder_(absl::StrCat(testing::TempDir(), "/spool-", getpid())), spool_(folder_) {
    std::filesystem::remove_all(folder_);
  }
  ~RedriveSpoolTest() override { std::filesystem::remove_all(folder_); }
  const std::string folder_;
  RedriveSpool spool_;
};

TEST_F(RedriveSpoolTest, ARequestGoesOverAndItsAnswerComesBackOnce) {
  RedriveItem item{{KeptKind::kPending, "s/1/2/3"}, {{"列", "值\n\"x\""}}, {"空"}};
  const auto name = spool_.Ask({item});
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_FALSE((*spool_.TakeAnswer(*name)).has_value());
  const auto request = spool_.Next();
  ASSERT_TRUE(request.ok() && request->has_value()) << request.status();
  ASSERT_EQ((*request)->items.size(), 1u);
  const RedriveItem& taken = (*request)->items[0];
  EXPECT_EQ(taken.row.kind, KeptKind::kPending);
  EXPECT_EQ(taken.row.id, "s/1/2/3");
  EXPECT_EQ(taken.cells, item.cells);
  EXPECT_EQ(taken.nulls, item.nulls);
  ASSERT_TRUE(spool_
                  .Answer((*request)->name, absl::OkStatus(),
                          {{taken.row, huiliu::v1::OUTCOME_RETURNED, ""}})
                  .ok());
  EXPECT_FALSE((*spool_.Next()).has_value());
  const auto answer = spool_.TakeAnswer(*name);
  ASSERT_TRUE(answer.ok() && answer->has_value()) << answer.status();
  EXPECT_EQ((**answer)[0].outcome, huiliu::v1::OUTCOME_RETURNED);
  EXPECT_FALSE((*spool_.TakeAnswer(*name)).has_value());
}

TEST_F(RedriveSpoolTest, WhatItHoldsIsForItsOwnerOnly) {
  const auto name = spool_.Ask({{{KeptKind::kQuarantined, "s/1/1/0"}, {}, {}}});
  struct stat info {};
  ASSERT_EQ(stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((folder_ + "/" + *name + ".request").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(RedriveSpoolTest, TheOldestComesFirstAndAWithdrawnOneNever) {
  const auto first = spool_.Ask({{{KeptKind::kQuarantined, "s/1/1/0"}, {}, {}}});
  const auto second = spool_.Ask({{{KeptKind::kQuarantined, "s/1/1/1"}, {}, {}}});
  EXPECT_EQ((*spool_.Next())->name, *first);
  spool_.Withdraw(*first);
  EXPECT_EQ((*spool_.Next())->name, *second);
}

TEST_F(RedriveSpoolTest, AFileThatIsNoRequestIsAnsweredAndItsNeighbourIsTaken) {
  const auto good = spool_.Ask({{{KeptKind::kQuarantined, "s/1/1/0"}, {}, {}}});
  for (const char* text : {"{", "{}", "[1]", "[{\"id\":7}]"}) {
    ASSERT_TRUE(WriteFileDurably(folder_ + "/0.request", text).ok());
    EXPECT_EQ((*spool_.Next())->name, *good) << text;
    EXPECT_EQ(spool_.TakeAnswer("0").status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST_F(RedriveSpoolTest, TheWorkersErrorIsTheAnswer) {
  const auto name = spool_.Ask({{{KeptKind::kQuarantined, "s/1/1/0"}, {}, {}}});
  ASSERT_TRUE(spool_.Answer(*name, absl::FailedPreconditionError("refused"), {}).ok());
  EXPECT_EQ(spool_.TakeAnswer(*name).status(), absl::FailedPreconditionError("refused"));
}

}  // namespace
}  // namespace huiliu::agent
