#include "core/rules/generalise.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

using Generalise = huiliu::v1::Mask::Generalise;

std::string Shown(const Generalise& to, absl::string_view value) {
  std::string out;
  static const HasDivision has_division = [](absl::string_view code) {
    return YunnanDivisions()->Find(code) != nullptr;
  };
  static const ResolveDivision resolve = [](absl::string_view code) {
    return YunnanDivisions()->Resolve(code);
  };
  return AppendGeneralised(to, value, has_division, &out, resolve) ? out : "(refused)" + out;
}
std::string Division(Generalise::Level level, absl::string_view value) {
  Generalise to;
  to.set_division(level);
  return Shown(to, value);
}
std::string Date(Generalise::Precision precision, absl::string_view value) {
  Generalise to;
  to.set_date(precision);
  return Shown(to, value);
}
std::string Band(double width, absl::string_view value) {
  Generalise to;
  to.set_band(width);
  return Shown(to, value);
}

TEST(GeneraliseTest, ADivisionBecomesTheOneOfTheLevelThatItLiesIn) {
  EXPECT_EQ(Division(Generalise::LEVEL_PROVINCE, "530102"), "530000");
  EXPECT_EQ(Division(Generalise::LEVEL_CITY, "530102005"), "530100");
  EXPECT_EQ(Division(Generalise::LEVEL_COUNTY, "530102005003"), "530102");
  EXPECT_EQ(Division(Generalise::LEVEL_TOWNSHIP, "530102005003"), "530102005");
  EXPECT_EQ(Division(Generalise::LEVEL_TOWNSHIP, "530102"), "530102");  // is coarser already
  for (const char* none : {"五华区", "53010", "53010X", "5301020050031", "５３０１０２", "530102 "})
    EXPECT_EQ(Division(Generalise::LEVEL_CITY, none), "(refused)") << none;
}

// Mohan lies in Mengla of Xishuangbanna and is Kunming's.
TEST(GeneraliseTest, TheCityOfAManagedAreaIsItsManager) {
  EXPECT_EQ(Division(Generalise::LEVEL_CITY, "532823105"), "530100");
  EXPECT_EQ(Division(Generalise::LEVEL_CITY, "532823105001"), "530100");
  EXPECT_EQ(Division(Generalise::LEVEL_PROVINCE, "532823105"), "530000");
  EXPECT_EQ(Division(Generalise::LEVEL_COUNTY, "532823105"), "532823") << "where it lies";
  EXPECT_EQ(Division(Generalise::LEVEL_CITY, "532823"), "532800");
  EXPECT_EQ(Division(Generalise::LEVEL_CITY, "532823101"), "532800");
}

// What is no code may be anything: a citizen number's beginning, an amount.
TEST(GeneraliseTest, ACodeOfNoEditionIsWithheldAtEveryLevel) {
  const auto levels = {Generalise::LEVEL_PROVINCE, Generalise::LEVEL_CITY, Generalise::LEVEL_COUNTY,
                       Generalise::LEVEL_TOWNSHIP};
  for (const auto level : levels) {
    for (const char* none : {"999999", "530199", "534001", "530199001", "000000", "123456789012"})
      EXPECT_EQ(Division(level, none), "(refused)") << none << " " << level;
    EXPECT_NE(Division(level, "530121"), "(refused)") << "abolished is known";
  }
  // A township that is in no edition leaves only as what is: its county.
  EXPECT_EQ(Division(Generalise::LEVEL_TOWNSHIP, "530102999"), "(refused)");
  EXPECT_EQ(Division(Generalise::LEVEL_TOWNSHIP, "530102999123"), "(refused)");
  EXPECT_EQ(Division(Generalise::LEVEL_COUNTY, "530102999"), "530102");
  Generalise to;
  to.set_division(Generalise::LEVEL_CITY);
  std::string out;
  EXPECT_FALSE(AppendGeneralised(to, "530102", nullptr, &out)) << "no division tree, no code";
  EXPECT_EQ(out, "");
}

