// Collects the rows of one poll and shows them as the ABI's tables. Texts are kept in one growing
// store per poll.
#ifndef HUILIU_ADAPTERS_FILE_ROW_BUFFER_H_
#define HUILIU_ADAPTERS_FILE_ROW_BUFFER_H_

#include <deque>
#include <string>
#include <vector>

#include "adapters/sdk/plugin.h"

namespace huiliu::file {

// (Clear AddRow* Finish)*.
class RowBuffer {
 public:
  void Clear();
  void SetColumns(const std::vector<std::string>& columns);
  // Keeps a copy that stays valid until Clear.
  absl::string_view Keep(absl::string_view text);
  // Cells must be kept texts or null views (data() == nullptr: null).
  void AddRow(absl::string_view table, absl::string_view row_id,
              const std::vector<absl::string_view>& cells, absl::string_view raw);
  void AddError(absl::string_view table, absl::string_view row_id, absl::string_view raw,
                absl::string_view code, absl::string_view place, absl::string_view message);
  void AddNotice(absl::string_view notice);
  size_t rows() const { return rows_.size(); }
  size_t bytes() const { return bytes_; }
  const huiliu_rows* Finish(absl::string_view position, bool caught_up);

 private:
  huiliu_row NewRow(absl::string_view table, absl::string_view row_id, absl::string_view raw);
  std::deque<std::string> texts_;
  size_t bytes_ = 0;
  std::vector<huiliu_bytes> columns_;
  std::vector<huiliu_row> rows_;
  std::vector<size_t> first_cell_;
  std::vector<huiliu_cell> cells_;
  std::vector<huiliu_bytes> notices_;
  huiliu_rows view_{};
};

}  // namespace huiliu::file

#endif  // HUILIU_ADAPTERS_FILE_ROW_BUFFER_H_
