#include "adapters/mapping/mapping.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "adapters/mapping/mapping_reader.h"
#include "adapters/mapping/values.h"
#include "core/base/status.h"
#include "core/codes/codes.h"
#include "core/schema/text_value.h"

namespace huiliu::mapping {
namespace {

absl::string_view View(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

// Full-width spaces too: they stand at the ends of real values.
absl::string_view Trim(absl::string_view text) {
  while (true) {
    text = absl::StripAsciiWhitespace(text);
    if (absl::StartsWith(text, "　")) {
      text.remove_prefix(3);
    } else if (absl::EndsWith(text, "　")) {
      text.remove_suffix(3);
    } else {
      return text;
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Mapping>> Mapping::Parse(
    absl::string_view source_name, absl::string_view yaml,
    std::shared_ptr<const schema::Contract> contract) {
  std::unique_ptr<Mapping> mapping(new Mapping(std::move(contract)));
  for (const char* word : {"I", "U", "i", "u", "insert", "update", "INSERT", "UPDATE", "upsert",
                           "A", "add", "新增", "修改", "变更", "1", "2"}) {
    mapping->operations_[word] = huiliu::v1::OPERATION_UPSERT;
  }
  for (const char* word : {"D", "d", "delete", "DELETE", "del", "删除", "注销", "3"}) {
    mapping->operations_[word] = huiliu::v1::OPERATION_DELETE;
  }
  RETURN_IF_ERROR(MappingReader(source_name, *mapping).Read(yaml));
  return mapping;
}

absl::Status Mapping::BindHeader(absl::Span<const huiliu_bytes> columns) {
  bound_.clear();
  unused_.clear();
  operation_at_ = time_at_ = -1;
  absl::flat_hash_map<absl::string_view, int> at;
  for (size_t i = 0; i < columns.size(); ++i) at.try_emplace(View(columns[i]), static_cast<int>(i));
  std::vector<bool> used(columns.size());
  const auto find = [&](absl::string_view name) {
    const auto it = at.find(name);
    if (it == at.end()) return -1;
    used[static_cast<size_t>(it->second)] = true;
    return it->second;
  };
  std::string missing;
  for (const FieldMapping& field : fields_) {
    Bound bound{&field, -1};
    for (size_t i = 0; i < field.columns.size() && bound.column < 0; ++i)
      bound.column = find(field.columns[i]);
    if (bound.column >= 0) {
      bound_.push_back(bound);
    } else if (field.field->options.key()) {
      absl::StrAppend(&missing, missing.empty() ? "" : ", ", field.field->name, " (",
                      field.field->options.title(), ")");
    }
  }
  if (!operation_column_.empty()) operation_at_ = find(operation_column_);
  if (!time_column_.empty()) time_at_ = find(time_column_);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!used[i]) unused_.emplace_back(View(columns[i]));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("dataset ", contract_->id().value(),
                                                    ": no column shows the key field(s) ", missing,
                                                    "; name the column in the mapping"));
}

bool Mapping::IsNull(const huiliu_cell& cell) const {
  if (cell.kind == 0) return true;
  const absl::string_view value = Trim(View(cell.value));
  return value.empty() || std::find(nulls_.begin(), nulls_.end(), value) != nulls_.end();
}

absl::string_view Mapping::ValueOf(const huiliu_row& row, int column) const {
  if (column < 0 || static_cast<size_t>(column) >= row.cell_count) return {};
  const huiliu_cell& cell = row.cells[column];
  return IsNull(cell) ? absl::string_view() : Trim(View(cell.value));
}

void Mapping::MapField(const Bound& bound, absl::string_view value, MappedRow* out) {
  const schema::Field& field = *bound.mapping->field;
  const auto finding = [&](absl::string_view code) {
    if (!code.empty()) out->findings.push_back(absl::StrCat(field.name, ":", code));
  };
  if (!bound.mapping->codes.empty()) {
    const auto code = bound.mapping->codes.find(std::string(value));
    if (code != bound.mapping->codes.end()) value = code->second;
  }
  Normalised normalised;
  switch (bound.mapping->reading) {
    case Reading::kDate:
      normalised = NormaliseDate(value);
      break;
    case Reading::kAmount:
      normalised = NormaliseAmount(value);
      break;
    case Reading::kUpper:
      normalised.out = absl::AsciiStrToUpper(value);
      break;
    default:
      normalised.out = std::string(value);
  }
  finding(normalised.finding);
  if (normalised.out.empty()) return;
  const absl::string_view code = FindingOn(field.options.value(), normalised.out);
  finding(code);
  if (code == "masked_at_source" ||
      (field.options.key() && codes::IsMaskedAtSource(normalised.out))) {
    out->masked_at_source = true;
  }
  if (!writer_.SetText(field, normalised.out).ok()) {
    if (field.options.key()) {
      out->error_code = "value.type";
      out->error_message =
          absl::StrCat("key field ", field.name, " cannot hold the value: it is of another type");
    } else {
      finding("type");
    }
  }
}

bool Mapping::MapOperation(const huiliu_row& row, MappedRow* out) {
  out->operation = row.operation == 2 ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
  if (row.operation != 0 || operation_at_ < 0) return true;
  const absl::string_view word = ValueOf(row, operation_at_);
  if (word.empty()) return true;
  const auto it = operations_.find(word);
  if (it == operations_.end()) {
    out->error_code = "operation.unknown";
    out->error_message =
        absl::StrCat("column ", operation_column_,
                     " holds a word that is no known operation; add it to the mapping");
    return false;
  }
  out->operation = it->second;
  return true;
}

bool Mapping::MapSourceTime(const huiliu_row& row, MappedRow* out) {
  out->source_time_us = row.source_time_us;
  if (row.source_time_us != 0 || time_at_ < 0) return true;
  const absl::string_view text = ValueOf(row, time_at_);
  if (text.empty()) return true;
  absl::Time time;
  if (schema::ParseTime(text, &time)) {
    out->source_time_us = absl::ToUnixMicros(time);
  } else {
    out->findings.push_back("source_time:time");
  }
  return true;
}

void Mapping::Map(const huiliu_row& row, MappedRow* out) {
  out->error_code.clear();
  out->error_place.clear();
  out->error_message.clear();
  out->findings.clear();
  out->masked_at_source = false;
  out->key.clear();
  out->payload.clear();
  if (row.error_code.size > 0) {
    out->error_code = std::string(View(row.error_code));
    out->error_place = std::string(View(row.error_place));
    out->error_message = std::string(View(row.error_message));
    return;
  }
  out->error_place = std::string(View(row.row_id));
  if (!MapOperation(row, out)) return;
  MapSourceTime(row, out);
  for (const Bound& bound : bound_) {
    const absl::string_view value = ValueOf(row, bound.column);
    if (!value.empty()) MapField(bound, value, out);
  }
  out->payload = writer_.Finish();
  if (!out->error_code.empty()) return;
  auto key = contract_->KeyOf(out->payload);
  if (!key.ok()) {
    out->error_code = "key.missing";
    out->error_message = std::string(key.status().message());
    return;
  }
  out->key = *std::move(key);
  out->error_place.clear();
}

}  // namespace huiliu::mapping
