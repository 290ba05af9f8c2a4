#include "adapters/agent/kept_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sdk/plugin.h"

namespace huiliu::agent {
namespace {

using huiliu::v1::QuarantinedRow;
using testing::HasSubstr;

QuarantinedRow Kept(bool readable) {
  QuarantinedRow row;
  row.set_id("s/1/1/0");
  for (const char* column : {"a", "b", "c"}) row.add_columns(column);
  if (!readable) return row;
  row.add_cells()->set_text("1");
  row.add_cells();
  row.add_cells()->set_text("");
  return row;
}

RedriveItem Item(std::map<std::string, std::string> cells, std::vector<std::string> nulls = {}) {
  return {{KeptKind::kQuarantined, "s/1/1/0"}, std::move(cells), std::move(nulls)};
}

TEST(CorrectTest, NamedCellsChangeAndTheOthersStay) {
  const auto row = Correct(Kept(true), Item({{"b", "2"}}, {"a"}));
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_FALSE(row->cells(0).has_text());
  EXPECT_EQ(row->cells(1).text(), "2");
  EXPECT_TRUE(row->cells(2).has_text()) << "an empty text is not null";
}

TEST(CorrectTest, AColumnThatIsNotThereIsNamed) {
  const auto row = Correct(Kept(true), Item({{"z", "2"}}));
  EXPECT_EQ(row.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(row.status().message()), HasSubstr("\"z\""));
  EXPECT_FALSE(Correct(Kept(true), Item({}, {"z"})).ok());
}

TEST(CorrectTest, ARowThatCouldNotBeReadWantsEveryColumn) {
  const auto row = Correct(Kept(false), Item({{"a", "1"}}, {"c"}));
  EXPECT_THAT(std::string(row.status().message()), HasSubstr("b"));
  EXPECT_TRUE(Correct(Kept(false), Item({{"a", "1"}, {"b", "2"}}, {"c"})).ok());
}

TEST(KeptRowsTest, ARowComesBackAsThePluginGaveIt) {
  const std::vector<huiliu_bytes> columns = {sdk::ToBytes("a"), sdk::ToBytes("b")};
  const huiliu_cell cells[] = {{1, sdk::ToBytes("昆明")}, {0, {}}};
  huiliu_row row{};
  row.struct_size = sizeof row;
  row.table = sdk::ToBytes("t.csv");
  row.operation = 2;
  row.source_time_us = 77;
  row.cells = cells;
  row.cell_count = 2;
  huiliu_rows rows{};
  rows.columns = columns.data();
  rows.column_count = 2;
  QuarantinedRow kept;
  kept.set_row_id("t.csv:3");
  kept.set_raw("昆明,");
  KeepCells(rows, row, &kept);
  const KeptRows again({{{KeptKind::kPending, "s/1/1/0"}, kept}});
  ASSERT_EQ(again.rows().row_count, 1u);
  const huiliu_row& back = again.rows().rows[0];
  EXPECT_EQ(sdk::ToView(again.rows().columns[1]), "b");
  EXPECT_EQ(sdk::ToView(back.table), "t.csv");
  EXPECT_EQ(sdk::ToView(back.row_id), "t.csv:3");
  EXPECT_EQ(sdk::ToView(back.raw), "昆明,");
  EXPECT_EQ(back.operation, 2);
  EXPECT_EQ(back.source_time_us, 77);
  ASSERT_EQ(back.cell_count, 2u);
  EXPECT_EQ(back.cells[0].kind, 1);
  EXPECT_EQ(sdk::ToView(back.cells[0].value), "昆明");
  EXPECT_EQ(back.cells[1].kind, 0);
}

TEST(KeptRowsTest, CellsThatCouldNotBeDecodedAreNotKept) {
  const std::vector<huiliu_bytes> columns = {sdk::ToBytes("a")};
  const huiliu_cell cells[] = {{2, sdk::ToBytes("\xFF")}};
  huiliu_row row{};
  row.cells = cells;
  row.cell_count = 1;
  huiliu_rows rows{};
  rows.columns = columns.data();
  rows.column_count = 1;
  QuarantinedRow kept;
  KeepCells(rows, row, &kept);
  EXPECT_EQ(kept.columns_size(), 1);
  EXPECT_EQ(kept.cells_size(), 0);
}

}  // namespace
}  // namespace huiliu::agent
