#include "cli/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

TEST(WordsTest, TypedInEitherLanguage) {
  EXPECT_EQ(*ParseTier("provincial"), v1::TIER_PROVINCIAL);
  EXPECT_EQ(*ParseTier("省建系统"), v1::TIER_PROVINCIAL);
  EXPECT_EQ(*ParseRole("审计管理员"), v1::ROLE_AUDIT_ADMINISTRATOR);
  const auto unknown = ParseRole("admin");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.status().message()),
              testing::HasSubstr("audit_administrator (审计管理员)"));
}

// A value that gets no word would be shown as nothing.
TEST(WordsTest, EveryValueOfTheContractHasAWord) {
  for (int value = 1; v1::Outcome_IsValid(value); ++value) {
    EXPECT_NE(OutcomeInWords(static_cast<v1::Outcome>(value), false), "") << value;
    EXPECT_NE(OutcomeInWords(static_cast<v1::Outcome>(value), true), "") << value;
  }
  for (int value = 1; v1::Role_IsValid(value); ++value)
    EXPECT_NE(RoleInWords(static_cast<v1::Role>(value), false), "") << value;
  for (int value = 1; v1::Tier_IsValid(value); ++value)
    EXPECT_NE(TierInWords(static_cast<v1::Tier>(value), false), "") << value;
  for (int value = 1; v1::SystemStatus_IsValid(value); ++value)
    EXPECT_NE(StatusInWords(static_cast<v1::SystemStatus>(value), false), "") << value;
  for (int value = 1; v1::Grade_IsValid(value); ++value) {
    const std::string name = v1::Grade_Name(static_cast<v1::Grade>(value));
    EXPECT_NE(GradeInWords(name, false), name);
  }
  for (int value = 1; v1::Sharing_IsValid(value); ++value) {
    const std::string name = v1::Sharing_Name(static_cast<v1::Sharing>(value));
    EXPECT_NE(SharingInWords(name, false), name);
  }
  for (int value = 1; v1::UpdateCycle_IsValid(value); ++value) {
    const std::string name = v1::UpdateCycle_Name(static_cast<v1::UpdateCycle>(value));
    EXPECT_NE(UpdateCycleInWords(name, false), name);
  }
}

TEST(WordsTest, Masks) {
  EXPECT_TRUE(ParseMask("keep")->keep());
  EXPECT_TRUE(ParseMask("hash")->hash());
  const auto partial = ParseMask("partial:6:4:#");
  ASSERT_TRUE(partial.ok());
  EXPECT_EQ(partial->partial().keep_first(), 6u);
  EXPECT_EQ(partial->partial().keep_last(), 4u);
  EXPECT_EQ(partial->partial().fill(), "#");
  for (const char* wrong : {"", "partial", "partial:6", "partial:-1:4", "partial:a:b", "show"})
    EXPECT_FALSE(ParseMask(wrong).ok()) << wrong;
}

TEST(WordsTest, ADayIsOfShanghaiAndCountsWhole) {
  EXPECT_EQ(ParseTime("2027-06-30", false)->seconds(), 1814284800);  // 2027-06-30T00:00:00+08:00
  EXPECT_EQ(ParseTime("2027-06-30", true)->seconds(), 1814284800 + 86400);
  EXPECT_EQ(ParseTime("2027-06-30T18:00:00+08:00", true)->seconds(), 1814284800 + 18 * 3600);
  EXPECT_FALSE(ParseTime("2027-6", false).ok());
  EXPECT_EQ(TimeInWords(*ParseTime("2027-06-30", false)), "2027-06-30 00:00:00");
}

TEST(WordsTest, ExitCodesByWhatHelps) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kDone);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(absl::AbortedError("")), ExitCode::kConflict);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kUnavailable);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), ExitCode::kFailed);
}

}  // namespace
}  // namespace huiliu::cli
