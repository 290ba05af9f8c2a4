#include "core/rules/override_match.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"
#include "core/text/trim.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::TerritoryOverride;
using schema::Field;

absl::Status Refuse(absl::string_view chinese, absl::string_view english) {
  return absl::InvalidArgumentError(absl::StrCat(chinese, " / ", english));
}

bool IsPersonal(const Field& field) {
  switch (field.options.value()) {
    case huiliu::v1::VALUE_KIND_CITIZEN_ID:
    case huiliu::v1::VALUE_KIND_PERSON_NAME:
    case huiliu::v1::VALUE_KIND_PHONE:
      return true;
    default:
      return field.options.personal();
  }
}

absl::Status CheckNotPersonal(const Field& field) {
  if (!IsPersonal(field)) return absl::OkStatus();
  return Refuse(
      absl::StrCat("字段 ", field.name,
                   " 含个人信息，不能写入认领决定，请改用记录摘要（--record-key）"),
      absl::StrCat("field ", field.name,
                   " holds personal information, which stands in no override; name the record by "
                   "its digest (--record-key)"));
}

// Whatever is written here is stored, replicated and shown to departments.
absl::Status CheckText(absl::string_view text) {
  if (text.empty()) return Refuse("匹配内容为空", "what is to be matched is empty");
  if (text.size() > kMaxOverrideText) {
    return Refuse(
        absl::StrCat("匹配内容超过 ", kMaxOverrideText, " 字节"),
        absl::StrCat("what is to be matched is longer than ", kMaxOverrideText, " bytes"));
  }
  if (codes::HoldsCitizenId(text)) {
    return Refuse("匹配内容含身份证号，请改用记录摘要（--record-key）",
                  "what is to be matched holds a citizen number; name the record by its digest "
                  "(--record-key)");
  }
  return absl::OkStatus();
}

absl::Status CheckField(const TerritoryOverride::FieldText& match,
                        const schema::Contract& contract) {
  RETURN_IF_ERROR(CheckText(match.text()));
  const Field* field = contract.FindField(match.field());
  if (field == nullptr) {
    return Refuse(absl::StrCat("数据集 ", contract.id().value(), " 没有此字段"),
                  absl::StrCat("dataset ", contract.id().value(), " has no such field"));
  }
  if (field->type != schema::FieldType::kString || field->repeated) {
    return Refuse(absl::StrCat("字段 ", field->name, " 不是单值文本"),
                  absl::StrCat("field ", field->name, " is no text of a single value"));
  }
  return CheckNotPersonal(*field);
}

std::string QuoteCel(absl::string_view text) {
  return absl::StrCat(
      "\"",
      absl::StrReplaceAll(
          text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}, {"\r", "\\r"}, {"\t", "\\t"}}),
      "\"");
}

