// What the plugin says when its database fails, and that it goes on afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "adapters/postgresql/connection.h"
#include "adapters/postgresql/landing.h"
#include "adapters/postgresql/source.h"
#include "adapters/sdk/testkit/fake_host.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

huiliu_field Field(const char* name, int32_t type, int key) {
  return {sizeof(huiliu_field), sdk::ToBytes(name), sdk::ToBytes(name), type, key, 0};
}

class PostgresqlFailureTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresqlLanding> OpenLanding(const std::string& table) {
    auto landing = PostgresqlLanding::Open(
        sdk::Host(host_.table()), StrCat(R"({"dsn":")", ServerDsn("utf8"), R"(","table":")", table,
                                         R"(","lock_timeout_ms":200})"));
    EXPECT_TRUE(landing.ok()) << landing.status();
    return *std::move(landing);
  }
  absl::Status Prepare(PostgresqlLanding* landing) {
    const huiliu_dataset dataset = {sizeof(huiliu_dataset), sdk::ToBytes("t.person"),
                                    sdk::ToBytes("人员"),   1,
                                    fields_.data(),         fields_.size()};
    return landing->Prepare(dataset);
  }
  static absl::Status Land(PostgresqlLanding* landing, const std::string& id,
                           const std::string& cursor) {
    const huiliu_cell cells[] = {{1, sdk::ToBytes(id)}, {1, sdk::ToBytes("secret-of-the-row")}};
    huiliu_change change{};
    change.cells = cells;
    change.system = sdk::ToBytes("si");
    change.division = sdk::ToBytes("530102");
    change.arrival_time_us = 1760000001000000;
    return landing->Apply({&change, 1}, cursor, false);
  }
  std::unique_ptr<PostgresqlSource> OpenSource() {
    auto source = PostgresqlSource::Open(
        sdk::Host(host_.table()),
        StrCat(
            R"({"dsn":")", ServerDsn("utf8"),
            R"(","table":"readings","key":["id"],"time_column":"changed","poll_interval_ms":1})"),
        "");
    EXPECT_TRUE(source.ok()) << source.status();
    return *std::move(source);
  }

  const std::vector<huiliu_field> fields_ = {Field("id", 1, 1), Field("name", 1, 0)};
  sdk::FakeHost host_;
};

TEST_F(PostgresqlFailureTest, ALockedTableIsNamedAndLandingGoesOn) {
  const auto landing = OpenLanding("locked");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  auto holder = Connection::Open(ServerDsn("utf8"));
  ASSERT_TRUE(holder.ok());
  ASSERT_TRUE((*holder)->Execute("BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE").ok());
  const absl::Status refused = Land(landing.get(), "2", "c2");
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);  // tried again
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("127.0.0.1/utf8"), HasSubstr("55P03"), HasSubstr("public.locked"),
                    Not(HasSubstr("secret"))));
  ASSERT_TRUE((*holder)->Execute("ROLLBACK").ok());
  EXPECT_EQ(*landing->Cursor(), "c1");
  EXPECT_TRUE(Land(landing.get(), "2", "c2").ok());
  EXPECT_EQ(Execute("utf8", "SELECT count(*) FROM locked"), "2");
}

// A table that landed before there were envelope columns gets them, with their Chinese comments.
TEST_F(PostgresqlFailureTest, EnvelopeColumnsAreAddedToATableThatIsThere) {
  auto landing = OpenLanding("enveloped");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  landing.reset();
  landing = OpenLanding("enveloped");
  const huiliu_field envelope[] = {
      {sizeof(huiliu_field), sdk::ToBytes("_row_id"), sdk::ToBytes("来源行标识"), 1, 0, 0},
      {sizeof(huiliu_field), sdk::ToBytes("_conflict"), sdk::ToBytes("归属证据冲突"), 4, 0, 0}};
  const huiliu_dataset dataset = {sizeof(huiliu_dataset),
                                  sdk::ToBytes("t.person"),
                                  sdk::ToBytes("人员"),
                                  1,
                                  fields_.data(),
                                  fields_.size(),
                                  envelope,
                                  2};
  ASSERT_TRUE(landing->Prepare(dataset).ok());
  EXPECT_EQ(*landing->Cursor(), "c1");
  const huiliu_cell cells[] = {{1, sdk::ToBytes("2")},
                               {1, sdk::ToBytes("王")},
                               {1, sdk::ToBytes("a.csv:17")},
                               {1, sdk::ToBytes("true")}};
  huiliu_change change{};
  change.cells = cells;
  change.system = sdk::ToBytes("si");
  ASSERT_TRUE(landing->Apply({&change, 1}, "c2", false).ok());
  EXPECT_EQ(Execute("utf8",
                    "SELECT string_agg(concat_ws('/', id, _row_id, _conflict::text), ' ' ORDER BY "
                    "id) FROM enveloped"),
            "1 2/a.csv:17/true");
  EXPECT_EQ(Execute("utf8",
                    "SELECT col_description('enveloped'::regclass, attnum) FROM pg_attribute WHERE "
                    "attrelid = 'enveloped'::regclass AND attname = '_conflict'"),
            "归属证据冲突");
}

