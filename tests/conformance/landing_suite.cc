#include "tests/conformance/landing_suite.h"

#include <gmock/gmock.h>

#include "adapters/sdk/loader.h"
#include "adapters/sdk/testkit/fake_host.h"

namespace huiliu {
namespace {

using Cells = LandingUnderTest::Cells;
using State = std::map<std::string, Cells>;
const std::vector<std::string> kFields = {"id", "name", "age"};

huiliu_field Field(const char* name, const char* title, int32_t type, int key) {
  return {sizeof(huiliu_field), sdk::ToBytes(name), sdk::ToBytes(title), type, key, 0};
}

struct Dataset {
  std::vector<huiliu_field> fields = {Field("id", "编号", 1, 1), Field("name", "姓名", 1, 0),
                                      Field("age", "年龄", 2, 0)};
  huiliu_dataset table() const {
    return {sizeof(huiliu_dataset), sdk::ToBytes("suite.person"),
            sdk::ToBytes("人员"),   1,
            fields.data(),          fields.size()};
  }
};

// Changes with the cells that they point to.
class Changes {
 public:
  Changes& Put(Cells cells) { return Add(std::move(cells), false); }
  Changes& Delete(const std::string& id) { return Add({id, std::nullopt, std::nullopt}, true); }
  absl::Status Apply(sdk::OpenLanding* landing, const std::string& cursor, bool reset = false) {
    std::vector<std::vector<huiliu_cell>> cells;
    std::vector<huiliu_change> changes;
    for (const auto& [row, is_delete] : rows_) {
      cells.emplace_back();
      for (const auto& cell : row) {
        cells.back().push_back({static_cast<uint8_t>(cell ? 1 : 0),
                                cell ? sdk::ToBytes(*cell) : huiliu_bytes{nullptr, 0}});
      }
    }
    for (size_t i = 0; i < rows_.size(); ++i) {
      huiliu_change change{};
      change.is_delete = rows_[i].second ? 1 : 0;
      change.cells = cells[i].data();
      change.system = sdk::ToBytes("suite-system");
      change.division = sdk::ToBytes("530102");
      change.source_time_us = 1760000000000000;
      change.arrival_time_us = 1760000001000000;
      change.row_id = sdk::ToBytes("suite:1");
      changes.push_back(change);
    }
    return landing->Apply(changes, cursor, reset);
  }

