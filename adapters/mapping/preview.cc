#include "adapters/mapping/preview.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"
#include "core/rules/masks.h"
#include "core/schema/record_writer.h"
#include "core/text/terminal_table.h"

namespace huiliu::mapping {
namespace {

constexpr size_t kMaxShownBytes = 120;

struct Words {
  absl::string_view code, chinese, english;
};
constexpr Words kFindings[] = {
    {"check_digit", "校验位不符", "the check digit is wrong"},
    {"length", "长度不符", "the length is wrong"},
    {"alphabet", "含有不允许的字符", "a character is not allowed"},
    {"shape", "结构不符", "a part is missing or of another length"},
    {"placeholder", "占位码，不是真实代码", "a placeholder, no code"},
    {"several_codes", "一个字段里有多个代码", "several codes in one field"},
    {"citizen_number", "信用代码字段里是公民身份号码", "a citizen number in a USCC field"},
    {"masked_at_source", "来源已脱敏，无法比对", "masked at its source: no one can join on it"},
    {"division", "不是6、9或12位区划代码", "no division code of 6, 9 or 12 digits"},
    {"date", "不是日期", "no date"},
    {"time", "不是时间", "no time"},
    {"day_assumed", "只有年月，按当月1日", "a month only: its first day is taken"},
    {"sentinel", "占位日期，按空值", "a date that stands for none"},
    {"without_end", "长期有效，按无截止日期", "without end"},
    {"amount", "不是金额", "no amount"},
    {"currency", "外币金额，不折算", "another currency: not converted"},
    {"unknown_code", "代码不在对照表中", "a code that the mapping does not list"},
    {"zero_byte", "含空字符，已去除", "zero bytes, taken out"},
    {"type", "与字段类型不符", "not of the field's type"},
};

// At most so many bytes, cut between characters; as anywhere on a terminal nothing of it can draw
// or turn what follows.
std::string Shown(absl::string_view text) {
  const bool cut = text.size() > kMaxShownBytes;
  size_t size = std::min(text.size(), kMaxShownBytes);
  while (cut && size > 0 && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80) --size;
  std::string out = text::Printable(text.substr(0, size));
  return cut ? out + "…" : out;
}

std::string Masked(const schema::Field& field, absl::string_view text) {
  std::string out;
  const huiliu::v1::Mask& mask = field.options.default_mask();
  if (mask.has_partial() && rules::AppendMasked(mask, text, {}, &out)) return Shown(out);
  return "***";
}

// Individual businesses write the owner's number where a code or a name should stand.
std::string WithoutCitizenIds(absl::string_view text) {
  if (!codes::HoldsCitizenId(text)) return Shown(text);
  std::string out;
  codes::AppendCitizenIdsHidden(text, &out);
  return Shown(out);
}

PreviewRow RowOf(const schema::Contract& contract, const MappedRow& row) {
  // Where the key is a citizen number, so is what the source calls the row.
  PreviewRow out{WithoutCitizenIds(row.row_id),
                 row.operation,
                 row.source_time_us,
                 {},
                 row.findings,
                 row.error_code,
                 row.error_place,
                 row.error_message};
  for (const schema::Field& field : contract.fields()) {
    const auto text = schema::FieldToText(contract, field, row.payload);
    if (!text.ok() || text->empty()) continue;
    const bool hidden = field.options.personal() || field.options.has_default_mask();
    out.fields.push_back({field.name, field.options.title(),
                          hidden ? Masked(field, *text) : WithoutCitizenIds(*text)});
  }
  return out;
}

std::string TimeInWords(int64_t us) {
  return us == 0 ? ""
                 : absl::FormatTime("%Y-%m-%d %H:%M:%E*S", absl::FromUnixMicros(us),
                                    ShanghaiTimeZone());
}

void AppendRow(const PreviewRow& row, size_t number, Language language, std::string* out) {
  const bool chinese = language == Language::kChinese;
  const bool deletes = row.operation == huiliu::v1::OPERATION_DELETE;
  absl::StrAppend(out, "\n", number, "  ", Shown(row.row_id), "  ",
                  deletes ? (chinese ? "删除" : "delete") : (chinese ? "新增或更新" : "upsert"),
                  "  ", TimeInWords(row.source_time_us), "\n");
  if (!row.error_code.empty()) {
    absl::StrAppend(
        out, chinese ? "   问题数据: " : "   quarantined: ",
        text::Printable(absl::StrCat(row.error_code, " ", row.error_place, " ", row.error_message)),
        "\n");
  }
  for (const PreviewField& field : row.fields)
    absl::StrAppend(out, "   ", field.title, " ", field.name, ": ", field.shown, "\n");
  for (const std::string& finding : row.findings) {
    const size_t colon = finding.find(':');
    absl::StrAppend(
        out, chinese ? "   提示: " : "   finding: ", finding.substr(0, colon), " ",
        colon == std::string::npos ? "" : FindingInWords(finding.substr(colon + 1), language),
        "\n");
  }
}

void AppendNames(absl::string_view what, const std::vector<std::string>& names, std::string* out) {
  if (names.empty()) return;
  absl::StrAppend(out, what, text::Printable(absl::StrJoin(names, ", ")), "\n");
}

}  // namespace

std::string FindingInWords(absl::string_view code, Language language) {
  for (const Words& words : kFindings) {
    if (words.code == code)
      return std::string(language == Language::kChinese ? words.chinese : words.english);
  }
  return std::string(code);
}

absl::StatusOr<Preview> MakePreview(const huiliu_rows& rows, Mapping* mapping, size_t max_rows) {
  Preview preview;
  RETURN_IF_ERROR(AddToPreview(rows, mapping, max_rows, &preview));
  return preview;
}

absl::Status AddToPreview(const huiliu_rows& rows, Mapping* mapping, size_t max_rows,
                          Preview* preview) {
  RETURN_IF_ERROR(mapping->BindHeader({rows.columns, rows.column_count}));
  const schema::Contract& contract = mapping->contract();
  preview->dataset = contract.id().value();
  preview->title = contract.options().title();
  MappedRow row;
  for (size_t i = 0; i < rows.row_count && preview->rows.size() < max_rows; ++i) {
    mapping->Map(rows.rows[i], &row);
    preview->rows.push_back(RowOf(contract, row));
  }
  preview->unused_columns = mapping->unused_columns();
  preview->absent_columns = mapping->absent_columns();
  preview->empty_fields.clear();
  for (const schema::Field& field : contract.fields()) {
    const bool filled =
        std::any_of(preview->rows.begin(), preview->rows.end(), [&](const PreviewRow& shown) {
          return std::any_of(shown.fields.begin(), shown.fields.end(),
                             [&](const PreviewField& f) { return f.name == field.name; });
        });
    if (!filled)
      preview->empty_fields.push_back(absl::StrCat(field.name, " (", field.options.title(), ")"));
  }
  return absl::OkStatus();
}

std::string FormatPreview(const Preview& preview, Language language) {
  const bool chinese = language == Language::kChinese;
  std::string out = chinese
                        ? absl::StrCat("数据集 ", preview.dataset, " ", preview.title, "：前 ",
                                       preview.rows.size(), " 行（个人信息已脱敏）\n")
                        : absl::StrCat("dataset ", preview.dataset, " ", preview.title, ": first ",
                                       preview.rows.size(), " rows (personal fields masked)\n");
  for (size_t i = 0; i < preview.rows.size(); ++i)
    AppendRow(preview.rows[i], i + 1, language, &out);
  out += "\n";
  AppendNames(chinese ? "没有字段取用的列: " : "columns that no field takes: ",
              preview.unused_columns, &out);
  AppendNames(chinese ? "配置要求而来源没有的列: "
                      : "columns that the mapping names and the source does not have: ",
              preview.absent_columns, &out);
  AppendNames(chinese ? "这几行都没有值的字段: " : "fields that none of these rows fills: ",
              preview.empty_fields, &out);
  return out;
}

}  // namespace huiliu::mapping