// A7: a cursor says what a table holds; a table that went, or was made anew, holds nothing of it.
TEST_F(PostgresqlFailureTest, ATableThatWentOrWasMadeAnewIsFilledAnew) {
  auto landing = OpenLanding("lost");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  landing.reset();
  landing = OpenLanding("lost");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  EXPECT_EQ(*landing->Cursor(), "c1") << "the same table goes on";
  const auto warned = [&] {
    std::string all;
    for (const sdk::FakeHost::Line& line : host_.lines()) absl::StrAppend(&all, line.text, "\n");
    return all;
  };
  EXPECT_THAT(warned(), Not(HasSubstr("public.lost")));
  landing.reset();
  Execute("utf8", "DROP TABLE lost");
  landing = OpenLanding("lost");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  EXPECT_EQ(*landing->Cursor(), "");
  EXPECT_THAT(warned(), HasSubstr("table public.lost is gone"));
  ASSERT_TRUE(Land(landing.get(), "1", "c2").ok());
  // Restored from an older copy, while the landing runs.
  Execute("utf8",
          "CREATE TABLE copy AS TABLE lost; ALTER TABLE copy ADD PRIMARY KEY (_system, id);"
          "DROP TABLE lost; ALTER TABLE copy RENAME TO lost");
  EXPECT_EQ(Land(landing.get(), "2", "c3").code(), absl::StatusCode::kAborted);
  landing.reset();
  landing = OpenLanding("lost");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  EXPECT_EQ(*landing->Cursor(), "") << "c2 was of the table before";
  EXPECT_THAT(warned(), HasSubstr("made anew or restored"));
}

// Its name is given to another table while the landing runs: that one is left alone until it is
// filled anew, whatever the batch.
TEST_F(PostgresqlFailureTest, ATableSwappedByRenameWhileTheLandingRunsGetsNoRow) {
  auto landing = OpenLanding("swapped");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  Execute("utf8",
          "CREATE TABLE twin (LIKE swapped INCLUDING ALL); INSERT INTO twin SELECT 'bureau', NULL, "
          "NULL, NULL, 'own', NULL; ALTER TABLE swapped RENAME TO swapped_old; ALTER TABLE twin "
          "RENAME TO swapped");
  const std::string rows = "SELECT string_agg(id, ' ' ORDER BY id) FROM ";
  const absl::Status refused = Land(landing.get(), "2", "c2");
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);  // prepared anew, without an end
  EXPECT_THAT(
      std::string(refused.message()),
      AllOf(HasSubstr("换成了另一张表"), HasSubstr("table public.swapped became another one"),
            HasSubstr("127.0.0.1/utf8"), Not(HasSubstr("secret"))));
  // Neither a batch without rows, nor a new snapshot, nor one whose rows are refused.
  EXPECT_EQ(landing->Apply({}, "c3", false).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(landing->Apply({}, "c3", true).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Land(landing.get(), std::string("2\0", 2), "c3").code(), absl::StatusCode::kAborted);
  EXPECT_EQ(landing->Redrive("[]").status().code(), absl::StatusCode::kOk) << "nothing is kept";
  EXPECT_EQ(Execute("utf8", rows + "swapped"), "own");
  EXPECT_EQ(Execute("utf8", rows + "swapped_old"), "1");
  EXPECT_EQ(Execute("utf8",
                    "SELECT count(*) FROM huiliu_landing_kept WHERE target = "
                    "'public.swapped'"),
            "0");
  // As a table that was dropped and made anew.
  ASSERT_TRUE(Prepare(landing.get()).ok());
  EXPECT_EQ(*landing->Cursor(), "");
  ASSERT_TRUE(Land(landing.get(), "2", "c4").ok());
  EXPECT_EQ(*landing->Cursor(), "c4");
  // The other way round: the cursor is never told for a table that it does not speak of.
  Execute("utf8",
          "UPDATE huiliu_landing_cursor SET relation = relation + 1 WHERE target = "
          "'public.swapped'");
  EXPECT_EQ(landing->Cursor().status().code(), absl::StatusCode::kAborted);
}