 private:
  Changes& Add(Cells cells, bool is_delete) {
    rows_.emplace_back(std::move(cells), is_delete);
    return *this;
  }
  std::vector<std::pair<Cells, bool>> rows_;
};

std::unique_ptr<sdk::OpenLanding> OpenPrepared(const LandingUnderTest& param,
                                               const sdk::FakeHost& host,
                                               const std::string& options) {
  auto landing = sdk::OpenLanding::Open(*param.table(), host.table(), options);
  EXPECT_TRUE(landing.ok()) << landing.status();
  const absl::Status prepared = (*landing)->Prepare(Dataset().table());
  EXPECT_TRUE(prepared.ok()) << prepared;
  return *std::move(landing);
}

TEST_P(LandingSuite, BeginsEmptyWithoutCursor) {
  sdk::FakeHost host;
  const auto landing = OpenPrepared(GetParam(), host, GetParam().make());
  const auto cursor = landing->Cursor();
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_EQ(*cursor, "");
  EXPECT_EQ(GetParam().read(kFields), State());
}

TEST_P(LandingSuite, UpsertsDeletesAndKeepsTheCursor) {
  sdk::FakeHost host;
  const std::string options = GetParam().make();
  auto landing = OpenPrepared(GetParam(), host, options);
  ASSERT_TRUE(Changes()
                  .Put({"1", "王", "30"})
                  .Put({"2", "李\n\"'\\", std::nullopt})
                  .Put({"3", "", "-1"})
                  .Apply(landing.get(), std::string("c\0\xff"
                                                    "1",
                                                    4))
                  .ok());
  EXPECT_EQ(GetParam().read(kFields), (State{{"1", {"1", "王", "30"}},
                                             {"2", {"2", "李\n\"'\\", std::nullopt}},
                                             {"3", {"3", "", "-1"}}}));
  landing.reset();
  landing = OpenPrepared(GetParam(), host, options);
  EXPECT_EQ(*landing->Cursor(), std::string("c\0\xff"
                                            "1",
                                            4));
  ASSERT_TRUE(
      Changes().Put({"1", "王", "31"}).Delete("2").Delete("9").Apply(landing.get(), "c2").ok());
  EXPECT_EQ(GetParam().read(kFields), (State{{"1", {"1", "王", "31"}}, {"3", {"3", "", "-1"}}}));
  EXPECT_EQ(*landing->Cursor(), "c2");
}

TEST_P(LandingSuite, TheLastChangeOfAKeyInABatchWins) {
  sdk::FakeHost host;
  const auto landing = OpenPrepared(GetParam(), host, GetParam().make());
  ASSERT_TRUE(Changes()
                  .Put({"1", "a", "1"})
                  .Put({"1", "b", "2"})
                  .Put({"2", "x", "1"})
                  .Delete("2")
                  .Delete("3")
                  .Put({"3", "y", "1"})
                  .Apply(landing.get(), "c")
                  .ok());
  EXPECT_EQ(GetParam().read(kFields), (State{{"1", {"1", "b", "2"}}, {"3", {"3", "y", "1"}}}));
}

TEST_P(LandingSuite, TheSameBatchTwiceChangesNothing) {
  sdk::FakeHost host;
  const auto landing = OpenPrepared(GetParam(), host, GetParam().make());
  Changes changes;
  changes.Put({"1", "a", "1"}).Put({"2", "b", "2"}).Delete("1");
  ASSERT_TRUE(changes.Apply(landing.get(), "c1").ok());
  const State once = GetParam().read(kFields);
  ASSERT_TRUE(changes.Apply(landing.get(), "c1").ok());
  EXPECT_EQ(GetParam().read(kFields), once);
}

// All or nothing: a batch that fails leaves rows and cursor as they were, and the next one works.
// A landing that keeps refused rows lands the others, and says which one it kept.
TEST_P(LandingSuite, ARowThatTheTargetRefusesIsKeptOrFailsItsBatch) {
  sdk::FakeHost host;
  const auto landing = OpenPrepared(GetParam(), host, GetParam().make());
  ASSERT_TRUE(Changes().Put({"1", "a", "1"}).Apply(landing.get(), "c1").ok());
  const absl::Status failed = Changes()
                                  .Put({"2", "b", "2"})
                                  .Delete("1")
                                  .Put({"3", "c", "no number"})
                                  .Apply(landing.get(), "c2");
  if (landing->KeptCount().ok()) {
    ASSERT_TRUE(failed.ok()) << failed;
    EXPECT_EQ(GetParam().read(kFields), (State{{"2", {"2", "b", "2"}}}));
    EXPECT_EQ(*landing->Cursor(), "c2");
    EXPECT_EQ(*landing->KeptCount(), 1U);
    EXPECT_THAT(*landing->Kept(""), testing::Not(testing::HasSubstr("no number")));
    EXPECT_THAT(*landing->Redrive("[]"), testing::HasSubstr("\"error\":\""));
    EXPECT_EQ(*landing->KeptCount(), 1U);
    ASSERT_TRUE(Changes().Put({"3", "c", "3"}).Apply(landing.get(), "c3").ok());
    EXPECT_EQ(*landing->KeptCount(), 0U) << "settled by a later version";
    EXPECT_EQ(GetParam().read(kFields).size(), 2U);
    return;
  }
  EXPECT_FALSE(failed.ok());
  EXPECT_FALSE(failed.message().empty());
  EXPECT_EQ(GetParam().read(kFields), (State{{"1", {"1", "a", "1"}}}));
  EXPECT_EQ(*landing->Cursor(), "c1");
  EXPECT_TRUE(Changes().Put({"2", "b", "2"}).Apply(landing.get(), "c2").ok());
  EXPECT_EQ(GetParam().read(kFields).size(), 2U);
}

TEST_P(LandingSuite, ANewSnapshotReplacesWhatWasThere) {
  sdk::FakeHost host;
  const auto landing = OpenPrepared(GetParam(), host, GetParam().make());
  ASSERT_TRUE(Changes().Put({"1", "a", "1"}).Put({"2", "b", "2"}).Apply(landing.get(), "c1").ok());
  ASSERT_TRUE(Changes().Put({"3", "c", "3"}).Apply(landing.get(), "c2", true).ok());
  EXPECT_EQ(GetParam().read(kFields), (State{{"3", {"3", "c", "3"}}}));
  ASSERT_TRUE(Changes().Apply(landing.get(), "c3", true).ok());
  EXPECT_EQ(GetParam().read(kFields), State());
  EXPECT_EQ(*landing->Cursor(), "c3");
}

TEST_P(LandingSuite, ANewFieldExtendsTheTarget) {
  sdk::FakeHost host;
  const std::string options = GetParam().make();
  auto landing = OpenPrepared(GetParam(), host, options);
  ASSERT_TRUE(Changes().Put({"1", "a", "1"}).Apply(landing.get(), "c1").ok());
  Dataset wider;
  wider.fields.push_back(Field("town", "乡镇", 1, 0));
  landing.reset();
  auto opened = sdk::OpenLanding::Open(*GetParam().table(), host.table(), options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const absl::Status prepared = (*opened)->Prepare(wider.table());
  ASSERT_TRUE(prepared.ok()) << prepared;
  EXPECT_EQ(*(*opened)->Cursor(), "c1");
  ASSERT_TRUE(Changes().Put({"2", "b", "2", "仁德"}).Apply(opened->get(), "c2").ok());
  EXPECT_EQ(GetParam().read({"id", "town"}),
            (State{{"1", {"1", std::nullopt}}, {"2", {"2", "仁德"}}}));
}

TEST_P(LandingSuite, BadOptionsAreRefusedWithAReason) {
  sdk::FakeHost host;
  const std::string options = GetParam().make();
  for (const std::string& bad : {std::string(), std::string("[1"), std::string("{}"),
                                 "{\"no_such_option\":1," + options.substr(1)}) {
    const auto landing = sdk::OpenLanding::Open(*GetParam().table(), host.table(), bad);
    EXPECT_EQ(landing.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_FALSE(landing.status().message().empty());
  }
}

}  // namespace
}  // namespace huiliu