bool IsRecordDigest(absl::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

absl::Status CheckPredicate(const TerritoryOverride& given, const schema::Contract& contract) {
  const cel::Environment environment{[](absl::string_view, absl::string_view) { return false; },
                                     [](absl::string_view) { return std::string(); }};
  ASSIGN_OR_RETURN(const std::unique_ptr<const cel::Predicate> predicate,
                   CompileOverride(given, contract, environment));
  for (const int index : predicate->fields())
    RETURN_IF_ERROR(CheckNotPersonal(contract.fields()[static_cast<size_t>(index)]));
  const std::vector<schema::FieldSlot> nothing(contract.fields().size());
  if (predicate->Evaluate({nothing, "", "", false}) == cel::Truth::kTrue) {
    return Refuse("空记录也会匹配，会认领所有待认领的记录，请写得更具体",
                  "even an empty record matches, so every pending one would be claimed; be more "
                  "particular");
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view NormalName(absl::string_view text) { return absl::StripAsciiWhitespace(text); }

bool MeansNothing(absl::string_view text) {
  static constexpr absl::string_view kWords[] = {
      "n/a",  "na",   "\\n",  "null",   "none", "nil",    "undefined", "unknown", "-",    "--",
      "/",    "\\",   "*",    "无",     "無",   "空",     "没有",      "未知",    "不详", "不明",
      "未填", "暂无", "待定", "（空）", "(空)", "无数据", "——",        "—"};
  const std::string plain = absl::AsciiStrToLower(text::Trimmed(text));
  return plain.empty() ||
         std::find(std::begin(kWords), std::end(kWords), plain) != std::end(kWords);
}

absl::StatusOr<std::unique_ptr<const cel::Predicate>> CompileOverride(
    const TerritoryOverride& given, const schema::Contract& contract,
    const cel::Environment& environment) {
  const std::string condition = given.has_pattern()
                                    ? absl::StrCat(given.pattern().field(), ".matches(",
                                                   QuoteCel(given.pattern().text()), ")")
                                    : given.condition();
  std::vector<cel::Issue> issues;
  auto predicate = cel::Predicate::Compile(condition, contract, environment, &issues);
  if (predicate.ok()) return predicate;
  std::string found;
  for (const cel::Issue& issue : issues)
    absl::StrAppend(&found, found.empty() ? "" : "; ", issue.line, ":", issue.column, ": ",
                    issue.message);
  return Refuse(absl::StrCat("条件有误：", found), absl::StrCat("the condition is wrong: ", found));
}

absl::Status CheckOverrideMatch(const TerritoryOverride& given, const schema::Contract& contract) {
  switch (given.match_case()) {
    case TerritoryOverride::kRecord:
      if (IsRecordDigest(given.record())) return absl::OkStatus();
      return Refuse("记录摘要须为 64 位小写十六进制（SHA-256）",
                    "a record is named by the 64 lower-case hexadecimal digits of its SHA-256");
    case TerritoryOverride::kName:
      RETURN_IF_ERROR(CheckField(given.name(), contract));
      if (!NormalName(given.name().text()).empty()) return absl::OkStatus();
      return Refuse("匹配内容为空", "what is to be matched is empty");
    case TerritoryOverride::kPattern:
      RETURN_IF_ERROR(CheckField(given.pattern(), contract));
      return CheckPredicate(given, contract);
    case TerritoryOverride::kCondition:
      RETURN_IF_ERROR(CheckText(given.condition()));
      return CheckPredicate(given, contract);
    case TerritoryOverride::MATCH_NOT_SET:
      break;
  }
  return Refuse("须给出记录、名称、模式或条件之一",
                "exactly one of record, name, pattern and condition says which records");
}

Digest RecordDigest(absl::string_view system, absl::string_view key) {
  Hasher hasher;
  hasher.Update(system);
  hasher.Update(absl::string_view("\0", 1));
  hasher.Update(key);
  return hasher.Finish();
}

Digest DigestOfOverrideIds(std::vector<absl::string_view> ids) {
  if (ids.empty()) return Digest{};
  std::sort(ids.begin(), ids.end());
  Hasher hasher;
  for (const absl::string_view id : ids) hasher.Update(absl::StrCat(id, "\n"));
  return hasher.Finish();
}

Digest DigestOfOverrides(absl::Span<const TerritoryOverride> overrides) {
  std::vector<absl::string_view> ids;
  for (const TerritoryOverride& one : overrides) ids.push_back(one.id());
  return DigestOfOverrideIds(std::move(ids));
}

Digest DigestOfOverride(const TerritoryOverride& given) {
  TerritoryOverride said;
  said.set_id(given.id());
  said.set_dataset(given.dataset());
  said.set_receiver(given.receiver());
  said.set_division(given.division());
  switch (given.match_case()) {
    case TerritoryOverride::kRecord:
      said.set_record(given.record());
      break;
    case TerritoryOverride::kName:
      *said.mutable_name() = given.name();
      break;
    case TerritoryOverride::kPattern:
      *said.mutable_pattern() = given.pattern();
      break;
    case TerritoryOverride::kCondition:
      said.set_condition(given.condition());
      break;
    case TerritoryOverride::MATCH_NOT_SET:
      break;
  }
  return Sha256(said.SerializeAsString());
}

}  // namespace huiliu::rules