TEST_F(PostgresqlFailureTest, ARedriveIntoASwappedTableIsRefused) {
  auto landing = OpenLanding("redriven");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  Execute("utf8", "ALTER TABLE redriven ADD CONSTRAINT named CHECK (name IS NULL)");
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  ASSERT_EQ(*landing->KeptCount(), 1U);
  Execute("utf8",
          "CREATE TABLE other (LIKE redriven INCLUDING ALL); ALTER TABLE other DROP CONSTRAINT "
          "named; ALTER TABLE redriven RENAME TO redriven_old; ALTER TABLE other RENAME TO "
          "redriven");
  EXPECT_EQ(landing->Redrive("[]").status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Execute("utf8", "SELECT count(*) FROM redriven"), "0");
}

TEST_F(PostgresqlFailureTest, ATableOfCursorsOfBeforeGetsItsColumn) {
  auto landing = OpenLanding("elder");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  landing.reset();
  Execute("utf8", "ALTER TABLE huiliu_landing_cursor DROP COLUMN relation");
  landing = OpenLanding("elder");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  EXPECT_EQ(*landing->Cursor(), "c1");
  ASSERT_TRUE(Land(landing.get(), "2", "c2").ok());
  landing.reset();
  Execute("utf8", "DROP TABLE elder; UPDATE huiliu_landing_cursor SET relation = NULL");
  landing = OpenLanding("elder");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  EXPECT_EQ(*landing->Cursor(), "");
}

TEST_F(PostgresqlFailureTest, TwoLandingsIntoOneTableAreRefused) {
  auto first = OpenLanding("shared");
  ASSERT_TRUE(Prepare(first.get()).ok());
  const auto second = OpenLanding("shared");
  const absl::Status refused = Prepare(second.get());
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("another landing holds table public.shared"));
  first.reset();
  EXPECT_TRUE(Prepare(second.get()).ok());
}

TEST_F(PostgresqlFailureTest, AMissingDatabaseOrColumnIsNamed) {
  const auto missing = PostgresqlLanding::Open(
      sdk::Host(host_.table()),
      StrCat(R"({"dsn":")", ServerDsn("nowhere"), R"( password=hidden","table":"t"})"));
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()),
              AllOf(HasSubstr("127.0.0.1/nowhere"), Not(HasSubstr("hidden"))));
  Execute("utf8", "CREATE TABLE timeless (id int PRIMARY KEY)");
  const auto timeless = PostgresqlSource::Open(
      sdk::Host(host_.table()),
      StrCat(R"({"dsn":")", ServerDsn("utf8"),
             R"(","table":"timeless","key":["id"],"time_column":"changed"})"),
      "");
  EXPECT_EQ(timeless.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(timeless.status().message()),
              HasSubstr("table timeless has no time column changed"));
}

