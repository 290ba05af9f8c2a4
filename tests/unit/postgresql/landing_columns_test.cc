// Columns of a landed table that somebody drops or renames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "adapters/postgresql/landing.h"
#include "adapters/sdk/testkit/fake_host.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using testing::AllOf;
using testing::HasSubstr;

class LandingColumnsTest : public testing::Test {
 protected:
  // Opens the landing of the table anew.
  absl::Status Prepare(const std::string& table, const std::vector<std::string>& fields) {
    landing_.reset();
    auto landing = PostgresqlLanding::Open(
        sdk::Host(host_.table()),
        StrCat(R"({"dsn":")", ServerDsn("utf8"), R"(","table":")", table, R"("})"));
    EXPECT_TRUE(landing.ok()) << landing.status();
    landing_ = *std::move(landing);
    std::vector<huiliu_field> described;
    for (const std::string& name : fields)
      described.push_back({sizeof(huiliu_field), sdk::ToBytes(name), sdk::ToBytes(name), 1,
                           name == "id" ? 1 : 0, 0});
    huiliu_dataset dataset{};
    dataset.struct_size = sizeof dataset;
    dataset.dataset = sdk::ToBytes("t.person");
    dataset.title = sdk::ToBytes("人员");
    dataset.version = 1;
    dataset.fields = described.data();
    dataset.field_count = described.size();
    return landing_->Prepare(dataset);
  }
  absl::Status Land(const std::vector<std::string>& values, const std::string& cursor,
                    bool reset = false) {
    std::vector<huiliu_cell> cells;
    for (const std::string& value : values) cells.push_back({1, sdk::ToBytes(value)});
    huiliu_change change{};
    change.cells = cells.data();
    change.system = sdk::ToBytes("si");
    return landing_->Apply({&change, 1}, cursor, reset);
  }
  // Since it was asked last.
  std::string Said() {
    std::string all;
    const auto lines = host_.lines();
    for (; heard_ < lines.size(); ++heard_) absl::StrAppend(&all, lines[heard_].text, "\n");
    return all;
  }

  sdk::FakeHost host_;
  size_t heard_ = 0;
  std::unique_ptr<PostgresqlLanding> landing_;
};

TEST_F(LandingColumnsTest, ATableThatLostAColumnIsFilledAnew) {
  const std::vector<std::string> fields = {"id", "name", "ended"};
  int n = 0;
  for (const char* loss :
       {"ALTER TABLE lossy DROP COLUMN ended", "ALTER TABLE lossy RENAME COLUMN ended TO jsrq",
        // Whoever makes it again by himself does not bring back what stood in it.
        "ALTER TABLE lossy DROP COLUMN ended, ADD COLUMN ended text"}) {
    const std::string cursor = StrCat("c", ++n);
    ASSERT_TRUE(Prepare("lossy", fields).ok());
    ASSERT_TRUE(Land({"1", "王", "2025"}, cursor, true).ok());
    ASSERT_TRUE(Prepare("lossy", fields).ok());
    EXPECT_EQ(*landing_->Cursor(), cursor) << "the same columns go on";
    Execute("utf8", loss);
    ASSERT_TRUE(Prepare("lossy", fields).ok());
    EXPECT_EQ(*landing_->Cursor(), "") << loss;
    EXPECT_THAT(Said(), AllOf(HasSubstr("表 public.lossy 的列 ended"),
                              HasSubstr("columns ended of table public.lossy")));
    ASSERT_TRUE(Land({"1", "王", "2026"}, cursor + "+", true).ok());
    EXPECT_EQ(Execute("utf8", "SELECT string_agg(ended, ' ') FROM lossy"), "2026");
    ASSERT_TRUE(Prepare("lossy", fields).ok());
    EXPECT_EQ(*landing_->Cursor(), cursor + "+") << "once";
  }
  EXPECT_EQ(Said(), "");
}

// While it runs: the batch that does not find it says so, and the next start sees it.
TEST_F(LandingColumnsTest, AColumnThatGoesWhileTheLandingRunsIsSeen) {
  ASSERT_TRUE(Prepare("running", {"id", "name"}).ok());
  ASSERT_TRUE(Land({"1", "王"}, "c1").ok());
  Execute("utf8", "ALTER TABLE running RENAME COLUMN name TO xm");
  const absl::Status refused = Land({"2", "李"}, "c2");
  EXPECT_EQ(refused.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("public.running"), HasSubstr("name")));
  // In its place an empty one of the same name: the batch lands, the column is not the one before.
  Execute("utf8", "ALTER TABLE running ADD COLUMN name text");
  ASSERT_TRUE(Land({"2", "李"}, "c2").ok());
  ASSERT_TRUE(Prepare("running", {"id", "name"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "");
}

TEST_F(LandingColumnsTest, AFieldThatTheContractGainsOrLosesIsNoLoss) {
  ASSERT_TRUE(Prepare("gaining", {"id", "name"}).ok());
  ASSERT_TRUE(Land({"1", "王"}, "c1").ok());
  ASSERT_TRUE(Prepare("gaining", {"id", "name", "phone"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "c1");
  ASSERT_TRUE(Land({"2", "李", "139"}, "c2").ok());
  // The bureau's own columns are its own.
  Execute("utf8", "ALTER TABLE gaining ADD COLUMN remark text");
  Execute("utf8", "ALTER TABLE gaining DROP COLUMN remark");
  ASSERT_TRUE(Prepare("gaining", {"id", "name", "phone"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "c2");
  Execute("utf8", "ALTER TABLE gaining DROP COLUMN phone");
  ASSERT_TRUE(Prepare("gaining", {"id", "name"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "c2");
  EXPECT_EQ(Said(), "");
}

TEST_F(LandingColumnsTest, AKeyColumnThatIsGoneStopsTheLandingWithTheWayOut) {
  ASSERT_TRUE(Prepare("keyed", {"id", "name"}).ok());
  ASSERT_TRUE(Land({"1", "王"}, "c1").ok());
  Execute("utf8", "ALTER TABLE keyed RENAME COLUMN id TO bh");
  const absl::Status refused = Prepare("keyed", {"id", "name"});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(
      std::string(refused.message()),
      AllOf(HasSubstr("public.keyed"), HasSubstr("主键列 id"), HasSubstr("drop the table")));
  EXPECT_EQ(Execute("utf8",
                    "SELECT count(*) FROM pg_attribute WHERE attrelid = 'keyed'::regclass AND "
                    "attname = 'id'"),
            "0")
      << "nothing was made";
  Execute("utf8", "ALTER TABLE keyed RENAME COLUMN bh TO id");
  ASSERT_TRUE(Prepare("keyed", {"id", "name"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "c1") << "the way out";
}

TEST_F(LandingColumnsTest, ACursorOfBeforeLearnsItsColumnsWithTheNextBatch) {
  ASSERT_TRUE(Prepare("old", {"id", "name"}).ok());
  ASSERT_TRUE(Land({"1", "王"}, "c1").ok());
  landing_.reset();
  Execute("utf8", "ALTER TABLE huiliu_landing_cursor DROP COLUMN columns");
  ASSERT_TRUE(Prepare("old", {"id", "name"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "c1");
  ASSERT_TRUE(Land({"2", "李"}, "c2").ok());
  Execute("utf8", "ALTER TABLE old DROP COLUMN name");
  ASSERT_TRUE(Prepare("old", {"id", "name"}).ok());
  EXPECT_EQ(*landing_->Cursor(), "");
}

}  // namespace
}  // namespace huiliu::postgresql
