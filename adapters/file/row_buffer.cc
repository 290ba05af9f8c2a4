#include "adapters/file/row_buffer.h"

namespace huiliu::file {

void RowBuffer::Clear() {
  texts_.clear();
  bytes_ = 0;
  columns_.clear();
  rows_.clear();
  first_cell_.clear();
  cells_.clear();
  notices_.clear();
}

absl::string_view RowBuffer::Keep(absl::string_view text) {
  // Blocks of 64 KiB that never move: a kept view stays where it is.
  if (texts_.empty() || texts_.back().capacity() - texts_.back().size() < text.size()) {
    texts_.emplace_back();
    texts_.back().reserve(std::max<size_t>(text.size(), 64 << 10));
  }
  std::string& block = texts_.back();
  const size_t at = block.size();
  block.append(text.data(), text.size());
  bytes_ += text.size();
  return absl::string_view(block).substr(at);
}

void RowBuffer::SetColumns(const std::vector<std::string>& columns) {
  columns_.clear();
  for (const std::string& column : columns) columns_.push_back(sdk::ToBytes(Keep(column)));
}

huiliu_row RowBuffer::NewRow(absl::string_view table, absl::string_view row_id,
                             absl::string_view raw) {
  huiliu_row row{};
  row.struct_size = sizeof row;
  row.table = sdk::ToBytes(Keep(table));
  row.row_id = sdk::ToBytes(Keep(row_id));
  row.raw = sdk::ToBytes(Keep(raw));
  return row;
}

void RowBuffer::AddRow(absl::string_view table, absl::string_view row_id,
                       const std::vector<absl::string_view>& cells, absl::string_view raw) {
  huiliu_row row = NewRow(table, row_id, raw);
  row.cell_count = cells.size();
  first_cell_.push_back(cells_.size());
  for (absl::string_view cell : cells) {
    cells_.push_back({static_cast<uint8_t>(cell.data() == nullptr ? 0 : 1), sdk::ToBytes(cell)});
  }
  rows_.push_back(row);
}

void RowBuffer::AddError(absl::string_view table, absl::string_view row_id, absl::string_view raw,
                         absl::string_view code, absl::string_view place,
                         absl::string_view message) {
  huiliu_row row = NewRow(table, row_id, raw);
  row.error_code = sdk::ToBytes(Keep(code));
  row.error_place = sdk::ToBytes(Keep(place));
  row.error_message = sdk::ToBytes(Keep(message));
  first_cell_.push_back(cells_.size());
  rows_.push_back(row);
}

void RowBuffer::AddNotice(absl::string_view notice) {
  notices_.push_back(sdk::ToBytes(Keep(notice)));
}

const huiliu_rows* RowBuffer::Finish(absl::string_view position, bool caught_up) {
  for (size_t i = 0; i < rows_.size(); ++i) rows_[i].cells = cells_.data() + first_cell_[i];
  view_.struct_size = sizeof view_;
  view_.columns = columns_.data();
  view_.column_count = columns_.size();
  view_.rows = rows_.data();
  view_.row_count = rows_.size();
  view_.position = sdk::ToBytes(Keep(position));
  view_.caught_up = caught_up ? 1 : 0;
  view_.notices = notices_.data();
  view_.notice_count = notices_.size();
  return &view_;
}

}  // namespace huiliu::file