// The server ends as in a crash while a source and a landing are open.
TEST_F(PostgresqlFailureTest, AfterTheServersCrashNothingIsLost) {
  Execute("utf8",
          "CREATE TABLE readings (id int PRIMARY KEY, changed timestamptz); INSERT INTO readings "
          "SELECT i, timestamptz '2024-01-01' + i * interval '1 s' FROM generate_series(1, 30) i");
  const auto source = OpenSource();
  const auto landing = OpenLanding("crashed");
  ASSERT_TRUE(Prepare(landing.get()).ok());
  ASSERT_TRUE(Land(landing.get(), "1", "c1").ok());
  const huiliu_rows* rows = nullptr;
  ASSERT_TRUE(source->Poll(10, 0, &rows).ok());
  ASSERT_EQ(rows->row_count, 10U);
  Server().Crash();
  for (int i = 0; i < 2; ++i) {  // the cut session first, then no server to connect to
    const absl::Status away = source->Poll(10, 0, &rows);
    EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(away.message()),
                AllOf(HasSubstr("127.0.0.1/utf8"), Not(HasSubstr("\n"))));
  }
  EXPECT_EQ(Land(landing.get(), "2", "c2").code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(Server().StartAgain().ok());
  std::string ids;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(source->Poll(10, 0, &rows).ok());
    for (size_t r = 0; r < rows->row_count; ++r)
      absl::StrAppend(&ids, sdk::ToView(rows->rows[r].cells[0].value), " ");
  }
  EXPECT_THAT(ids, testing::StartsWith("11 12 13 "));
  EXPECT_THAT(ids, HasSubstr(" 29 30 "));
  const auto reopened = OpenLanding("crashed");
  ASSERT_TRUE(Prepare(reopened.get()).ok());
  EXPECT_EQ(*reopened->Cursor(), "c1");
  EXPECT_TRUE(Land(reopened.get(), "2", "c2").ok());
}

// Stopped after every batch of a round of changes: it goes on where it was, not at the round's
// begin.
TEST_F(PostgresqlFailureTest, ARoundOfChangesGoesOnWhereItWasLeft) {
  Execute("utf8", "CREATE TABLE changing (id int PRIMARY KEY, changed timestamptz)");
  const std::string options =
      StrCat(R"({"dsn":")", ServerDsn("utf8"),
             R"(","table":"changing","key":["id"],"time_column":"changed","overlap_s":0})");
  std::string position;
  std::string ids;
  const auto poll_once = [&] {
    auto source = PostgresqlSource::Open(sdk::Host(host_.table()), options, position);
    ASSERT_TRUE(source.ok()) << source.status();
    const huiliu_rows* rows = nullptr;
    ASSERT_TRUE((*source)->Poll(3, 0, &rows).ok());
    for (size_t r = 0; r < rows->row_count; ++r)
      absl::StrAppend(&ids, sdk::ToView(rows->rows[r].cells[0].value), " ");
    position = std::string(sdk::ToView(rows->position));
  };
  poll_once();
  Execute("utf8", "INSERT INTO changing SELECT i, now() FROM generate_series(1, 8) i");
  for (int i = 0; i < 5; ++i) poll_once();
  EXPECT_EQ(ids, "1 2 3 4 5 6 7 8 ");
}

// What a source gives until it is caught up: how often each row's text came, and the notices.
struct Given {
  std::map<std::string, int> rows;
  std::string notices;
};
Given ReadUntilCaughtUp(PostgresqlSource* source, size_t max_rows) {
  Given given;
  for (int i = 0; i < 1000; ++i) {
    const huiliu_rows* rows = nullptr;
    const absl::Status status = source->Poll(max_rows, 20, &rows);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return given;
    EXPECT_LE(rows->row_count, max_rows);
    for (size_t r = 0; r < rows->row_count; ++r)
      ++given.rows[std::string(sdk::ToView(rows->rows[r].cells[1].value))];
    for (size_t n = 0; n < rows->notice_count; ++n)
      absl::StrAppend(&given.notices, sdk::ToView(rows->notices[n]), "\n");
    if (rows->row_count == 0 && rows->caught_up != 0) return given;
  }
  ADD_FAILURE() << "never caught up";
  return given;
}

