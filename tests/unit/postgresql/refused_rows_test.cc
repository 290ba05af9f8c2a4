// Rows that the bureau's table refuses: kept with the reason, the rest lands, exactly once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "adapters/postgresql/connection.h"
#include "adapters/postgresql/landing.h"
#include "adapters/sdk/testkit/fake_host.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct Row {
  std::string id;
  std::optional<std::string> name, age;
  bool is_delete = false;
};

class RefusedRowsTest : public testing::Test {
 protected:
  void SetUp() override {
    table_ = absl::StrCat("refused_", ++made);
    landing_ = Open();
  }

  std::unique_ptr<PostgresqlLanding> Open() {
    auto landing = PostgresqlLanding::Open(
        sdk::Host(host_.table()),
        StrCat(R"({"dsn":")", ServerDsn("utf8"), R"(","table":")", table_, R"("})"));
    EXPECT_TRUE(landing.ok()) << landing.status();
    const std::vector<huiliu_field> fields = {Field("id", 1, 1), Field("name", 1, 0),
                                              Field("age", 2, 0)};
    const huiliu_dataset dataset = {sizeof(huiliu_dataset), sdk::ToBytes("t.person"),
                                    sdk::ToBytes("人员"),   1,
                                    fields.data(),          fields.size()};
    const absl::Status prepared = (*landing)->Prepare(dataset);
    EXPECT_TRUE(prepared.ok()) << prepared;
    return *std::move(landing);
  }
  static huiliu_field Field(const char* name, int32_t type, int key) {
    return {sizeof(huiliu_field), sdk::ToBytes(name), sdk::ToBytes(name), type, key, 0};
  }

  absl::Status Land(const std::vector<Row>& rows, const std::string& cursor, bool reset = false) {
    std::vector<std::vector<huiliu_cell>> cells;
    std::vector<huiliu_change> changes;
    for (const Row& row : rows) {
      const auto cell = [](const std::optional<std::string>& text) {
        return text ? huiliu_cell{1, sdk::ToBytes(*text)} : huiliu_cell{0, {nullptr, 0}};
      };
      cells.push_back({{1, sdk::ToBytes(row.id)}, cell(row.name), cell(row.age)});
      huiliu_change change{};
      change.is_delete = row.is_delete ? 1 : 0;
      change.system = sdk::ToBytes("si");
      change.division = sdk::ToBytes("530102");
      change.arrival_time_us = 1760000001000000;
      changes.push_back(change);
    }
    for (size_t i = 0; i < changes.size(); ++i) changes[i].cells = cells[i].data();
    return landing_->Apply(changes, cursor, reset);
  }

  void Sql(const std::string& sql) { Execute("utf8", sql); }
  std::string Ids() {
    return Execute("utf8",
                   StrCat("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM ", table_));
  }
  std::string Logged() {
    std::string all;
    for (const sdk::FakeHost::Line& line : host_.lines()) absl::StrAppend(&all, line.text, "\n");
    return all;
  }
  json Kept() { return json::parse(*landing_->Kept("")); }
  json Redrive(const std::string& ids = "[]") {
    const auto answers = landing_->Redrive(ids);
    EXPECT_TRUE(answers.ok()) << answers.status();
    return json::parse(answers.ok() ? *answers : "[]");
  }
  std::string Alter(const std::string& what) { return StrCat("ALTER TABLE ", table_, " ", what); }

  static int made;
  std::string table_;
  sdk::FakeHost host_;
  std::unique_ptr<PostgresqlLanding> landing_;
};
int RefusedRowsTest::made = 0;

TEST_F(RefusedRowsTest, TheRestOfTheBatchLandsAndTheCursorMoves) {
  Sql(Alter("ADD CONSTRAINT adult CHECK (age >= 18)"));
  std::vector<Row> rows;
  for (int i = 0; i < 500; ++i)
    rows.push_back({StrCat("p", i), "secret-name", StrCat(i % 100 == 7 ? 7 : 30)});
  ASSERT_TRUE(Land(rows, "c1").ok());
  EXPECT_EQ(Execute("utf8", StrCat("SELECT count(*) FROM ", table_)), "495");
  EXPECT_EQ(*landing_->Cursor(), "c1");
  EXPECT_EQ(*landing_->KeptCount(), 5U);
  const json kept = Kept();
  ASSERT_EQ(kept.size(), 5U);
  EXPECT_EQ(kept[0]["reason"], "23514");
  EXPECT_EQ(kept[0]["place"], "constraint adult");
  EXPECT_EQ(kept[0]["batch_place"], "8/500");
  EXPECT_THAT(kept.dump(), Not(HasSubstr("secret")));
  EXPECT_THAT(Logged(), testing::AllOf(HasSubstr("t.person"), HasSubstr("23514"),
                                       HasSubstr("adult"), HasSubstr("row 8 of 500"),
                                       Not(HasSubstr("secret")), Not(HasSubstr("p107"))));
  const json shown = json::parse(*landing_->Kept(kept[1]["id"].get<std::string>()));
  EXPECT_EQ(shown[0]["cells"]["id"], "p107");
  EXPECT_EQ(shown[0]["cells"]["name"], "secret-name");
}

