#include "adapters/agent/kept_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::agent {

void KeepCells(const huiliu_rows& rows, const huiliu_row& row, huiliu::v1::QuarantinedRow* kept) {
  kept->set_table(std::string(sdk::ToView(row.table)));
  kept->set_operation(static_cast<huiliu::v1::Operation>(row.operation));
  kept->set_source_time_us(row.source_time_us);
  for (size_t i = 0; i < rows.column_count; ++i)
    kept->add_columns(std::string(sdk::ToView(rows.columns[i])));
  const bool readable = row.cell_count == rows.column_count &&
                        std::none_of(row.cells, row.cells + row.cell_count,
                                     [](const huiliu_cell& cell) { return cell.kind == 2; });
  if (!readable) return;
  for (size_t i = 0; i < row.cell_count; ++i) {
    huiliu::v1::KeptCell* cell = kept->add_cells();
    if (row.cells[i].kind == 1) cell->set_text(std::string(sdk::ToView(row.cells[i].value)));
  }
}

absl::StatusOr<huiliu::v1::QuarantinedRow> Correct(const huiliu::v1::QuarantinedRow& kept,
                                                   const RedriveItem& item) {
  huiliu::v1::QuarantinedRow row = kept;
  const bool readable = row.cells_size() == row.columns_size();
  if (!readable) {
    row.clear_cells();
    for (int i = 0; i < row.columns_size(); ++i) row.add_cells();
  }
  std::vector<bool> given(static_cast<size_t>(row.columns_size()), readable);
  const auto place = [&](const std::string& column) {
    return static_cast<int>(std::find(row.columns().begin(), row.columns().end(), column) -
                            row.columns().begin());
  };
  const auto unknown = [&](const std::string& column) {
    return absl::InvalidArgumentError(
        absl::StrCat("没有列 / no column \"", column, "\": ", absl::StrJoin(row.columns(), ", ")));
  };
  for (const auto& [column, text] : item.cells) {
    const int at = place(column);
    if (at == row.columns_size()) return unknown(column);
    row.mutable_cells(at)->set_text(text);
    given[static_cast<size_t>(at)] = true;
  }
  for (const std::string& column : item.nulls) {
    const int at = place(column);
    if (at == row.columns_size()) return unknown(column);
    row.mutable_cells(at)->clear_text();
    given[static_cast<size_t>(at)] = true;
  }
  std::vector<std::string> missing;
  for (int i = 0; i < row.columns_size(); ++i) {
    if (!given[static_cast<size_t>(i)]) missing.push_back(row.columns(i));
  }
  if (missing.empty()) return row;
  return absl::InvalidArgumentError(
      absl::StrCat("原文无法读取，须逐列更正，还缺 / the row could not be read at all, correct "
                   "every column; missing: ",
                   absl::StrJoin(missing, ", ")));
}

KeptRows::KeptRows(std::vector<Row> rows) : held_(std::move(rows)) {
  cells_.resize(held_.size());
  for (size_t i = 0; i < held_.size(); ++i) {
    const huiliu::v1::QuarantinedRow& kept = held_[i].kept;
    for (const huiliu::v1::KeptCell& cell : kept.cells())
      cells_[i].push_back(
          {static_cast<uint8_t>(cell.has_text() ? 1 : 0), sdk::ToBytes(cell.text())});
    huiliu_row row{};
    row.struct_size = sizeof row;
    row.table = sdk::ToBytes(kept.table());
    row.row_id = sdk::ToBytes(kept.row_id());
    row.operation = static_cast<int32_t>(kept.operation());
    row.source_time_us = kept.source_time_us();
    row.cells = cells_[i].data();
    row.cell_count = cells_[i].size();
    row.raw = sdk::ToBytes(kept.raw());
    views_.push_back(row);
  }
  if (!held_.empty()) {
    for (const std::string& column : held_[0].kept.columns())
      columns_.push_back(sdk::ToBytes(column));
  }
  rows_.struct_size = sizeof rows_;
  rows_.columns = columns_.data();
  rows_.column_count = columns_.size();
  rows_.rows = views_.data();
  rows_.row_count = views_.size();
}

}  // namespace huiliu::agent
