// Mappings from any text and rows of any cells: no row is lost, what is mapped is a record of its
// dataset, the same row maps the same, and no error repeats a cell. The mapping's YAML, the header
// and one row (cells parted by '|') are parted by lines "----".
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "adapters/mapping/mapping.h"
#include "adapters/mapping/preview.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::mapping {
namespace {

constexpr char kContract[] = R"(syntax = "proto3";
package fuzz;
import "google/protobuf/timestamp.proto";
import "huiliu/v1/dataset.proto";
message Row {
  option (huiliu.v1.dataset) = {id: "row" title: "行"};
  enum State { STATE_UNSPECIFIED = 0; STATE_OPEN = 1; }
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true}];
  string uscc = 2 [(huiliu.v1.data) = {title: "信用代码" value: VALUE_KIND_USCC}];
  string day = 3 [(huiliu.v1.data) = {title: "日期" value: VALUE_KIND_DATE}];
  google.protobuf.Timestamp at = 4 [(huiliu.v1.data) = {title: "时间"}];
  int64 copies = 5 [(huiliu.v1.data) = {title: "份数"}];
  string status = 6 [(huiliu.v1.data) = {title: "状态"}];
  string capital = 7 [(huiliu.v1.data) = {title: "资金" value: VALUE_KIND_DECIMAL}];
  string citizen = 8 [(huiliu.v1.data) = {title: "身份证号" value: VALUE_KIND_CITIZEN_ID}];
  bool open = 9 [(huiliu.v1.data) = {title: "公开"}];
  double rate = 10 [(huiliu.v1.data) = {title: "率"}];
  State state = 11 [(huiliu.v1.data) = {title: "态"}];
  bytes photo = 12 [(huiliu.v1.data) = {title: "照片"}];
})";

huiliu_bytes Bytes(absl::string_view text) { return {text.data(), text.size()}; }

bool Same(const MappedRow& a, const MappedRow& b) {
  return a.error_code == b.error_code && a.error_place == b.error_place &&
         a.error_message == b.error_message && a.operation == b.operation && a.key == b.key &&
         a.payload == b.payload && a.source_time_us == b.source_time_us && a.row_id == b.row_id &&
         a.findings == b.findings && a.masked_at_source == b.masked_at_source;
}

// Long enough and of such signs that our own words do not hold it by chance.
bool Telling(absl::string_view cell) {
  return cell.size() >= 8 && std::all_of(cell.begin(), cell.end(), absl::ascii_isdigit);
}

void CheckRow(const schema::Contract& contract, const MappedRow& row,
              const std::vector<absl::string_view>& cells) {
  for (absl::string_view cell : cells) {
    if (!Telling(cell)) continue;
    FUZZ_CHECK(!absl::StrContains(row.error_message, cell));
    FUZZ_CHECK(!absl::StrContains(row.error_place, cell));
    for (const std::string& finding : row.findings) FUZZ_CHECK(!absl::StrContains(finding, cell));
  }
  for (const std::string& finding : row.findings) {
    FUZZ_CHECK(absl::StrContains(finding, ":"));
    FUZZ_CHECK(schema::IsUtf8(finding));
  }
  FUZZ_CHECK(schema::IsUtf8(row.error_message));
  FUZZ_CHECK(row.operation != huiliu::v1::OPERATION_UNSPECIFIED);
  if (!row.error_code.empty()) {
    FUZZ_CHECK(!row.error_message.empty() && !row.error_place.empty());
    return;
  }
  const auto key = contract.KeyOf(row.payload);
  FUZZ_CHECK(key.ok() && *key == row.key && !row.key.empty());
  const auto json = schema::RecordToJson(contract, row.payload);
  FUZZ_CHECK_SAY(json.ok(), json.status().ToString());
  for (const schema::Field& field : contract.fields())
    FUZZ_CHECK(schema::FieldToText(contract, field, row.payload).ok());
}

void Check(absl::string_view input) {
  google::protobuf::SetLogHandler(nullptr);
  static const auto& contract =
      *new auto(fuzz::Must(schema::Contract::Parse("row.proto", kContract)));
  fuzz::Parts parts(input);
  const absl::string_view yaml = parts.Section();
  const auto mapping = Mapping::Parse("fuzz.yaml", yaml, contract);
  const auto again = Mapping::Parse("fuzz.yaml", yaml, contract);
  FUZZ_CHECK(mapping.status() == again.status());
  if (!mapping.ok()) {
    FUZZ_CHECK(mapping.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK_SAY(absl::StartsWith(mapping.status().message(), "fuzz.yaml:"),
                   std::string(mapping.status().message()));
    return;
  }
  const std::vector<absl::string_view> names = absl::StrSplit(parts.Section(), '|');
  const std::vector<absl::string_view> values = absl::StrSplit(parts.rest(), '|');
  std::vector<huiliu_bytes> columns;
  for (absl::string_view name : names) columns.push_back(Bytes(name));
  FUZZ_CHECK((*mapping)->BindHeader(columns) == (*again)->BindHeader(columns));
  std::vector<huiliu_cell> cells;
  for (absl::string_view value : values)
    cells.push_back({static_cast<uint8_t>(value == "~" ? 0 : 1), Bytes(value)});
  huiliu_row row{};
  row.struct_size = sizeof row;
  row.row_id = Bytes("f.csv:2");
  row.cells = cells.data();
  row.cell_count = cells.size();
  if (!(*mapping)->BindHeader(columns).ok()) return;
  MappedRow mapped, mapped_again;
  (*mapping)->Map(row, &mapped);
  (*again)->Map(row, &mapped_again);
  FUZZ_CHECK(Same(mapped, mapped_again));
  (*mapping)->Map(row, &mapped_again);  // nothing of a row stays behind
  FUZZ_CHECK(Same(mapped, mapped_again));
  CheckRow(*contract, mapped, values);
  huiliu_rows rows{};
  rows.struct_size = sizeof rows;
  rows.columns = columns.data();
  rows.column_count = columns.size();
  rows.rows = &row;
  rows.row_count = 1;
  const auto preview = MakePreview(rows, again->get());
  FUZZ_CHECK(preview.ok() && preview->rows.size() == 1);
  (void)FormatPreview(*preview, Language::kChinese);
}

}  // namespace
}  // namespace huiliu::mapping

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::mapping::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
