#include "tests/unit/postgresql/source_reader.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu::postgresql {

constexpr int kMaxRows = 5;  // of a poll, so that a few rows are several pages
constexpr int kMostPolls = 1000;

SourceReader::SourceReader(const std::string& database, const std::string& table,
                           const std::string& key, const std::string& more) {
  auto source = PostgresqlSource::Open(
      sdk::Host(host_.table()),
      absl::StrCat(R"({"dsn":")", ServerDsn(database), R"(","table":")", table, R"(","key":[)", key,
                   R"(],"time_column":"changed","poll_interval_ms":1)", more, "}"),
      "");
  EXPECT_TRUE(source.ok()) << source.status();
  if (source.ok()) source_ = *std::move(source);
}

std::map<std::string, int> SourceReader::Names() {
  std::map<std::string, int> names;
  for (int i = 0; i < kMostPolls && source_ != nullptr; ++i) {
    const huiliu_rows* rows = nullptr;
    const absl::Status status = source_->Poll(kMaxRows, 20, &rows);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return names;
    for (size_t n = 0; n < rows->notice_count; ++n)
      absl::StrAppend(&notices_, sdk::ToView(rows->notices[n]), "\n");
    for (size_t r = 0; r < rows->row_count; ++r) {
      std::map<std::string, std::string> cells;
      for (size_t c = 0; c < rows->column_count; ++c)
        cells[std::string(sdk::ToView(rows->columns[c]))] =
            std::string(sdk::ToView(rows->rows[r].cells[c].value));
      const std::string name = cells.at("name");
      ++names[name];
      row_ids_[name] = std::string(sdk::ToView(rows->rows[r].row_id));
      cells_[name] = std::move(cells);
    }
    if (rows->row_count == 0 && rows->caught_up != 0) return names;
  }
  ADD_FAILURE() << "never caught up";
  return names;
}

std::string SourceReader::Cell(const std::string& name, const std::string& column) const {
  return cells_.at(name).at(column);
}

}  // namespace huiliu::postgresql
