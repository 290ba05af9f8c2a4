// How the worker binds a batch's header to the mapping, and what it refuses: SourceWorker's part of
// it.
#include "absl/strings/str_cat.h"
#include "adapters/agent/source_worker.h"
#include "core/base/status.h"

namespace huiliu::agent {

std::string SourceWorker::ColumnsFileOf(const Config& config, const std::string& source) {
  return FolderOf(config, source) + "/columns.json";
}

absl::Status SourceWorker::BindHeader(const huiliu_rows& rows, bool one_header) {
  std::vector<std::string> header;
  for (size_t i = 0; i < rows.column_count; ++i) header.emplace_back(sdk::ToView(rows.columns[i]));
  if (header == bound_header_) return absl::OkStatus();
  bound_header_.clear();
  const absl::string_view table = sdk::ToView(rows.rows[0].table);
  const absl::Status bound = mapping_->BindHeader({rows.columns, rows.column_count});
  if (!bound.ok()) {
    return absl::Status(bound.code(), absl::StrCat("source ", source_config_.id, ", ", table, ": ",
                                                   bound.message()));
  }
  if (one_header) {
    const absl::Status shown = shown_columns_->Check(table, *mapping_, header);
    if (!shown.ok()) {
      return absl::Status(shown.code(),
                          absl::StrCat("source ", source_config_.id, ": ", shown.message()));
    }
  }
  bound_header_ = std::move(header);
  for (const std::string& column : mapping_->unused_columns())
    status_.AddNotice(
        absl::StrCat("没有字段取用列 ", column, " / column ", column, " is mapped to no field"));
  return absl::OkStatus();
}

}  // namespace huiliu::agent
