#include <gtest/gtest.h>

#include <random>

#include "core/schema/text_value.h"

namespace huiliu::schema {
namespace {

std::string Plainly(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

TEST(TextTime, IsWrittenAsAbseilWritesIt) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int64_t> seconds(-62135596800, 253402300799);
  for (int i = 0; i < 20'000; ++i) {
    absl::Time time = absl::FromUnixSeconds(seconds(random));
    if (i % 3 == 0) time += absl::Microseconds(static_cast<int64_t>(random() % 1'000'000));
    std::string text = "x";
    AppendRfc3339(time, &text);
    ASSERT_EQ(text, "x" + Plainly(time));
    absl::Time back;
    if (absl::ToCivilYear(time, absl::UTCTimeZone()).year() < 1000) continue;
    ASSERT_TRUE(ParseTime(Plainly(time), &back)) << Plainly(time);
    ASSERT_EQ(back, time) << Plainly(time);
  }
}

TEST(TextTime, WhatIsNoTimeIsRefused) {
  absl::Time time;
  for (const char* text : {"2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-00-01T00:00:00Z",
                           "2023-01-00T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01T00:60:00Z",
                           "2023-01-01T00:00:61Z", "0000-01-01T00:00:00Z", "2023-01-01T00:00:0xZ",
                           "2023-01-01T00:00:00z_", "２０２３-01-01T0:00Z"}) {
    EXPECT_FALSE(ParseTime(text, &time)) << text;
  }
  EXPECT_TRUE(ParseTime("2024-02-29T23:59:59Z", &time));
  EXPECT_EQ(absl::ToUnixSeconds(time), 1709251199);
}

}  // namespace
}  // namespace huiliu::schema
