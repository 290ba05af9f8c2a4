#include "adapters/agent/shown_columns.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::agent {

using nlohmann::json;

absl::StatusOr<ShownColumns> ShownColumns::Load(std::string path) {
  ShownColumns shown(std::move(path));
  const auto text = ReadFile(shown.path_);
  if (text.status().code() == absl::StatusCode::kNotFound) return shown;
  RETURN_IF_ERROR(text.status());
  const json object = json::parse(*text, nullptr, false);
  bool good = object.is_object() && object.contains("table") && object["table"].is_string() &&
              object.contains("columns") && object["columns"].is_object();
  if (good) {
    shown.table_ = object["table"].get<std::string>();
    for (const auto& [field, column] : object["columns"].items()) {
      good = good && column.is_string();
      if (good) shown.columns_[field] = column.get<std::string>();
    }
  }
  if (good) return shown;
  return absl::DataLossError(
      absl::StrCat(shown.path_,
                   " 已损坏，核对来源的列后请删除它 / is damaged; look whether the "
                   "source still shows its columns, then remove it"));
}

absl::Status ShownColumns::Check(absl::string_view table, const mapping::Mapping& mapping,
                                 absl::Span<const std::string> header) {
  std::map<std::string, std::string> columns;
  for (const auto& [field, column] : mapping.shown_fields())
    columns[field] = header[static_cast<size_t>(column)];
  std::string gone;
  if (table == table_) {
    for (const auto& [field, column] : columns_) {
      if (columns.contains(field) || mapping.IsOptional(field)) continue;
      absl::StrAppend(&gone, gone.empty() ? "" : ", ", column);
      if (column != field) absl::StrAppend(&gone, " (", field, ")");
    }
  }
  if (!gone.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "表 ", table, " 不再有此前读取过的列 / table ", table,
        " no longer shows column(s) that were read before: ", gone,
        "; 请在映射中写明新列名，确已取消的写 optional: true / name the new column in the mapping, "
        "or say optional: true of a field that is no longer kept"));
  }
  if (table == table_ && columns == columns_) return absl::OkStatus();
  const json object = {{"table", table}, {"columns", columns}};
  RETURN_IF_ERROR(WriteFileDurably(
      path_, object.dump(2, ' ', false, json::error_handler_t::replace) + "\n", 0600));
  table_ = std::string(table);
  columns_ = std::move(columns);
  return absl::OkStatus();
}

}  // namespace huiliu::agent
