// Rows of a source for tests of the mapping.
#ifndef HUILIU_TESTS_UNIT_MAPPING_ROWS_H_
#define HUILIU_TESTS_UNIT_MAPPING_ROWS_H_

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "adapters/mapping/mapping.h"
#include "core/base/files.h"

namespace huiliu::mapping {

inline huiliu_bytes Bytes(absl::string_view text) { return {text.data(), text.size()}; }

inline std::string Root() {
  const char* root = std::getenv("HUILIU_ROOT");
  return root == nullptr ? "." : root;
}

inline std::shared_ptr<const schema::Contract> Shipped(const std::string& path) {
  auto contract =
      schema::Contract::Parse(path, *ReadFile(absl::StrCat(Root(), "/schemas/datasets/", path)));
  return contract.ok() ? *contract : nullptr;
}

// Owns what a batch of rows points to.
class Rows {
 public:
  using Cells = std::vector<std::optional<std::string>>;

  Rows(std::vector<std::string> columns, std::vector<Cells> rows)
      : names_(std::move(columns)), values_(std::move(rows)) {
    for (const std::string& name : names_) columns_.push_back(Bytes(name));
    cells_.resize(values_.size());
    for (size_t i = 0; i < values_.size(); ++i) {
      ids_.push_back(absl::StrCat("a.csv:", i + 2));
      for (const auto& value : values_[i])
        cells_[i].push_back(
            {static_cast<uint8_t>(value ? 1 : 0), Bytes(value ? absl::string_view(*value) : "")});
    }
    for (size_t i = 0; i < values_.size(); ++i) {
      huiliu_row row{};
      row.struct_size = sizeof row;
      row.row_id = Bytes(ids_[i]);
      row.cells = cells_[i].data();
      row.cell_count = cells_[i].size();
      rows_.push_back(row);
    }
  }
  absl::Span<const huiliu_bytes> columns() const { return columns_; }
  huiliu_row& row(size_t i) { return rows_[i]; }
  huiliu_rows view() const {
    huiliu_rows out{};
    out.struct_size = sizeof out;
    out.columns = columns_.data();
    out.column_count = columns_.size();
    out.rows = rows_.data();
    out.row_count = rows_.size();
    return out;
  }

 private:
  const std::vector<std::string> names_;
  const std::vector<Cells> values_;
  std::vector<std::string> ids_;
  std::vector<huiliu_bytes> columns_;
  std::vector<std::vector<huiliu_cell>> cells_;
  std::vector<huiliu_row> rows_;
};

}  // namespace huiliu::mapping

#endif  // HUILIU_TESTS_UNIT_MAPPING_ROWS_H_