TEST_F(RefusedRowsTest, EveryKindOfRefusalNamesItsPlace) {
  Sql(Alter("ALTER COLUMN name SET NOT NULL"));
  Sql(Alter("ADD CONSTRAINT one_name UNIQUE (name)"));
  Sql(Alter("ADD CONSTRAINT late CHECK (true)"));
  Sql(StrCat(
      "CREATE FUNCTION no_", table_,
      "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
      "NEW.age = 99 THEN RAISE EXCEPTION 'secret %', NEW.id; END IF; IF NEW.age = 98 THEN RAISE "
      "'secret %', NEW.id USING ERRCODE = '23514'; END IF; IF NEW.age = 97 THEN RAISE "
      "'secret %', NEW.id USING ERRCODE = 'UE001'; END IF; RETURN NEW; END $$; "
      "CREATE TRIGGER no BEFORE INSERT OR UPDATE ON ",
      table_, " FOR EACH ROW EXECUTE PROCEDURE no_", table_, "()"));
  ASSERT_TRUE(Land({{"1", "a", "1"},
                    {"2", std::nullopt, "2"},
                    {"3", "a", "3"},
                    {"4", "d", "99999999999999999999"},
                    {"5", std::string("e\0e", 3), "5"},
                    {"6", "\xff\xfe", "6"},
                    {"7", "g", "99"},
                    {"8", "h", "8"},
                    {"9", "i", "98"},
                    {"10", "j", "97"}},
                   "c1")
                  .ok());
  EXPECT_EQ(Ids(), "1 8");
  std::map<std::string, std::string> why;
  for (const json& row : Kept())
    why[row["reason"].get<std::string>() + " " + row["batch_place"].get<std::string>()] =
        row["place"];
  EXPECT_EQ(why, (std::map<std::string, std::string>{{"23502 2/10", "column name"},
                                                     {"23505 3/10", "constraint one_name"},
                                                     {"22003 4/10", "column age"},
                                                     {"22021 5/10", "column name"},
                                                     {"22021 6/10", why["22021 6/10"]},
                                                     {"P0001 7/10", ""},
                                                     {"23514 9/10", ""},
                                                     {"UE001 10/10", ""}}));
  EXPECT_THAT(Logged(), Not(HasSubstr("secret")));
}

TEST_F(RefusedRowsTest, ADeferredConstraintRefusesItsRowOnly) {
  Sql(StrCat("CREATE TABLE parent_", table_, " (id text PRIMARY KEY); INSERT INTO parent_", table_,
             " VALUES ('x')"));
  Sql(Alter(StrCat("ADD CONSTRAINT parent FOREIGN KEY (name) REFERENCES parent_", table_,
                   " DEFERRABLE INITIALLY DEFERRED")));
  ASSERT_TRUE(Land({{"1", "x", "1"}, {"2", "orphan", "1"}, {"3", "x", "1"}}, "c1").ok());
  EXPECT_EQ(Ids(), "1 3");
  EXPECT_EQ(Kept()[0]["place"], "constraint parent");
  Sql(StrCat("INSERT INTO parent_", table_, " VALUES ('orphan')"));
  EXPECT_EQ(Redrive()[0]["error"], "");
  EXPECT_EQ(Ids(), "1 2 3");
}

TEST_F(RefusedRowsTest, WhatItNeededMayStandBehindItInTheBatch) {
  Sql(StrCat("CREATE TABLE other_", table_, " (id text PRIMARY KEY)"));
  Sql(Alter(StrCat("ADD CONSTRAINT mentor FOREIGN KEY (name) REFERENCES other_", table_)));
  Sql(StrCat("CREATE FUNCTION add_", table_,
             "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
             "INSERT INTO other_",
             table_,
             " VALUES (NEW.id); RETURN NEW; END $$; CREATE TRIGGER "
             "add BEFORE INSERT ON ",
             table_, " FOR EACH ROW EXECUTE PROCEDURE add_", table_, "()"));
  Sql(Alter("ADD CONSTRAINT adult CHECK (age >= 18)"));
  ASSERT_TRUE(
      Land({{"1", "9", "20"}, {"2", std::nullopt, "5"}, {"9", std::nullopt, "20"}}, "c1").ok());
  EXPECT_EQ(Ids(), "1 9");
  EXPECT_EQ(*landing_->KeptCount(), 1U);
}

