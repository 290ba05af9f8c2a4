#include "adapters/sdk/testkit/checked_source.h"

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/text/utf8.h"

namespace huiliu::sdk {
namespace {

absl::Status Breach(absl::string_view row_id, absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("the plugin breaks the ABI's contract: row \"", row_id, "\": ", why));
}

std::string Copy(const huiliu_bytes& bytes) { return std::string(ToView(bytes)); }

absl::Status CheckRow(const huiliu_row& row, size_t columns) {
  const absl::string_view id = ToView(row.row_id);
  if (row.struct_size < sizeof(huiliu_row)) return Breach(id, "its struct_size is too small");
  if (id.empty()) return Breach(id, "it has no id");
  if (row.operation < 0 || row.operation > 2) return Breach(id, "its operation is not 0, 1 or 2");
  if (row.error_code.size > 0) {
    if (row.error_place.size == 0 || row.error_message.size == 0)
      return Breach(id, "its error has no place or no message");
    return absl::OkStatus();
  }
  if (row.cell_count != columns)
    return Breach(id, absl::StrCat("it has ", row.cell_count, " cells for ", columns, " columns"));
  for (size_t i = 0; i < row.cell_count; ++i) {
    const huiliu_cell& cell = row.cells[i];
    if (cell.kind > 1) return Breach(id, absl::StrCat("cell ", i, " is of kind ", cell.kind));
    if (cell.kind == 1 && !text::IsValidUtf8(ToView(cell.value)))
      return Breach(id, absl::StrCat("cell ", i, " is no UTF-8"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Batch> CopyBatch(const huiliu_rows& rows) {
  if (rows.struct_size < sizeof(huiliu_rows)) return Breach("", "the batch's struct_size");
  Batch batch;
  for (size_t i = 0; i < rows.column_count; ++i) batch.columns.push_back(Copy(rows.columns[i]));
  for (size_t i = 0; i < rows.notice_count; ++i) batch.notices.push_back(Copy(rows.notices[i]));
  batch.position = Copy(rows.position);
  batch.caught_up = rows.caught_up != 0;
  if (rows.row_count > 0 && batch.position.empty()) return Breach("", "rows without a position");
  for (size_t i = 0; i < rows.row_count; ++i) {
    const huiliu_row& from = rows.rows[i];
    RETURN_IF_ERROR(CheckRow(from, rows.column_count));
    Row row{Copy(from.table),
            Copy(from.row_id),
            from.operation,
            from.source_time_us,
            {},
            Copy(from.raw),
            Copy(from.error_code),
            Copy(from.error_place),
            Copy(from.error_message)};
    for (size_t c = 0; c < from.cell_count; ++c) {
      row.cells.push_back(from.cells[c].kind == 0 ? std::nullopt
                                                  : std::make_optional(Copy(from.cells[c].value)));
    }
    batch.rows.push_back(std::move(row));
  }
  return batch;
}

absl::StatusOr<std::unique_ptr<CheckedSource>> CheckedSource::Open(const huiliu_source& table,
                                                                   const FakeHost& host,
                                                                   absl::string_view options,
                                                                   absl::string_view position) {
  // The plugin may not keep what it is given: these copies die when open returns.
  const std::string given_options(options), given_position(position);
  ASSIGN_OR_RETURN(auto source,
                   OpenSource::Open(table, host.table(), given_options, given_position));
  return std::unique_ptr<CheckedSource>(new CheckedSource(std::move(source)));
}

absl::Status CheckedSource::CheckLast() {
  if (last_ == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Batch now, CopyBatch(*last_));
  last_ = nullptr;
  if (!(now == last_copy_)) return Breach("", "a batch changed before the next call");
  return absl::OkStatus();
}

absl::StatusOr<Batch> CheckedSource::Poll(size_t max_rows, int timeout_ms) {
  RETURN_IF_ERROR(CheckLast());
  ASSIGN_OR_RETURN(const huiliu_rows* rows, source_->Poll(max_rows, timeout_ms));
  ASSIGN_OR_RETURN(last_copy_, CopyBatch(*rows));
  last_ = rows;
  if (rows->row_count > max_rows)
    return Breach("", absl::StrCat(rows->row_count, " rows where at most ", max_rows, " fit"));
  return last_copy_;
}

absl::StatusOr<Batch> CheckedSource::ReadAll(size_t max_rows) {
  Batch all;
  while (true) {
    ASSIGN_OR_RETURN(Batch batch, Poll(max_rows, 0));
    all.rows.insert(all.rows.end(), batch.rows.begin(), batch.rows.end());
    all.notices.insert(all.notices.end(), batch.notices.begin(), batch.notices.end());
    if (!batch.rows.empty() || all.columns.empty()) all.columns = batch.columns;
    all.position = batch.position;
    all.caught_up = batch.caught_up;
    if (batch.caught_up) return all;
  }
}

absl::StatusOr<std::string> CheckedSource::Describe() {
  RETURN_IF_ERROR(CheckLast());
  return source_->Describe();
}

}  // namespace huiliu::sdk
