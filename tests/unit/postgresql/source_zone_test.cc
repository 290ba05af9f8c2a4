// Time columns that say no zone, or no more than a day: no change is missed, no time is hours off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/postgresql/source_reader.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// One whose programs write the time of another zone than the rows' readers are in.
class SourceZoneTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const char* name : {"utc", "tokyo", "local"})
      Execute("postgres", StrCat("CREATE DATABASE ", name));
    Execute("postgres", "ALTER DATABASE utc SET TimeZone = 'UTC'");
    Execute("postgres", "ALTER DATABASE tokyo SET TimeZone = 'Asia/Tokyo'");
    Execute("postgres", "ALTER DATABASE local SET TimeZone = 'PRC'");
  }
  static void Make(const std::string& database, const std::string& type) {
    Execute(database, StrCat("DROP TABLE IF EXISTS zoned; CREATE TABLE zoned (id int PRIMARY KEY, "
                             "name text, changed ",
                             type, ")"));
  }
  // As an SQL expression writes the time of now.
  static void Insert(const std::string& database, int id, const std::string& time) {
    Execute(database, StrCat("INSERT INTO zoned VALUES (", id, ", 'row", id, "', ", time, ")"));
  }
  static size_t SeenAfterSnapshot(const std::string& database, const std::string& time,
                                  const std::string& more) {
    Insert(database, 1, time);
    SourceReader reader(database, "zoned", R"("id")", more);
    EXPECT_EQ(reader.Names().size(), 1u);
    Insert(database, 2, time);
    const size_t seen = reader.Names().size();
    // In the rounds that follow nothing comes twice.
    EXPECT_EQ(reader.Names().size(), 0u);
    return seen;
  }
};

TEST_F(SourceZoneTest, ChangesAreSeenByTheDatabasesOwnZone) {
  for (const char* database : {"utc", "tokyo", "local"}) {
    Make(database, "timestamp");
    EXPECT_EQ(SeenAfterSnapshot(database, "now()", ""), 1u) << database;
    // A program that writes the people's time, whatever its database says.
    Make(database, "timestamp");
    EXPECT_EQ(SeenAfterSnapshot(database, "now() AT TIME ZONE 'Asia/Shanghai'", ""), 1u)
        << database;
  }
}

TEST_F(SourceZoneTest, ATimeIsToldWithItsZone) {
  Make("utc", "timestamp");
  Insert("utc", 1, "'2026-01-01 20:30:00.25'");
  Insert("utc", 2, "'infinity'");
  SourceReader reader("utc", "zoned", R"("id")", "");
  reader.Names();
  EXPECT_EQ(reader.Cell("row1", "changed"), "2026-01-02 04:30:00.25+08");
  EXPECT_EQ(reader.Cell("row2", "changed"), "infinity");
  EXPECT_THAT(reader.notices(), AllOf(HasSubstr("时区 UTC"), HasSubstr("time_zone"),
                                      HasSubstr("the database's TimeZone")));
  // What the configuration says is right.
  SourceReader said("utc", "zoned", R"("id")", R"(,"time_zone":"asia/shanghai")");
  said.Names();
  EXPECT_EQ(said.Cell("row1", "changed"), "2026-01-01 20:30:00.25");
  EXPECT_THAT(said.notices(), Not(HasSubstr("time_zone")));
  SourceReader other("utc", "zoned", R"("id")", R"(,"time_zone":"Asia/Tokyo")");
  other.Names();
  EXPECT_EQ(other.Cell("row1", "changed"), "2026-01-01 19:30:00.25+08");
  EXPECT_THAT(other.notices(), HasSubstr("option time_zone"));
  // Another name of the same time is no other zone; neither has a timestamptz one of its own.
  Make("local", "timestamp");
  Insert("local", 1, "'2026-01-01 20:30:00'");
  SourceReader local("local", "zoned", R"("id")", "");
  local.Names();
  EXPECT_EQ(local.Cell("row1", "changed"), "2026-01-01 20:30:00");
  EXPECT_THAT(local.notices(), Not(HasSubstr("time_zone")));
  Make("utc", "timestamptz");
  Insert("utc", 1, "'2026-01-01 20:30:00+00'");
  SourceReader moment("utc", "zoned", R"("id")", "");
  moment.Names();
  EXPECT_EQ(moment.Cell("row1", "changed"), "2026-01-02 04:30:00+08");
  EXPECT_THAT(moment.notices(), Not(HasSubstr("time_zone")));
}