TEST(GeneraliseTest, ADateBecomesTheFirstDayOfItsMonthOrYear) {
  EXPECT_EQ(Date(Generalise::PRECISION_MONTH, "1990-05-17"), "1990-05-01");
  EXPECT_EQ(Date(Generalise::PRECISION_YEAR, "1990-05-17 08:30:00"), "1990-01-01");
  EXPECT_EQ(Date(Generalise::PRECISION_MONTH, "19900517"), "1990-05-01");
  // The day in Asia/Shanghai counts.
  EXPECT_EQ(Date(Generalise::PRECISION_MONTH, "1990-04-30T16:00:00Z"), "1990-05-01");
  for (const char* none : {"1990年5月", "19901317", "1990-13-01", "长期", "5"})
    EXPECT_EQ(Date(Generalise::PRECISION_YEAR, none), "(refused)") << none;
}

TEST(GeneraliseTest, ANumberBecomesTheLowerEndOfItsBand) {
  EXPECT_EQ(Band(10, "37"), "30");
  EXPECT_EQ(Band(10, "30"), "30");
  EXPECT_EQ(Band(10, "-1"), "-10");
  EXPECT_EQ(Band(10, "-0.0"), "0");
  EXPECT_EQ(Band(10000, "12345.67"), "10000");
  EXPECT_EQ(Band(0.1, "0.3"), "0.3");
  EXPECT_EQ(Band(0.25, "0.6"), "0.5");
  EXPECT_EQ(Band(1e10, "9999999999"), "0");
  EXPECT_EQ(Band(10, "9.999999999"), "0");
  for (const char* none : {"nan", "inf", "1e15", "三十", "30岁", "3,000", "\xFF"})
    EXPECT_EQ(Band(10, none), "(refused)") << none;
}

TEST(GeneraliseTest, NothingBelowTheBandShows) {
  std::mt19937_64 random(20261123);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t value = static_cast<int64_t>(random() % 2'000'000) - 1'000'000;
    const int64_t width = 1 + static_cast<int64_t>(random() % 5000);
    int64_t low = 0;
    ASSERT_TRUE(absl::SimpleAtoi(Band(static_cast<double>(width), absl::StrCat(value)), &low));
    ASSERT_EQ(low % width, 0);
    ASSERT_TRUE(low <= value && value < low + width) << value << " in " << width << ": " << low;
  }
}

TEST(GeneraliseTest, WhatIsNoSuchKindIsRefused) {
  EXPECT_EQ(Shown(Generalise(), "1"), "(refused)");
  schema::Field text, whole, number, time;
  text.type = schema::FieldType::kString;
  whole.type = schema::FieldType::kInt64;
  number.type = schema::FieldType::kDouble;
  time.type = schema::FieldType::kTimestamp;
  Generalise to;
  EXPECT_FALSE(CheckGeneralise(to, text).ok());
  to.set_band(2.5);  // 5 alone would be in a band with 6 and 7, 1.5 would leave 1 alone
  EXPECT_FALSE(CheckGeneralise(to, text).ok());
  EXPECT_TRUE(CheckGeneralise(to, number).ok());
  EXPECT_FALSE(CheckGeneralise(to, whole).ok());
  EXPECT_FALSE(CheckGeneralise(to, time).ok());
  // A whole number's band of 1 is the number.
  for (const double width : {0.5, 1.0}) {
    to.set_band(width);
    EXPECT_FALSE(CheckGeneralise(to, text).ok()) << width;
    EXPECT_FALSE(CheckGeneralise(to, whole).ok()) << width;
    EXPECT_TRUE(CheckGeneralise(to, number).ok()) << width;
  }
  for (const double width : {0.0, -1.0, 1e16}) {
    to.set_band(width);
    EXPECT_FALSE(CheckGeneralise(to, text).ok()) << width;
  }
  to.set_date(Generalise::PRECISION_MONTH);
  EXPECT_TRUE(CheckGeneralise(to, time).ok());
  EXPECT_FALSE(CheckGeneralise(to, number).ok());
  to.set_date(Generalise::PRECISION_UNSPECIFIED);
  EXPECT_FALSE(CheckGeneralise(to, time).ok());
  to.set_division(Generalise::LEVEL_CITY);
  EXPECT_TRUE(CheckGeneralise(to, whole).ok());
  EXPECT_FALSE(CheckGeneralise(to, number).ok());
}

}  // namespace
}  // namespace huiliu::rules
