// How the worker binds a batch's header to the mapping, and what it refuses: SourceWorker's part of
// it.
#include "adapters/agent/header_binding.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/source_worker.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

// Of JSON the columns' names come out of the data: a number in one may be anybody's.
bool HoldsNumber(absl::string_view name) {
  constexpr int kDigits = 6;
  int run = 0;
  for (const char c : name) {
    run = absl::ascii_isdigit(static_cast<unsigned char>(c)) ? run + 1 : 0;
    if (run == kDigits) return true;
  }
  return false;
}

}  // namespace

std::string UnusedColumnNotice(absl::string_view name, size_t place) {
  if (HoldsNumber(name)) {
    return absl::StrCat("没有字段取用第 ", place, " 列，其列名含有号码，不在此写出 / column no. ",
                        place,
                        " is mapped to no field; its name holds a number and is not told here");
  }
  return absl::StrCat("没有字段取用列 ", name, " / column ", name, " is mapped to no field");
}

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
  for (const std::string& column : mapping_->unused_columns()) {
    const auto at = std::find(bound_header_.begin(), bound_header_.end(), column);
    status_.AddNotice(
        UnusedColumnNotice(column, static_cast<size_t>(at - bound_header_.begin()) + 1));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::agent