TEST_F(PostgresqlFailureTest, RowsThatShareAKeyAreNotLostBetweenPages) {
  Execute("utf8",
          "CREATE TABLE twins (id int, name text, changed timestamptz); INSERT INTO twins SELECT "
          "i / 3, 'row' || i, '2026-01-01'::timestamptz + i / 6 * interval '1 s' FROM "
          "generate_series(0, 99) i");
  auto source = PostgresqlSource::Open(
      sdk::Host(host_.table()),
      StrCat(R"({"dsn":")", ServerDsn("utf8"),
             R"(","table":"twins","key":["id"],"time_column":"changed","poll_interval_ms":1,)",
             R"("page_rows":4})"),
      "");
  ASSERT_TRUE(source.ok()) << source.status();
  const Given all = ReadUntilCaughtUp(source->get(), 4);
  EXPECT_EQ(all.rows.size(), 100u);
  EXPECT_THAT(all.notices, HasSubstr("twins"));
  Execute("utf8", "UPDATE twins SET name = name || '!', changed = now() WHERE id = 7");
  const Given changed = ReadUntilCaughtUp(source->get(), 4);
  EXPECT_EQ(changed.rows.size(), 3u) << "all three rows of the key";

  Execute("utf8", "UPDATE twins SET id = 7, changed = '2027-01-01' WHERE id < 7");
  const huiliu_rows* rows = nullptr;
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = (*source)->Poll(4, 20, &rows);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << "more of one key than a page";
  EXPECT_THAT(std::string(status.message()), HasSubstr("twins"));
}

TEST_F(PostgresqlFailureTest, RowsWithoutATimeAreReadWheneverTheyComeOrChange) {
  Execute("utf8",
          "CREATE TABLE undated (id int PRIMARY KEY, name text, changed timestamptz); INSERT INTO "
          "undated VALUES (1, 'a', now()), (2, 'b', NULL)");
  const std::string options =
      StrCat(R"({"dsn":")", ServerDsn("utf8"),
             R"(","table":"undated","key":["id"],"time_column":"changed","poll_interval_ms":1})");
  auto source = PostgresqlSource::Open(sdk::Host(host_.table()), options, "");
  ASSERT_TRUE(source.ok()) << source.status();
  const Given all = ReadUntilCaughtUp(source->get(), 3);
  EXPECT_EQ(all.rows, (std::map<std::string, int>{{"a", 1}, {"b", 1}}));
  EXPECT_THAT(all.notices, AllOf(HasSubstr("undated"), HasSubstr("changed")));
  Execute("utf8",
          "INSERT INTO undated SELECT i, 'row' || i, NULL FROM generate_series(10, 19) i; "
          "UPDATE undated SET name = 'c', changed = NULL WHERE id = 1");
  const auto read_all_of = [&](size_t count) {
    std::map<std::string, int> rows;
    for (int i = 0; i < 1000 && rows.size() < count; ++i)
      for (const auto& [name, times] : ReadUntilCaughtUp(source->get(), 3).rows)
        rows[name] += times;
    return rows;
  };
  const auto more = read_all_of(11);
  EXPECT_EQ(more.size(), 11u);
  EXPECT_EQ(more.count("c"), 1u) << "a row that lost its time";
  Execute("utf8", "UPDATE undated SET name = 'd' WHERE id = 2");
  EXPECT_EQ(read_all_of(1), (std::map<std::string, int>{{"d", 1}}));
}

