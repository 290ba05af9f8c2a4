// Collects the rows of one poll and shows them as the ABI's tables. Cells are views into the blocks
// that were read; what had to be decoded or made lies in a store of its own.
#ifndef HUILIU_ADAPTERS_FILE_ROW_BUFFER_H_
#define HUILIU_ADAPTERS_FILE_ROW_BUFFER_H_

#include <memory>
#include <string>
#include <vector>

#include "adapters/file/folder.h"
#include "adapters/sdk/plugin.h"

namespace huiliu::file {

// (Clear (Hold | SetColumns | AddNotice | AddCell* (AddRow | AddError))* Finish)*. One thread.
class RowBuffer {
 public:
  void Clear();
  // Views into the block stay valid until Clear.
  void Hold(std::shared_ptr<const Block> block);
  // Of all rows of the poll.
  void SetColumns(const std::vector<std::string>& columns);
  const std::vector<std::string>& columns() const { return column_names_; }

  // Room for `bytes` that stays where it is; then say how many are used.
  char* Reserve(size_t bytes);
  absl::string_view Commit(size_t used);
  absl::string_view Keep(absl::string_view text);

  // Cells of the next row: held, kept, or null (data() == nullptr).
  void AddCell(absl::string_view text) {
    cells_.push_back({static_cast<uint8_t>(text.data() == nullptr ? 0 : 1), sdk::ToBytes(text)});
  }
  // `table` and `raw` are held or kept; the row's id is TABLE:LINE.
  void AddRow(absl::string_view table, int64_t line, absl::string_view raw);
  // Drops the cells added since the last row; keeps what it is given.
  void AddError(absl::string_view table, int64_t line, absl::string_view raw,
                absl::string_view code, absl::string_view place, absl::string_view message);
  void AddNotice(absl::string_view notice);

  size_t rows() const { return rows_.size(); }
  // Those without error, which may show held blocks.
  size_t usable_rows() const { return usable_rows_; }
  size_t held_bytes() const { return held_bytes_; }
  // Of raw records so far.
  size_t bytes() const { return bytes_; }
  const huiliu_rows* Finish(absl::string_view position, bool caught_up);

 private:
  huiliu_row& NewRow(absl::string_view table, int64_t line, absl::string_view raw);

  std::vector<std::shared_ptr<const Block>> blocks_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;
  size_t free_bytes_ = 0;
  size_t bytes_ = 0;
  size_t held_bytes_ = 0;
  size_t usable_rows_ = 0;
  std::vector<std::string> column_names_;
  std::vector<huiliu_bytes> columns_;
  std::vector<huiliu_row> rows_;
  std::vector<size_t> first_cell_;
  size_t row_cells_ = 0;  // where the next row's cells begin
  std::vector<huiliu_cell> cells_;
  std::vector<huiliu_bytes> notices_;
  huiliu_rows view_{};
};

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_ROW_BUFFER_H_
