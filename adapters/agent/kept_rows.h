// Kept rows as a plugin's rows again, corrected where somebody has corrected them.
#ifndef HUILIU_ADAPTERS_AGENT_KEPT_ROWS_H_
#define HUILIU_ADAPTERS_AGENT_KEPT_ROWS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/sdk/huiliu_plugin.h"
#include "huiliu/v1/intake.pb.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::agent {

// What somebody asks to be decided again.
struct RedriveItem {
  KeptRowRef row;
  std::map<std::string, std::string> cells;  // corrected cells by column name
  std::vector<std::string> nulls;            // columns whose cell is null
};

// Copies columns and cells of a polled row into a kept one. Cells that could not be decoded are
// left out, all of them.
void KeepCells(const huiliu_rows& rows, const huiliu_row& row, huiliu::v1::QuarantinedRow* kept);

// Rows of one header, as a plugin would give them.
class KeptRows {
 public:
  struct Row {
    KeptRowRef ref;
    huiliu::v1::QuarantinedRow kept;  // corrected
    huiliu::v1::QuarantinedRow original = {};
    bool corrected = false;
    bool later_kept = false;  // a row that came later under the same id of its source is, too
  };

  // `rows` all have the columns of the first. They are held.
  explicit KeptRows(std::vector<Row> rows);
  const huiliu_rows& rows() const { return rows_; }
  const Row& row(size_t i) const { return held_[i]; }
  size_t size() const { return held_.size(); }

 private:
  const std::vector<Row> held_;
  std::vector<huiliu_bytes> columns_;
  std::vector<std::vector<huiliu_cell>> cells_;
  std::vector<huiliu_row> views_;
  huiliu_rows rows_{};
};

// The row with the item's corrections. INVALID_ARGUMENT names a column that the row does not have,
// or says which columns are missing where the row came without cells.
absl::StatusOr<huiliu::v1::QuarantinedRow> Correct(const huiliu::v1::QuarantinedRow& kept,
                                                   const RedriveItem& item);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_KEPT_ROWS_H_