// A12: everything is VARCHAR. Values that say no time are rows without one.
TEST_F(PostgresqlFailureTest, ATimeMayBeText) {
  Execute("utf8",
          "CREATE TABLE texts (id int PRIMARY KEY, name text, changed varchar(40)); INSERT INTO "
          "texts VALUES (1, 'dash', '2024-01-06 08:00:00'), (2, 'slash', ' 2024/1/6 8:00 '), "
          "(3, 'compact', '20240106080000'), (4, 'chinese', '2024年1月6日'), (5, 'day', "
          "'2024-02-31'), (6, 'junk', '昨天'), (7, 'empty', ''), (8, 'none', NULL), (9, 'hour', "
          "'2024-01-06 25:00:00'), (10, 'zero', '0000-00-00 00:00:00'), (11, 'fraction', "
          "'2024-01-06T08:00:00.123')");
  const auto options = [](const char* more) {
    return StrCat(R"({"dsn":")", ServerDsn("utf8"),
                  R"(","table":"texts","key":["id"],"time_column":"changed","poll_interval_ms":1)",
                  more, "}");
  };
  const absl::Status refused =
      PostgresqlSource::Open(sdk::Host(host_.table()), options(""), "").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("changed"), HasSubstr("character varying"), HasSubstr("time_type")));
  EXPECT_FALSE(
      PostgresqlSource::Open(sdk::Host(host_.table()), options(R"(,"time_type":"x")"), "").ok());
  auto source =
      PostgresqlSource::Open(sdk::Host(host_.table()), options(R"(,"time_type":"text")"), "");
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(ReadUntilCaughtUp(source->get(), 3).rows.size(), 11u) << "the snapshot has them all";
  const auto read = [&](size_t count) {
    std::set<std::string> names;
    for (int i = 0; i < 1000 && names.size() < count; ++i)
      for (const auto& [name, times] : ReadUntilCaughtUp(source->get(), 3).rows) names.insert(name);
    return names;
  };
  Execute("utf8",
          "UPDATE texts SET name = 'dated', changed = to_char(now() AT TIME ZONE 'Asia/Shanghai', "
          "'YYYY/MM/DD HH24:MI:SS') WHERE id < 4; UPDATE texts SET name = 'dated' || id WHERE "
          "changed LIKE '____/__/__ %'; UPDATE texts SET name = 'undated', changed = '明天' WHERE "
          "id = 9");
  EXPECT_EQ(read(4), (std::set<std::string>{"dated1", "dated2", "dated3", "undated"}));
  // In pages smaller than rows of one time, from wherever it was left.
  std::string position;
  std::set<std::string> ids;
  for (int i = 0; i < 300 && ids.size() < 11; ++i) {
    auto again = PostgresqlSource::Open(sdk::Host(host_.table()),
                                        options(R"(,"time_type":"text","page_rows":1)"), position);
    ASSERT_TRUE(again.ok()) << again.status();
    const huiliu_rows* rows = nullptr;
    ASSERT_TRUE((*again)->Poll(1, 20, &rows).ok());
    for (size_t r = 0; r < rows->row_count; ++r)
      ids.insert(std::string(sdk::ToView(rows->rows[r].row_id)));
    position = std::string(sdk::ToView(rows->position));
  }
  EXPECT_EQ(ids.size(), 11u);
}

TEST_F(PostgresqlFailureTest, ATimeColumnOfAnotherTypeIsNamed) {
  Execute("utf8", "CREATE TABLE numbers (id int PRIMARY KEY, name text, changed bigint)");
  for (const char* type : {"text", "timestamp"}) {
    const absl::Status refused =
        PostgresqlSource::Open(
            sdk::Host(host_.table()),
            StrCat(R"({"dsn":")", ServerDsn("utf8"),
                   R"(","table":"numbers","key":["id"],"time_column":"changed","time_type":")",
                   type, "\"}"),
            "")
            .status();
    EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("bigint"), HasSubstr("changed")));
  }
}

TEST_F(PostgresqlFailureTest, RowsWithoutAKeyAreReadToo) {
  Execute("utf8",
          "CREATE TABLE keyless (id int, name text, changed timestamptz); INSERT INTO keyless "
          "SELECT CASE WHEN i % 3 > 0 THEN i END, 'row' || i, CASE WHEN i % 4 > 0 THEN now() END "
          "FROM generate_series(1, 60) i");
  std::string position;
  std::set<std::string> names;
  // A new source at each page: the pass goes on where the position says.
  for (int i = 0; i < 200 && names.size() < 60; ++i) {
    auto source = PostgresqlSource::Open(
        sdk::Host(host_.table()),
        StrCat(R"({"dsn":")", ServerDsn("utf8"),
               R"(","table":"keyless","key":["id"],"time_column":"changed",)",
               R"("poll_interval_ms":1,"page_rows":7})"),
        position);
    ASSERT_TRUE(source.ok()) << source.status();
    const huiliu_rows* rows = nullptr;
    ASSERT_TRUE((*source)->Poll(7, 20, &rows).ok());
    for (size_t r = 0; r < rows->row_count; ++r)
      names.insert(std::string(sdk::ToView(rows->rows[r].cells[1].value)));
    position = std::string(sdk::ToView(rows->position));
  }
  EXPECT_EQ(names.size(), 60u);
}

