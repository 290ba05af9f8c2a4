#include "tests/territory/registry.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/text/csv.h"

namespace huiliu::territory_report {
namespace {

// The column of each evidence link; an error where a column is missing.
absl::StatusOr<std::vector<size_t>> ColumnsOf(const text::CsvRecord& header,
                                              const schema::Contract& contract) {
  std::vector<size_t> columns;
  for (const auto& link : contract.options().territory().evidence()) {
    const schema::Field* field = contract.FindField(link.field());
    const auto found = std::find(header.fields.begin(), header.fields.end(),
                                 absl::string_view(field->options.title()));
    if (found == header.fields.end())
      return absl::InvalidArgumentError(absl::StrCat("no column ", field->options.title()));
    columns.push_back(static_cast<size_t>(found - header.fields.begin()));
  }
  return columns;
}

absl::Status ReadYear(const std::filesystem::path& path, const schema::Contract& contract,
                      std::vector<Row>* rows) {
  ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  text::CsvSplitter splitter(content, {}, 1, true);
  text::CsvRecord record;
  splitter.Next(&record);
  ASSIGN_OR_RETURN(const std::vector<size_t> columns, ColumnsOf(record, contract));
  while (splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
    if (record.error != nullptr)
      return absl::InvalidArgumentError(absl::StrCat(record.line, ": ", record.error));
    Row row;
    row.file = path.filename();
    row.line = record.line;
    absl::string_view line = absl::string_view(content).substr(record.begin, record.size);
    while (absl::ConsumeSuffix(&line, "\n") || absl::ConsumeSuffix(&line, "\r")) {
    }
    row.line_digest = absl::BytesToHexString(AsBytes(Sha256(line)));
    for (size_t column : columns) {
      if (column >= record.fields.size())
        return absl::InvalidArgumentError(absl::StrCat(record.line, ": too few fields"));
      const absl::string_view value = absl::StripAsciiWhitespace(record.fields[column]);
      row.values.emplace_back(value == "N/A" ? "" : value);
    }
    rows->push_back(std::move(row));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Row>> ReadRegistry(const std::string& folder,
                                              const schema::Contract& contract) {
  std::vector<std::filesystem::path> years;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string stem = entry.path().stem();
    const bool year =
        stem.size() == 4 && std::all_of(stem.begin(), stem.end(), absl::ascii_isdigit);
    if (year && entry.path().extension() == ".csv") years.push_back(entry.path());
  }
  if (years.empty())
    return absl::NotFoundError(absl::StrCat(folder, ": no registrations (1980.csv …)"));
  std::sort(years.begin(), years.end());
  std::vector<Row> rows;
  for (const auto& year : years) {
    RETURN_IF_ERROR(Annotate(ReadYear(year, contract, &rows), year.string()));
  }
  return rows;
}

absl::StatusOr<std::map<std::string, Label>> ReadLabels(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  std::map<std::string, Label> labels;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    ++number;
    if (line.empty() || line.front() == '#' || number == 1) continue;
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
    const bool good = cells.size() == 5 && cells[2].size() == 64 &&
                      (cells[3].size() == 6 || cells[3] == "pending") &&
                      (cells[4] == "development" || cells[4] == "held-out");
    if (!good) return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": no label"));
    labels[absl::StrCat(cells[0], ":", cells[1])] = {
        cells[3] == "pending" ? "" : std::string(cells[3]), std::string(cells[4]),
        std::string(cells[2])};
  }
  return labels;
}

}  // namespace huiliu::territory_report
