#include "adapters/mapping/mapping.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "adapters/mapping/mapping_reader.h"
#include "adapters/mapping/values.h"
#include "core/base/status.h"
#include "core/codes/codes.h"
#include "core/schema/text_value.h"
#include "core/text/trim.h"
#include "core/text/utf8.h"

namespace huiliu::mapping {
namespace {

absl::string_view View(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

using text::Trimmed;

// Masked, it cannot be joined on; so the return engine sees it too.
bool IsKeyish(const schema::Field& field) {
  return IsIdentifier(field.options.value()) || field.options.key();
}

void AddOnce(const std::string& name, std::vector<std::string>* names) {
  if (std::find(names->begin(), names->end(), name) == names->end()) names->push_back(name);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Mapping>> Mapping::Parse(
    absl::string_view source_name, absl::string_view yaml,
    std::shared_ptr<const schema::Contract> contract) {
  std::unique_ptr<Mapping> mapping(new Mapping(std::move(contract)));
  for (const char* word : {"i", "u", "insert", "update", "upsert", "add", "新增", "修改", "变更"})
    mapping->operations_[word] = huiliu::v1::OPERATION_UPSERT;
  for (const char* word : {"d", "delete", "del", "删除"})
    mapping->operations_[word] = huiliu::v1::OPERATION_DELETE;
  RETURN_IF_ERROR(MappingReader(source_name, *mapping).Read(yaml));
  return mapping;
}

absl::Status Mapping::BindHeader(absl::Span<const huiliu_bytes> columns) {
  bound_.clear();
  unused_.clear();
  absent_.clear();
  missing_.clear();
  std::vector<std::string> header;
  for (const huiliu_bytes& column : columns) header.emplace_back(View(column));
  absl::flat_hash_map<std::string, int> at;
  // As it is written goes before what only compares equal.
  absl::flat_hash_map<absl::string_view, int> exactly;
  for (size_t i = 0; i < header.size(); ++i) {
    at.try_emplace(sdk::FoldedColumn(header[i]), static_cast<int>(i));
    exactly.try_emplace(Trimmed(header[i]), static_cast<int>(i));
  }
  std::vector<bool> used(columns.size());
  const auto find = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const auto it = at.find(sdk::FoldedColumn(name));
      if (it == at.end()) continue;
      const auto same = exactly.find(Trimmed(name));
      const int found = same == exactly.end() ? it->second : same->second;
      used[static_cast<size_t>(found)] = true;
      return found;
    }
    return -1;
  };
  const auto find_configured = [&](const std::vector<std::string>& names, bool optional) {
    const int found = find(names);
    if (found < 0 && !names.empty()) {
      AddOnce(names[0], &absent_);
      if (!optional) AddOnce(absl::StrJoin(names, "/"), &missing_);
    }
    return found;
  };
  for (const FieldMapping& field : fields_) {
    const Bound bound{
        &field, field.named ? find_configured(field.columns, field.optional) : find(field.columns)};
    if (bound.column >= 0) bound_.push_back(bound);
  }
  operation_at_ = operation_column_.empty() ? -1 : find({operation_column_});
  time_at_ = find_configured(time_columns_, time_optional_);
  row_id_at_ = find_configured(row_id_columns_, row_id_optional_);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!used[i]) unused_.emplace_back(View(columns[i]));
  }
  repeated_ = needed_columns().Repeated(header);
  return CheckBound();
}

absl::Status Mapping::CheckBound() const {
  std::string keys;
  for (const schema::Field* key : contract_->key_fields()) {
    const bool found = std::any_of(bound_.begin(), bound_.end(),
                                   [&](const Bound& b) { return b.mapping->field == key; });
    if (!found) {
      absl::StrAppend(&keys, keys.empty() ? "" : ", ", key->name, " (", key->options.title(), ")");
    }
  }
  std::string why;
  if (!keys.empty()) {
    absl::StrAppend(&why, "没有列对应关键字段 / no column shows the key field(s) ", keys,
                    "; 请在映射中写明列名 / name the column in the mapping. ");
  }
  if (!missing_.empty()) {
    absl::StrAppend(&why, "缺少映射写明的列 / it lacks column(s) that the mapping names: ",
                    absl::StrJoin(missing_, ", "),
                    "; 请更正映射，确可缺少的列写 optional: true / correct the mapping, or say "
                    "optional: true of a column that may be absent. ");
  }
  if (!operation_column_.empty() && operation_at_ < 0) {
    absl::StrAppend(&why, "没有操作列 / no column ", operation_column_,
                    " (operation); without it deletes would pass as rows: 请更正映射 / correct the "
                    "mapping. ");
  }
  if (!repeated_.empty()) {
    absl::StrAppend(&why, "同名的列不止一个，无法确定取哪一个 / more than one column is called ",
                    repeated_,
                    ", and nothing tells which one is meant: 请更正来源 / correct the "
                    "source. ");
  }
  if (why.empty()) return absl::OkStatus();
  if (!unused_.empty()) {
    const std::string unused = absl::StrJoin(unused_, ", ");
    absl::StrAppend(&why, "没有字段取用的列 / columns that no field takes: ",
                    text::CodePointPrefix(unused, 100));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("dataset ", contract_->id().value(), ": ", text::Trimmed(why)));
}