// Whoever owns a table alters it while it is read.
TEST_F(PostgresqlFailureTest, ATableThatIsAlteredIsReadByItsColumnsNames) {
  Execute("utf8",
          "CREATE TABLE altered (id int PRIMARY KEY, old text, name text, changed timestamptz); "
          "INSERT INTO altered SELECT i, 'old', 'name' || i, now() FROM generate_series(1, 9) i");
  auto source = PostgresqlSource::Open(
      sdk::Host(host_.table()),
      StrCat(R"({"dsn":")", ServerDsn("utf8"),
             R"(","table":"altered","key":["id"],"time_column":"changed","poll_interval_ms":1})"),
      "");
  ASSERT_TRUE(source.ok()) << source.status();
  std::string notices;
  // Rows by id, each with its cells by column.
  const auto read = [&](size_t count) {
    std::map<std::string, std::map<std::string, std::string>> found;
    for (int i = 0; i < 1000 && found.size() < count; ++i) {
      const huiliu_rows* rows = nullptr;
      EXPECT_TRUE((*source)->Poll(100, 20, &rows).ok());
      for (size_t n = 0; n < rows->notice_count; ++n)
        notices += std::string(sdk::ToView(rows->notices[n]));
      for (size_t r = 0; r < rows->row_count; ++r) {
        EXPECT_EQ(rows->rows[r].cell_count, rows->column_count);
        std::map<std::string, std::string> cells;
        for (size_t c = 0; c < rows->column_count; ++c)
          cells[std::string(sdk::ToView(rows->columns[c]))] =
              std::string(sdk::ToView(rows->rows[r].cells[c].value));
        found[cells["id"]] = cells;
      }
    }
    return found;
  };
  ASSERT_EQ(read(9).size(), 9u);
  Execute("utf8",
          "ALTER TABLE altered DROP COLUMN old; ALTER TABLE altered ADD COLUMN phone text; INSERT "
          "INTO altered (id, name, phone, changed) SELECT i, 'name' || i, 'phone' || i, "
          "clock_timestamp() FROM generate_series(10, 14) i");
  for (int i = 0; i < 100; ++i) {
    const auto rows = read(5);
    for (const auto& [id, cells] : rows) {
      EXPECT_EQ(cells.at("name"), "name" + id);
      EXPECT_EQ(cells.count("old"), 0u);
    }
    if (rows.count("14") == 0) continue;
    EXPECT_EQ(rows.at("14").at("phone"), "phone14");
    break;
  }
  EXPECT_THAT(notices, AllOf(HasSubstr("altered"), HasSubstr("phone")));
  Execute("utf8", "ALTER TABLE altered RENAME COLUMN changed TO at; UPDATE altered SET name = 'x'");
  absl::Status status;
  const huiliu_rows* rows = nullptr;
  for (int i = 0; i < 100 && status.ok(); ++i) status = (*source)->Poll(100, 20, &rows);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("changed"), HasSubstr("altered")));
}

TEST_F(PostgresqlFailureTest, LongValuesAreNamedAndPagesStaySmall) {
  Execute(
      "utf8",
      "CREATE TABLE long (id int PRIMARY KEY, name text, changed timestamptz); INSERT INTO long "
      "SELECT i, repeat('中', CASE i WHEN 40 THEN 2000000 ELSE 300000 END), now() FROM "
      "generate_series(1, 60) i");
  auto source = PostgresqlSource::Open(
      sdk::Host(host_.table()),
      StrCat(R"({"dsn":")", ServerDsn("utf8"),
             R"(","table":"long","key":["id"],"time_column":"changed","poll_interval_ms":1})"),
      "");
  ASSERT_TRUE(source.ok()) << source.status();
  std::map<std::string, std::string> errors;  // by row id
  for (int i = 0; i < 1000 && errors.size() < 60; ++i) {
    const huiliu_rows* rows = nullptr;
    ASSERT_TRUE((*source)->Poll(1000, 20, &rows).ok());
    size_t bytes = 0;
    for (size_t r = 0; r < rows->row_count; ++r) {
      const huiliu_row& row = rows->rows[r];
      bytes += row.raw.size;
      errors[std::string(sdk::ToView(row.row_id))] =
          StrCat(sdk::ToView(row.error_code), " ", sdk::ToView(row.error_place));
    }
    EXPECT_LT(bytes, size_t{32} << 20) << "of one batch";
  }
  ASSERT_EQ(errors.size(), 60u) << "what stands behind it is read too";
  for (const auto& [row, error] : errors)
    EXPECT_EQ(error, row == "long:40" ? "value.too_long long:40:name" : " ") << row;
}

}  // namespace
}  // namespace huiliu::postgresql