TEST_F(RefusedRowsTest, ALaterVersionSettlesIt) {
  Sql(Alter("ADD CONSTRAINT adult CHECK (age >= 18)"));
  ASSERT_TRUE(Land({{"1", "a", "20"}, {"2", "b", "5"}}, "c1").ok());
  ASSERT_TRUE(Land({{"2", "b", "6"}, {"3", "c", "7"}}, "c2").ok());
  EXPECT_EQ(*landing_->KeptCount(), 2U) << "a later version that is refused, too, replaces it";
  ASSERT_TRUE(Land({{"2", "b", "21"}}, "c3").ok());
  EXPECT_EQ(*landing_->KeptCount(), 1U);
  EXPECT_EQ(Ids(), "1 2");
  ASSERT_TRUE(Land({{"3", std::nullopt, std::nullopt, true}}, "c4").ok());
  EXPECT_EQ(*landing_->KeptCount(), 0U) << "a row that is gone needs no repair";
  EXPECT_EQ(*landing_->Cursor(), "c4");
}

TEST_F(RefusedRowsTest, RedriveLandsItAfterTheTableWasChanged) {
  Sql(Alter("ADD CONSTRAINT adult CHECK (age >= 18)"));
  ASSERT_TRUE(Land({{"1", "甲", "5"}, {"2", "b", "6"}}, "c1").ok());
  EXPECT_THAT(Redrive()[0]["error"].get<std::string>(), HasSubstr("adult"));
  EXPECT_EQ(Kept()[0]["tries"], 2);
  Sql(Alter("DROP CONSTRAINT adult"));
  const std::string second = Kept()[1]["id"];
  EXPECT_EQ(Redrive(StrCat("[\"", second, "\"]"))[0]["error"], "");
  EXPECT_EQ(Ids(), "2");
  EXPECT_THAT(Redrive(StrCat("[\"", second, "\",\"x\"]"))[0]["error"].get<std::string>(),
              HasSubstr("has landed"));
  landing_.reset();
  landing_ = Open();
  EXPECT_EQ(*landing_->KeptCount(), 1U) << "kept in the database, not in the process";
  EXPECT_EQ(Redrive()[0]["error"], "");
  EXPECT_EQ(
      Execute("utf8", StrCat("SELECT name || age || _division FROM ", table_, " WHERE id = '1'")),
      "甲5530102");
  EXPECT_EQ(*landing_->KeptCount(), 0U);
  EXPECT_EQ(*landing_->Cursor(), "c1");
}

TEST_F(RefusedRowsTest, ARowLandsCorrected) {
  Sql(Alter("ADD CONSTRAINT adult CHECK (age >= 18)"));
  ASSERT_TRUE(Land({{"1", "甲", "5"}, {"2", "乙", "6"}}, "c1").ok());
  const std::string first = Kept()[0]["id"], second = Kept()[1]["id"];
  const auto correct = [&](const std::string& id, const std::string& cells) {
    return Redrive(StrCat(R"([{"id":")", id, R"(","cells":)", cells, "}]"))[0]["error"]
        .get<std::string>();
  };
  EXPECT_THAT(correct(first, R"({"age":"7"})"), HasSubstr("adult")) << "still too young";
  EXPECT_THAT(correct(first, R"({"id":"9"})"), HasSubstr("主键"));
  EXPECT_THAT(correct(first, R"({"size":"9"})"), HasSubstr("size"));
  EXPECT_THAT(correct(first, R"({"age":7})"), HasSubstr("age"));
  EXPECT_EQ(*landing_->KeptCount(), 2U);
  EXPECT_EQ(correct(first, R"({"age":"50"})"), "");
  EXPECT_EQ(correct(second, R"({"age":null})"), "");
  EXPECT_EQ(Execute("utf8", StrCat("SELECT string_agg(name || coalesce(age::text, '-'), ' ' ORDER "
                                   "BY id) FROM ",
                                   table_)),
            "甲50 乙-");
  EXPECT_EQ(*landing_->KeptCount(), 0U);
}

TEST_F(RefusedRowsTest, ANewSnapshotForgetsThem) {
  Sql(Alter("ADD CONSTRAINT adult CHECK (age >= 18)"));
  ASSERT_TRUE(Land({{"1", "a", "5"}}, "c1").ok());
  ASSERT_TRUE(Land({{"2", "b", "20"}, {"3", "c", "5"}}, "c2", true).ok());
  EXPECT_EQ(Ids(), "2");
  ASSERT_EQ(*landing_->KeptCount(), 1U);
  EXPECT_EQ(Kept()[0]["batch_place"], "2/2");
}

TEST_F(RefusedRowsTest, ATableThatIsGoneOrForbiddenStillStops) {
  ASSERT_TRUE(Land({{"1", "a", "5"}}, "c1").ok());
  Sql(StrCat("ALTER TABLE ", table_, " RENAME TO away_", table_));
  EXPECT_EQ(Land({{"2", "a", "5"}}, "c2").code(), absl::StatusCode::kNotFound);
  Sql(StrCat("ALTER TABLE away_", table_, " RENAME TO ", table_));
  Sql(Alter("ALTER COLUMN age TYPE boolean USING true"));
  EXPECT_EQ(Land({{"2", "a", "5"}}, "c2").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*landing_->Cursor(), "c1");
  EXPECT_EQ(*landing_->KeptCount(), 0U);
}

}  // namespace
}  // namespace huiliu::postgresql