sdk::NeededColumns Mapping::needed_columns() const {
  sdk::NeededColumns needed;
  for (const FieldMapping& field : fields_) {
    if (field.columns.empty()) continue;
    const bool key = field.field->options.key();
    const bool optional = !key && (field.optional || !field.named);
    const bool by_name = optional && !field.optional;
    needed.Add({field.columns, key, optional, by_name, by_name && field.field->options.required()});
  }
  if (!operation_column_.empty()) needed.Add({{operation_column_}, true});
  if (!time_columns_.empty()) needed.Add({time_columns_, false, time_optional_});
  if (!row_id_columns_.empty()) needed.Add({row_id_columns_, false, row_id_optional_});
  return needed;
}

bool Mapping::IsOptional(absl::string_view field) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const FieldMapping& mapping) {
    return mapping.optional && mapping.field->name == field;
  });
}

std::vector<Mapping::ShownField> Mapping::shown_fields() const {
  std::vector<ShownField> shown;
  for (const Bound& bound : bound_) shown.push_back({bound.mapping->field->name, bound.column});
  return shown;
}

bool Mapping::IsNull(const huiliu_cell& cell) const {
  if (cell.kind == 0) return true;
  const absl::string_view value = Trimmed(View(cell.value));
  return value.empty() || std::find(nulls_.begin(), nulls_.end(), value) != nulls_.end();
}

absl::string_view Mapping::ValueOf(const huiliu_row& row, int column) const {
  if (column < 0 || static_cast<size_t>(column) >= row.cell_count) return {};
  const huiliu_cell& cell = row.cells[column];
  return IsNull(cell) ? absl::string_view() : Trimmed(View(cell.value));
}

const Normalised& Mapping::ReadTime(absl::string_view value, absl::TimeZone zone) {
  if (value.empty() || value != time_text_ || zone != time_text_zone_) {
    time_ = NormaliseTime(value, zone, sentinels_);
    time_text_.assign(value.data(), value.size());
    time_text_zone_ = zone;
  }
  return time_;
}

Normalised Mapping::Read(const FieldMapping& mapping, absl::string_view value) {
  switch (mapping.reading) {
    case Reading::kDate:
      return NormaliseDate(value, sentinels_);
    case Reading::kTime:
      return ReadTime(value, zone_);
    case Reading::kAmount:
      return NormaliseAmount(value);
    case Reading::kUpper:
      return {absl::AsciiStrToUpper(value), ""};
    case Reading::kText:
      break;
  }
  return {std::string(value), ""};
}

void Mapping::MapField(const Bound& bound, absl::string_view value, MappedRow* out) {
  const schema::Field& field = *bound.mapping->field;
  const auto finding = [&](absl::string_view code) {
    if (!code.empty()) out->findings.push_back(absl::StrCat(field.name, ":", code));
  };
  if (absl::StrContains(value, '\0')) {  // no database takes it
    plain_ = absl::StrReplaceAll(value, {{absl::string_view("\0", 1), ""}});
    finding("zero_byte");
    value = Trimmed(plain_);
  }
  if (!bound.mapping->codes.empty()) {
    const auto code = bound.mapping->codes.find(value);
    if (code != bound.mapping->codes.end()) {
      value = code->second;
    } else if (!bound.mapping->code_values.contains(value)) {
      finding("unknown_code");
    }
  }
  const Normalised normalised = Read(*bound.mapping, value);
  finding(normalised.finding);
  const auto reject = [&] {
    // A delete needs no more than its key.
    if (out->operation == huiliu::v1::OPERATION_DELETE && !field.options.key())
      return finding("type");
    out->error_code = "value.type";
    out->error_message =
        absl::StrCat("字段 ", field.name, "（", field.options.title(), "）的值与类型不符 / field ",
                     field.name, ": the value is not of the field's type");
  };
  if (normalised.out.empty()) {
    if (normalised.finding == "time") reject();
    return;
  }
  finding(FindingOn(field.options.value(), normalised.out));
  if (IsKeyish(field) && codes::IsMaskedAtSource(normalised.out)) {
    out->masked_at_source = true;
    if (field.options.key()) {
      out->error_code = "key.masked_at_source";
      out->error_message = absl::StrCat("关键字段 ", field.name, "（", field.options.title(),
                                        "）来源已脱敏，无法区分 / key field ", field.name,
                                        " came masked from its source: it tells no two apart");
    }
  }
  if (!writer_.SetText(field, normalised.out).ok()) reject();
}

