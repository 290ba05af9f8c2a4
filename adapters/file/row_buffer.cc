#include "adapters/file/row_buffer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace huiliu::file {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

}  // namespace

void RowBuffer::Clear() {
  blocks_.clear();
  // One chunk is used again; larger ones were for a large record.
  if (chunks_.size() > 1 || free_bytes_ > kChunkBytes) {
    chunks_.clear();
    free_ = nullptr;
    free_bytes_ = 0;
  } else if (!chunks_.empty()) {
    free_bytes_ += static_cast<size_t>(free_ - chunks_[0].get());
    free_ = chunks_[0].get();
  }
  bytes_ = 0;
  held_bytes_ = 0;
  usable_rows_ = 0;
  column_names_.clear();
  columns_.clear();
  rows_.clear();
  first_cell_.clear();
  row_cells_ = 0;
  cells_.clear();
  notices_.clear();
}

void RowBuffer::Hold(std::shared_ptr<const Block> block) {
  if (!blocks_.empty() && blocks_.back() == block) return;
  held_bytes_ += block->size;
  blocks_.push_back(std::move(block));
}

char* RowBuffer::Reserve(size_t bytes) {
  if (free_bytes_ < bytes) {
    free_bytes_ = std::max(bytes, kChunkBytes);
    chunks_.emplace_back(new char[free_bytes_]);
    free_ = chunks_.back().get();
  }
  return free_;
}

absl::string_view RowBuffer::Commit(size_t used) {
  const absl::string_view out(free_, used);
  free_ += used;
  free_bytes_ -= used;
  return out;
}

absl::string_view RowBuffer::Keep(absl::string_view text) {
  char* to = Reserve(text.size() + 1);  // never a null view
  std::memcpy(to, text.data(), text.size());
  return Commit(text.size());
}

void RowBuffer::SetColumns(const std::vector<std::string>& columns) {
  column_names_ = columns;
  columns_.clear();
  for (const std::string& column : columns) columns_.push_back(sdk::ToBytes(Keep(column)));
}

huiliu_row& RowBuffer::NewRow(absl::string_view table, int64_t line, absl::string_view raw) {
  constexpr size_t kDigits = 20;
  char* id = Reserve(table.size() + 1 + kDigits);
  std::memcpy(id, table.data(), table.size());
  id[table.size()] = ':';
  char* const digits = id + table.size() + 1;
  const char* end = std::to_chars(digits, digits + kDigits, line).ptr;
  huiliu_row& row = rows_.emplace_back();
  row.struct_size = sizeof row;
  row.row_id = sdk::ToBytes(Commit(static_cast<size_t>(end - id)));
  row.table = sdk::ToBytes(table);
  row.raw = sdk::ToBytes(raw);
  bytes_ += raw.size();
  first_cell_.push_back(row_cells_);
  return row;
}

void RowBuffer::AddRow(absl::string_view table, int64_t line, absl::string_view raw) {
  NewRow(table, line, raw).cell_count = cells_.size() - row_cells_;
  row_cells_ = cells_.size();
  ++usable_rows_;
}

void RowBuffer::AddError(absl::string_view table, int64_t line, absl::string_view raw,
                         absl::string_view code, absl::string_view place,
                         absl::string_view message) {
  cells_.resize(row_cells_);
  huiliu_row& row = NewRow(table, line, Keep(raw));
  row.error_code = sdk::ToBytes(Keep(code));
  row.error_place = sdk::ToBytes(Keep(place));
  row.error_message = sdk::ToBytes(Keep(message));
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
