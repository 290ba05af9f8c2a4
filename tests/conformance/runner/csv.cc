// csv-spectrum and its like: DIR/csvs/X.csv with DIR/json/X.json. An array of objects: the first
// row is a header; an array of arrays: there is none; an empty array: a header, or nothing, and no
// rows; no JSON: the file must be refused. Strict RFC 4180. Files named header-… and bad-header-…
// are read with the header that the suite's objects have.
#include "core/text/csv.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/match.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/text/utf8.h"
#include "tests/conformance/runner/suite.h"

namespace huiliu::conformance {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// False: refused. A table whose records differ in their number of fields is none (RFC 4180,
// section 2, 4); an empty line is a record of one empty field.
bool Split(absl::string_view bytes, Rows* rows) {
  const text::FoundMark mark = text::FindByteOrderMark(bytes);
  if (mark.mark == text::ByteOrderMark::kUtf8) bytes.remove_prefix(mark.size);
  text::CsvOptions options;
  options.strict = true;
  text::CsvSplitter splitter(bytes, options, 1, true);
  text::CsvRecord record;
  while (splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
    if (record.error != nullptr) return false;
    const bool empty_line = record.fields.size() == 1 && record.fields[0].empty();
    if (!rows->empty() && record.fields.size() != rows->front().size() && !empty_line) return false;
    rows->emplace_back();
    for (absl::string_view field : record.fields) rows->back().emplace_back(field);
  }
  return true;
}

bool IsCell(const nlohmann::json& value, const std::string& cell) {
  if (value.is_string()) return value.get_ref<const std::string&>() == cell;
  return value.is_null() ? cell.empty() : value.dump() == cell;
}

bool MatchesObjects(const Rows& rows, const nlohmann::json& expected) {
  if (rows.empty() || rows.size() - 1 != expected.size()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    const nlohmann::json& object = expected[i];
    if (rows[i + 1].size() != rows[0].size() || object.size() != rows[0].size()) return false;
    for (size_t c = 0; c < rows[0].size(); ++c) {
      const auto value = object.find(rows[0][c]);
      if (value == object.end() || !IsCell(*value, rows[i + 1][c])) return false;
    }
  }
  return true;
}

bool MatchesArrays(const Rows& rows, const nlohmann::json& expected) {
  if (rows.size() != expected.size()) return false;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!expected[i].is_array() || expected[i].size() != rows[i].size()) return false;
    for (size_t c = 0; c < rows[i].size(); ++c) {
      if (!IsCell(expected[i][c], rows[i][c])) return false;
    }
  }
  return true;
}

// `expected` is an array.
bool Matches(const Rows& rows, const nlohmann::json& expected) {
  if (expected.empty()) return rows.size() <= 1;
  return expected[0].is_object() ? MatchesObjects(rows, expected) : MatchesArrays(rows, expected);
}

// The header of all header-X.json that have objects; nullopt: there is none, or several.
absl::StatusOr<std::optional<std::vector<std::string>>> HeaderOfSuite(const std::string& path) {
  std::optional<std::vector<std::string>> header;
  if (!std::filesystem::is_directory(path + "/json"))
    return std::optional<std::vector<std::string>>();
  for (const auto& entry : std::filesystem::directory_iterator(path + "/json")) {
    if (!absl::StartsWith(entry.path().filename().string(), "header-")) continue;
    ASSIGN_OR_RETURN(const std::string json, ReadFile(entry.path().string()));
    const auto rows = nlohmann::ordered_json::parse(json, nullptr, false);
    if (!rows.is_array() || rows.empty() || !rows[0].is_object()) continue;
    std::vector<std::string> names;
    for (const auto& [name, value] : rows[0].items()) names.push_back(name);
    if (header.has_value() && *header != names) return std::optional<std::vector<std::string>>();
    header = std::move(names);
  }
  return header;
}

// Of a file that must be refused: nothing of it is a table (a file without any record), or its
// header is another than the one that it is to be read with.
bool IsRefused(const Rows& rows, const std::string& stem,
               const std::optional<std::vector<std::string>>& header) {
  if (rows.empty()) return true;
  return absl::StartsWith(stem, "bad-header-") && header.has_value() && rows[0] != *header;
}

// A case that no parser can satisfy: said, and not counted as either.
const char* Contradiction(const std::string& bytes, const std::string& json,
                          const nlohmann::json& expected) {
  if (!expected.is_array()) return "its JSON is neither an array of objects nor an array of arrays";
  if (bytes.find('\r') == std::string::npos && json.find("\\r") != std::string::npos) {
    return "its JSON expects carriage returns, its CSV holds none";
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Tally> RunCsv(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path + "/csvs")) return absl::NotFoundError(path + "/csvs is no folder");
  ASSIGN_OR_RETURN(const auto header, HeaderOfSuite(path));
  Tally tally;
  for (const auto& entry : fs::directory_iterator(path + "/csvs")) {
    if (entry.path().extension() != ".csv") continue;
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(entry.path().string()));
    const std::string stem = entry.path().stem().string();
    const std::string json_path = path + "/json/" + stem + ".json";
    Rows rows;
    const bool taken = Split(bytes, &rows);
    if (!fs::exists(json_path)) {
      tally.Judge(!taken || IsRefused(rows, stem, header), stem, "must be refused, was taken");
      continue;
    }
    ASSIGN_OR_RETURN(const std::string json, ReadFile(json_path));
    const nlohmann::json expected = nlohmann::json::parse(json, nullptr, false);
    if (expected.is_discarded()) return absl::InvalidArgumentError(json_path + ": no JSON");
    if (const char* why = Contradiction(bytes, json, expected); why != nullptr) {
      std::printf("refused: %s: %s\n", stem.c_str(), why);
      ++tally.refused;
      continue;
    }
    tally.Judge(taken && Matches(rows, expected), stem,
                taken ? "other rows than expected" : "refused");
  }
  return tally;
}

}  // namespace huiliu::conformance