bool Mapping::MapOperation(const huiliu_row& row, MappedRow* out) {
  out->operation = row.operation == 2 ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
  if (row.operation != 0 || operation_at_ < 0) return true;
  const absl::string_view word = ValueOf(row, operation_at_);
  if (word.empty()) return true;
  const auto it = operations_.find(absl::AsciiStrToLower(word));
  if (it == operations_.end()) {
    out->error_code = "operation.unknown";
    out->error_message = absl::StrCat(
        "列 ", operation_column_, " 的操作词未知，请写入映射 / column ", operation_column_,
        " holds a word that is no known operation; add it to the mapping");
    return false;
  }
  out->operation = it->second;
  return true;
}

void Mapping::MapSourceTime(const huiliu_row& row, MappedRow* out) {
  out->source_time_us = row.source_time_us;
  if (row.source_time_us != 0 || time_at_ < 0) return;
  const absl::string_view text = ValueOf(row, time_at_);
  if (text.empty()) return;
  const Normalised& normalised = ReadTime(text, time_zone_);
  absl::Time time;
  if (!normalised.out.empty() && schema::ParseTime(normalised.out, &time)) {
    out->source_time_us = absl::ToUnixMicros(time);
  }
  if (!normalised.finding.empty())
    out->findings.push_back(absl::StrCat("source_time:", normalised.finding));
}

// A code that stands for "no code" tells no two records apart where it is the whole key.
void Mapping::MapKey(MappedRow* out) const {
  const auto missing = [out](absl::string_view message) {
    out->error_code = "key.missing";
    out->error_message = std::string(message);
  };
  auto key = contract_->KeyOf(out->payload);
  if (!key.ok())
    return missing(absl::StrCat("关键字段为空 / a key field is empty: ", key.status().message()));
  if (contract_->key_fields().size() == 1) {
    const schema::Field& field = *contract_->key_fields()[0];
    const std::string placeholder = absl::StrCat(field.name, ":placeholder");
    if (std::find(out->findings.begin(), out->findings.end(), placeholder) != out->findings.end()) {
      return missing(absl::StrCat("数据集 ", contract_->id().value(), " 的关键字段 ", field.name,
                                  " 是占位码 / key field ", field.name,
                                  " holds a placeholder instead of a code"));
    }
  }
  out->key = *std::move(key);
  out->error_place.clear();
}

void Mapping::Map(const huiliu_row& row, MappedRow* out) {
  out->error_code.clear();
  out->error_place.clear();
  out->error_message.clear();
  out->findings.clear();
  out->masked_at_source = false;
  out->operation = huiliu::v1::OPERATION_UPSERT;
  out->source_time_us = 0;
  out->key.clear();
  out->payload.clear();
  out->row_id = std::string(View(row.row_id));
  if (row.error_code.size > 0) {
    out->error_code = std::string(View(row.error_code));
    out->error_place = std::string(View(row.error_place));
    out->error_message = std::string(View(row.error_message));
    return;
  }
  out->error_place = std::string(View(row.row_id));
  const absl::string_view row_id = ValueOf(row, row_id_at_);
  if (!row_id.empty()) out->row_id = std::string(row_id);
  if (!MapOperation(row, out)) return;
  MapSourceTime(row, out);
  for (const Bound& bound : bound_) {
    const absl::string_view value = ValueOf(row, bound.column);
    if (!value.empty()) MapField(bound, value, out);
  }
  out->payload = writer_.Finish();
  if (out->error_code.empty()) MapKey(out);
}

}  // namespace huiliu::mapping