// A program that writes the people's time into a database of another zone.
TEST_F(SourceZoneTest, TimesHoursAheadOfTheDatabasesZoneAreTold) {
  constexpr char kAhead[] = "hours ahead by UTC";
  Make("utc", "timestamp");
  Insert("utc", 1, "now()");
  Insert("utc", 2, "'9999-12-31'");
  SourceReader reader("utc", "zoned", R"("id")", "");
  reader.Names();
  EXPECT_THAT(reader.notices(), Not(HasSubstr(kAhead)));
  Insert("utc", 3, "now() AT TIME ZONE 'Asia/Shanghai'");
  reader.Names();
  EXPECT_THAT(reader.notices(), AllOf(HasSubstr(kAhead), HasSubstr("比现在晚数小时")));
  SourceReader said("utc", "zoned", R"("id")", R"(,"time_zone":"Asia/Shanghai")");
  said.Names();
  EXPECT_EQ(said.notices(), "");
}

TEST_F(SourceZoneTest, AZoneThatIsNoneIsNamed) {
  Make("utc", "timestamp");
  sdk::FakeHost host;
  const absl::Status refused =
      PostgresqlSource::Open(
          sdk::Host(host.table()),
          StrCat(R"({"dsn":")", ServerDsn("utc"),
                 R"(","table":"zoned","key":["id"],"time_column":"changed","time_zone":"UTC+8"})"),
          "")
          .status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("UTC+8"), HasSubstr("time_zone")));
}

// At whatever hour of the day the snapshot was taken.
TEST_F(SourceZoneTest, ChangesOfTheSameDayAreSeenThoughTheyNameNoHour) {
  for (const char* database : {"utc", "tokyo", "local"}) {
    for (const char* today : {"current_date", "(now() AT TIME ZONE 'Asia/Shanghai')::date"}) {
      Make(database, "date");
      EXPECT_EQ(SeenAfterSnapshot(database, today, R"(,"overlap_s":0)"), 1u)
          << database << " " << today;
      for (const char* format : {"YYYYMMDD", "YYYY-MM-DD", "YYYY年MM月DD日"}) {
        Make(database, "text");
        EXPECT_EQ(SeenAfterSnapshot(database, StrCat("to_char(", today, ", '", format, "')"),
                                    R"(,"overlap_s":0,"time_type":"text")"),
                  1u)
            << database << " " << today << " " << format;
      }
    }
  }
  for (const char* format : {"YYYY-MM-DD HH24:MI", "YYYYMMDDHH24MISS"}) {
    Make("local", "text");
    EXPECT_EQ(SeenAfterSnapshot("local", StrCat("to_char(now(), '", format, "')"),
                                R"(,"overlap_s":0,"time_type":"text")"),
              1u)
        << format;
  }
}

// A transaction that wrote yesterday's date before midnight and is committed after it.
TEST_F(SourceZoneTest, TheOverlapMayReachIntoTheDayBefore) {
  Make("local", "date");
  SourceReader reader("local", "zoned", R"("id")", R"(,"overlap_s":86400)");
  reader.Names();
  Insert("local", 1, "current_date - 1");
  Insert("local", 2, "current_date - 3");
  EXPECT_EQ(reader.Names(), (std::map<std::string, int>{{"row1", 1}}));
}

// A text without an hour is of no other day than its own.
TEST_F(SourceZoneTest, ATextsTimeIsOfTheZoneThatIsNamed) {
  Make("local", "text");
  EXPECT_EQ(SeenAfterSnapshot("local", "to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')",
                              R"(,"time_type":"text","time_zone":"UTC")"),
            1u);
}

}  // namespace
}  // namespace huiliu::postgresql
