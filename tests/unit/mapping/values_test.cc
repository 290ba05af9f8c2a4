#include "adapters/mapping/values.h"

#include <gtest/gtest.h>

#include <random>

#include "core/base/clock.h"

namespace huiliu::mapping {
namespace {

void ExpectDate(absl::string_view text, absl::string_view out, absl::string_view finding) {
  const Normalised normalised = NormaliseDate(text);
  EXPECT_EQ(normalised.out, out) << text;
  EXPECT_EQ(normalised.finding, finding) << text;
}

TEST(NormaliseDateTest, EveryStyleIsOneDate) {
  for (const char* text : {"2010-01-06", "2010/1/6", "2010.1.6", "2010年1月6日", "2010年01月06号",
                           "20100106", "20100106083000", "2010-01-06 08:30:00", " 2010/1/6 8:30 ",
                           "2010-01-06T08:30:00.123Z", "2010-01-06 08:30:00+08"}) {
    ExpectDate(text, "2010-01-06", "");
  }
}

TEST(NormaliseDateTest, AMonthIsItsFirstDayAndSaysSo) {
  for (const char* text : {"2015年8月", "2015-8", "2015/08", "201508"})
    ExpectDate(text, "2015-08-01", "day_assumed");
  ExpectDate("200109", "2001-09-01", "day_assumed");
}

TEST(NormaliseDateTest, SentinelsAreNoDates) {
  for (const char* text : {"1899-12-31", "18991231", "1900/1/1", "1899-12-31 00:00:00"})
    ExpectDate(text, "", "sentinel");
  for (const char* text : {"2099-12-31", "2099/12/31", "20991231", "9999-12-31"})
    ExpectDate(text, "", "without_end");
}

TEST(NormaliseDateTest, WhatIsNoDateIsNotGuessed) {
  for (const char* text : {"2010-02-30", "2010-13-01", "长期", "2010", "20101",
                           "2010-01-06至2012-03-04", "电话2010-1-6", "2010年1月6", "2010-1/6",
                           "0000-01-01", "", "12345678901", "2010-01-06 25:00", "2010-01-06x"}) {
    ExpectDate(text, "", "date");
  }
}

TEST(NormaliseTimeTest, ZonesAreKeptAndOthersAreTheGivenOne) {
  const absl::TimeZone shanghai = ShanghaiTimeZone(), utc = absl::UTCTimeZone();
  EXPECT_EQ(NormaliseTime("2026-05-12 11:00:00", shanghai).out, "2026-05-12T03:00:00Z");
  EXPECT_EQ(NormaliseTime("2026-05-12 11:00:00", utc).out, "2026-05-12T11:00:00Z");
  for (const char* text :
       {"2026-05-12 11:00:00+08", "2026-05-12T11:00:00+08:00", "2026/5/12 11:00:00 +0800",
        "20260512110000", "2026-05-12T03:00:00Z", "1778554800", "1778554800000"}) {
    EXPECT_EQ(NormaliseTime(text, shanghai).out, "2026-05-12T03:00:00Z") << text;
  }
  EXPECT_EQ(NormaliseTime("2026-05-12 11:00:00.1234567", shanghai).out,
            "2026-05-12T03:00:00.123456Z");
  EXPECT_EQ(NormaliseTime("2026-05-12", shanghai).out, "2026-05-11T16:00:00Z");
  EXPECT_EQ(NormaliseTime("2099/12/31 00:00", shanghai).finding, "without_end");
  for (const char* text : {"昨天", "2026-05-12 24:01", "2026-05-12 11", "infinite-future", "12"})
    EXPECT_EQ(NormaliseTime(text, shanghai).finding, "time") << text;
}

TEST(NormaliseAmountTest, EveryStyleIsYuan) {
  const char* cases[][2] = {{"1,109(万元人民币)", "11090000"},
                            {"124万人民币", "1240000"},
                            {"300万元", "3000000"},
                            {"5000", "5000"},
                            {"0.5(万)", "5000"},
                            {"1,234,567.89(万元人民币)", "12345678900"},
                            {"10万人民币元", "100000"},
                            {"1.25元", "1.25"},
                            {"1.00005万", "10000.5"},
                            {"0", "0"},
                            {"0.00万", "0"},
                            {"￥1，000", "1000"},
                            {"3亿元", "300000000"},
                            {"007", "7"},
                            {"100", "100"},
                            {".5", "0.5"},
                            {"5.", "5"}};
  for (const auto& [text, yuan] : cases) {
    EXPECT_EQ(NormaliseAmount(text).out, yuan) << text;
    EXPECT_EQ(NormaliseAmount(text).finding, "") << text;
  }
}

TEST(NormaliseAmountTest, OtherMoneyIsNotYuan) {
  for (const char* text : {"12(万美元)", "3(万澳大利亚元)", "5(万加拿大元)", "7(万港币)",
                           "9,000(万日元)", "2(万欧元)", "4万新台币", "6(万英镑)"}) {
    EXPECT_EQ(NormaliseAmount(text).finding, "currency") << text;
    EXPECT_EQ(NormaliseAmount(text).out, "") << text;
  }
  for (const char* text : {"MARIE", "1.2.3", "", "12abc", ".", "五百万", "-5"})
    EXPECT_EQ(NormaliseAmount(text).finding, "amount") << text;
}

TEST(FindingOnTest, IdentifiersAreJudgedByTheirKind) {
  using huiliu::v1::VALUE_KIND_ADDRESS;
  using huiliu::v1::VALUE_KIND_CITIZEN_ID;
  using huiliu::v1::VALUE_KIND_DIVISION;
  using huiliu::v1::VALUE_KIND_USCC;
  EXPECT_EQ(FindingOn(VALUE_KIND_USCC, "91350100M000100Y43"), "");
  EXPECT_EQ(FindingOn(VALUE_KIND_USCC, "91350100M000100Y44"), "check_digit");
  EXPECT_EQ(FindingOn(VALUE_KIND_USCC, "91350100M000100Y43、91350100M000100Y43"), "several_codes");
  EXPECT_EQ(FindingOn(VALUE_KIND_USCC, "11010519491231002X"), "citizen_number");
  EXPECT_EQ(FindingOn(VALUE_KIND_USCC, "00000000000000000X"), "placeholder");
  EXPECT_EQ(FindingOn(VALUE_KIND_USCC, "9135010000********"), "masked_at_source");
  EXPECT_EQ(FindingOn(VALUE_KIND_CITIZEN_ID, "330921************"), "masked_at_source");
  EXPECT_EQ(FindingOn(VALUE_KIND_CITIZEN_ID, "11010519491231002X"), "");
  EXPECT_EQ(FindingOn(VALUE_KIND_DIVISION, "530102"), "");
  EXPECT_EQ(FindingOn(VALUE_KIND_DIVISION, "昆明"), "division");
  EXPECT_EQ(FindingOn(VALUE_KIND_ADDRESS, "人民路****号"), "") << "an address is no key";
}

TEST(ValuesTest, RandomTextNeverCrashes) {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const char* pieces[] = {"2",   "0",  "19", "-", "/", "年", "月",         "日",   " ",  "T", ":",
                          "+08", "万", "元", ".", ",", "(",  "9999999999", "\xff", "美", "Z"};
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const Normalised date = NormaliseDate(text), amount = NormaliseAmount(text);
    EXPECT_TRUE(date.out.empty() || date.out.size() == 10) << text;
    // Canonical forms are fixed points.
    EXPECT_EQ(NormaliseDate(date.out).out, date.out) << text;
    EXPECT_EQ(NormaliseAmount(amount.out).out, amount.out) << text;
    NormaliseTime(text, absl::UTCTimeZone());
  }
}

}  // namespace
}  // namespace huiliu::mapping
