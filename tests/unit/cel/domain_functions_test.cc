// Our own functions, and the calendar of working days that they count with.
#include "core/cel/domain_functions.h"

#include <gtest/gtest.h>

#include "core/cel/work_calendar.h"
#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

class DomainFunctionsTest : public testing::Test {
 protected:
  void IsTrue(const std::string& text, const std::string& row = {}) {
    EXPECT_EQ(rows_.Ask(text, row), Truth::kTrue) << text;
  }
  Rows rows_;
};

TEST_F(DomainFunctionsTest, IdentifiersAreCheckedByTheirDigits) {
  IsTrue("isUscc('91350100M000100Y43') && !isUscc('91350100M000100Y44') && !isUscc('')");
  IsTrue("isCitizenId('11010519491231002X') && !isCitizenId('110105194912310021')");
  IsTrue("isUscc(code) && !isCitizenId(name)", "code: '91350100M000100Y43' name: '张三'");
}

TEST_F(DomainFunctionsTest, MaskedTextsAreTold) {
  IsTrue(
      "maskedAtSource('5301**********1234') && !maskedAtSource('530102') && maskedAtSource(name)",
      "name: '张＊＊＊＊'");
}

TEST_F(DomainFunctionsTest, DivisionsAreResolvedByTheEnvironment) {
  Environment environment = rows_.environment();
  std::vector<Issue> issues;
  EXPECT_FALSE(
      Predicate::Compile("divisionOf(code) == '530100'", rows_.contract(), environment, &issues)
          .ok());
  EXPECT_TRUE(issues.at(0).unsupported);
  environment.resolve = [](absl::string_view code) {
    return code == "532823105" ? std::string("530100") : std::string(code);
  };
  const auto predicate =
      Predicate::Compile("divisionOf(code) == '530100' && divisionOf('1') == '1'", rows_.contract(),
                         environment, nullptr);
  ASSERT_TRUE(predicate.ok()) << predicate.status();
  EXPECT_EQ(rows_.Evaluate(**predicate, rows_.Wire("code: '532823105'")), Truth::kTrue);
  EXPECT_EQ(rows_.Evaluate(**predicate, rows_.Wire("code: '530102'")), Truth::kFalse);
}

std::string Days(const std::string& from, const std::string& to, int days) {
  return "workdaysBetween(timestamp('" + from + "+08:00'), timestamp('" + to +
         "+08:00')) == " + std::to_string(days);
}

TEST_F(DomainFunctionsTest, WorkingDaysAreCountedFromTheNextDay) {
  IsTrue(Days("2026-11-20T10:00:00", "2026-11-23T09:00:00", 1));   // Friday to Monday
  IsTrue(Days("2026-11-23T00:00:00", "2026-11-23T23:59:59", 0));   // the day itself
  IsTrue(Days("2026-11-23T23:59:59", "2026-11-24T00:00:00", 1));   // midnight in Beijing
  IsTrue(Days("2026-11-30T08:00:00", "2026-11-23T08:00:00", -5));  // backwards
  IsTrue(
      Days("2025-12-31T08:00:00", "2026-01-05T08:00:00", 2));  // 01-04 is a Sunday that is worked
}

TEST_F(DomainFunctionsTest, HolidaysAndMakeUpDaysCountAsAnnounced) {
  IsTrue(Days("2026-02-13T08:00:00", "2026-02-24T08:00:00", 2));  // 02-14 is worked, then nine days
  IsTrue(Days("2026-09-30T08:00:00", "2026-10-10T08:00:00", 3));  // 8, 9 and the Saturday
  IsTrue(Days("2024-12-31T00:00:00", "2025-12-31T08:00:00", 248));
  IsTrue(Days("2023-01-02T00:00:00", "2023-12-31T08:00:00", 249));
}

TEST_F(DomainFunctionsTest, AYearThatIsNotAnnouncedIsAnError) {
  const std::string text = "workdaysBetween(at, timestamp('2026-01-05T00:00:00Z')) > 0";
  EXPECT_EQ(rows_.Ask(text, "at { seconds: 0 }"), Truth::kError);
  EXPECT_EQ(rows_.Ask(text, "at { seconds: 253402300799 }"), Truth::kError);
  EXPECT_EQ(rows_.Ask("true || " + text, ""), Truth::kTrue);
}

TEST_F(DomainFunctionsTest, AnotherCalendarReplacesTheBuiltInOne) {
  const auto calendar =
      WorkCalendar::Parse("year\t2027\tx\ty\nholiday\t2027-01-01\t2027-01-03\t元旦\n");
  ASSERT_TRUE(calendar.ok()) << calendar.status();
  Environment environment = rows_.environment();
  environment.calendar = *calendar;
  const auto predicate =
      Predicate::Compile("workdaysBetween(at, timestamp('2027-01-05T00:00:00+08:00')) == 2",
                         rows_.contract(), environment, nullptr);
  ASSERT_TRUE(predicate.ok()) << predicate.status();
  EXPECT_EQ(rows_.Evaluate(**predicate, rows_.Wire("at { seconds: 1798732800 }")), Truth::kTrue);
}

TEST(WorkCalendarTest, WrongFilesAreRefused) {
  for (const char* text : {"", "holiday\t2026-01-01\t2026-01-01\tx\n",
                           "year\t2026\tx\ty\nholiday\t2026-01-32\t2026-02-01\tx",
                           "year\t2026\tx\ty\nholiday\t2026-01-03\t2026-01-01\tx",
                           "year\t2026\tx\ty\nfeast\t2026-01-01\t2026-01-01\tx",
                           "year\t2024\tx\ty\nyear\t2026\tx\ty\n", "year 2026"}) {
    EXPECT_FALSE(WorkCalendar::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace huiliu::cel
