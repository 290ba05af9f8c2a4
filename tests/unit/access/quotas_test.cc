#include "broker/access/quotas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "core/base/clock.h"

namespace huiliu::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

huiliu::v1::Quota Of(int calls, int64_t rows, int streams) {
  huiliu::v1::Quota quota;
  quota.set_calls_per_second(calls);
  quota.set_rows_per_second(rows);
  quota.set_streams(streams);
  return quota;
}

class QuotasTest : public testing::Test {
 protected:
  ManualClock clock_{absl::FromUnixSeconds(1767225600)};
  Quotas quotas_{clock_};
};

TEST_F(QuotasTest, WithoutAQuotaNothingIsBounded) {
  const huiliu::v1::Quota none;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(quotas_.TakeCall("530100", none).ok());
    quotas_.TakeRows("530100", none, 1'000'000);
  }
  EXPECT_EQ(quotas_.WaitForRows("530100", none), absl::ZeroDuration());
  EXPECT_TRUE(quotas_.OpenStream("530100", none).ok());
}

TEST_F(QuotasTest, CallsBeyondOneReceiversQuotaAreRefusedAndOthersGoOn) {
  const huiliu::v1::Quota quota = Of(10, 0, 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok()) << i;
  const absl::Status refused = quotas_.TakeCall("530100", quota);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("receiver 530100: 10 calls a second"));
  EXPECT_TRUE(quotas_.TakeCall("532900", quota).ok());
  clock_.Advance(absl::Milliseconds(500));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok()) << i;
  EXPECT_FALSE(quotas_.TakeCall("530100", quota).ok());
  // What is not taken does not pile up.
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok()) << i;
  EXPECT_FALSE(quotas_.TakeCall("530100", quota).ok());
  EXPECT_THAT(quotas_.Refused(), ElementsAre(Pair("530100", 3)));
}

TEST_F(QuotasTest, AnAnswerIsWholeAndWhatItTookBeyondIsPaidByTheNext) {
  const huiliu::v1::Quota quota = Of(0, 100, 0);
  EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok());
  quotas_.TakeRows("530100", quota, 350);
  EXPECT_EQ(quotas_.WaitForRows("530100", quota), absl::Milliseconds(2500));
  EXPECT_EQ(quotas_.WaitForRows("532900", quota), absl::ZeroDuration());
  EXPECT_THAT(std::string(quotas_.TakeCall("530100", quota).message()),
              HasSubstr("try again in 3 s"));
  clock_.Advance(absl::Milliseconds(2500));
  EXPECT_EQ(quotas_.WaitForRows("530100", quota), absl::ZeroDuration());
  EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok());
}

TEST_F(QuotasTest, AStreamsPlaceIsGivenBack) {
  const huiliu::v1::Quota quota = Of(0, 0, 1);
  std::optional<Quotas::Place> place;
  {
    auto opened = quotas_.OpenStream("530100", quota);
    ASSERT_TRUE(opened.ok());
    place.emplace(*std::move(opened));
  }
  EXPECT_EQ(quotas_.OpenStream("530100", quota).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(quotas_.OpenStream("532900", quota).ok());
  place.reset();
  EXPECT_TRUE(quotas_.OpenStream("530100", quota).ok());
}

TEST_F(QuotasTest, AClockThatIsSetBackGivesNothing) {
  const huiliu::v1::Quota quota = Of(1, 0, 0);
  EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok());
  clock_.Advance(-absl::Hours(1));
  EXPECT_FALSE(quotas_.TakeCall("530100", quota).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(quotas_.TakeCall("530100", quota).ok());
}

}  // namespace
}  // namespace huiliu::access
