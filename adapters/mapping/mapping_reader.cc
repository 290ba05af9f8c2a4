#include "adapters/mapping/mapping_reader.h"

#include <yaml-cpp/yaml.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::mapping {
namespace {

Reading DefaultReading(const schema::Field& field) {
  switch (field.options.value()) {
    case huiliu::v1::VALUE_KIND_DATE:
      return Reading::kDate;
    case huiliu::v1::VALUE_KIND_DECIMAL:
      return Reading::kAmount;
    case huiliu::v1::VALUE_KIND_USCC:
    case huiliu::v1::VALUE_KIND_CITIZEN_ID:
    case huiliu::v1::VALUE_KIND_ORGANISATION_CODE:
      return Reading::kUpper;  // the standards know no lower case, and a key is one spelling
    default:
      return field.type == schema::FieldType::kTimestamp ? Reading::kTime : Reading::kText;
  }
}

constexpr size_t kMaxBytes = 1 << 20;

}  // namespace

absl::Status MappingReader::At(const YAML::Node& node, absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ":", node.Mark().line + 1, ":", node.Mark().column + 1, ": ", why));
}

absl::Status MappingReader::Read(absl::string_view yaml) {
  for (const schema::Field& field : mapping_.contract_->fields()) {
    FieldMapping entry;
    entry.field = &field;
    entry.columns = {field.name, field.options.title()};
    entry.reading = DefaultReading(field);
    mapping_.fields_.push_back(std::move(entry));
  }
  if (yaml.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": 映射过大 / a mapping has at most ", kMaxBytes, " bytes"));
  }
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (root.IsNull()) return absl::OkStatus();
    if (!root.IsMap()) return At(root, "a mapping of keys is expected");
    for (const auto& item : root) RETURN_IF_ERROR(ReadKey(item.first, item.second));
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ":", e.mark.line + 1, ":", e.mark.column + 1, ": ", e.msg));
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadKey(const YAML::Node& name, const YAML::Node& value) {
  const std::string key = name.IsScalar() ? name.Scalar() : "";
  if (key == "dataset") {
    if (value.Scalar() != mapping_.contract_->id().value()) {
      return At(value, absl::StrCat("this mapping is for dataset ", value.Scalar(), ", not ",
                                    mapping_.contract_->id().value()));
    }
    return absl::OkStatus();
  }
  if (key == "fields") {
    if (!value.IsMap()) return At(value, "fields: a mapping from field to column is expected");
    for (const auto& item : value) RETURN_IF_ERROR(ReadField(item.first, item.second));
    return absl::OkStatus();
  }
  if (key == "nulls") {
    mapping_.nulls_.clear();
    return ReadNames(value, &mapping_.nulls_);
  }
  if (key == "operation") return ReadOperation(value);
  if (key == "source_time") return ReadSourceTime(value);
  if (key == "row_id") return ReadRowId(value);
  if (key == "zone") {
    RETURN_IF_ERROR(ReadZone(value, &mapping_.zone_));
    if (!time_zone_read_) mapping_.time_zone_ = mapping_.zone_;
    return absl::OkStatus();
  }
  if (key == "sentinels") return ReadSentinels(value, &mapping_.sentinels_.none);
  if (key == "without_end") return ReadSentinels(value, &mapping_.sentinels_.endless);
  return At(name, absl::StrCat("unknown key \"", key,
                               "\"; known are dataset, fields, nulls, operation, source_time, "
                               "row_id, zone, sentinels, without_end"));
}

absl::Status MappingReader::ReadSourceTime(const YAML::Node& value) {
  if (!value.IsMap()) return ReadNames(value, &mapping_.time_columns_);
  for (const auto& item : value) {
    const std::string key = item.first.Scalar();
    if (key == "column") {
      RETURN_IF_ERROR(ReadNames(item.second, &mapping_.time_columns_));
    } else if (key == "zone") {
      RETURN_IF_ERROR(ReadZone(item.second, &mapping_.time_zone_));
      time_zone_read_ = true;
    } else if (key == "optional") {
      RETURN_IF_ERROR(ReadOptional(item.second, &mapping_.time_optional_));
    } else {
      return At(item.first, "source_time: known keys are column, zone, optional");
    }
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadRowId(const YAML::Node& value) {
  if (!value.IsMap()) return ReadNames(value, &mapping_.row_id_columns_);
  for (const auto& item : value) {
    const std::string key = item.first.Scalar();
    if (key == "column") {
      RETURN_IF_ERROR(ReadNames(item.second, &mapping_.row_id_columns_));
    } else if (key == "optional") {
      RETURN_IF_ERROR(ReadOptional(item.second, &mapping_.row_id_optional_));
    } else {
      return At(item.first, "row_id: known keys are column, optional");
    }
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadOptional(const YAML::Node& value, bool* out) const {
  const std::string word = value.IsScalar() ? value.Scalar() : "";
  if (word != "true" && word != "false") return At(value, "optional: true or false is expected");
  *out = word == "true";
  return absl::OkStatus();
}

absl::Status MappingReader::ReadZone(const YAML::Node& value, absl::TimeZone* out) {
  if (value.IsScalar() && absl::LoadTimeZone(value.Scalar(), out)) return absl::OkStatus();
  return At(value, "zone: the name of a time zone is expected, e.g. Asia/Shanghai or UTC");
}

absl::Status MappingReader::ReadSentinels(const YAML::Node& value, std::set<std::string>* out) {
  std::vector<std::string> dates;
  RETURN_IF_ERROR(ReadNames(value, &dates));
  out->clear();
  for (const std::string& date : dates) {
    const Normalised normalised = NormaliseDate(date, Sentinels{{}, {}});
    if (!normalised.finding.empty()) return At(value, "a list of dates (YYYY-MM-DD) is expected");
    out->insert(normalised.out);
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadNames(const YAML::Node& value, std::vector<std::string>* out) {
  if (value.IsScalar()) {
    out->push_back(value.Scalar());
    return absl::OkStatus();
  }
  if (!value.IsSequence()) return At(value, "a text or a list of texts is expected");
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) return At(item, "a text is expected");
    out->push_back(item.Scalar());
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadField(const YAML::Node& name, const YAML::Node& value) {
  const schema::Field* field = mapping_.contract_->FindField(name.Scalar());
  if (field == nullptr) {
    return At(name, absl::StrCat("dataset ", mapping_.contract_->id().value(), " has no field \"",
                                 name.Scalar(), "\""));
  }
  FieldMapping& entry = mapping_.fields_[static_cast<size_t>(field->index)];
  if (value.IsMap()) return ReadFieldOptions(value, &entry);
  entry.columns.clear();
  entry.named = true;
  return ReadNames(value, &entry.columns);
}

absl::Status MappingReader::ReadFieldOptions(const YAML::Node& value, FieldMapping* out) {
  for (const auto& item : value) {
    const std::string key = item.first.Scalar();
    if (key == "column") {
      out->columns.clear();
      out->named = true;
      RETURN_IF_ERROR(ReadNames(item.second, &out->columns));
    } else if (key == "codes") {
      RETURN_IF_ERROR(ReadCodes(item.second, out));
    } else if (key == "as") {
      RETURN_IF_ERROR(ReadReading(item.second, out));
    } else if (key == "optional") {
      RETURN_IF_ERROR(ReadOptional(item.second, &out->optional));
      if (out->optional && out->field->options.key())
        return At(item.second, "optional: a key field is never optional");
    } else {
      return At(item.first,
                absl::StrCat("unknown key \"", key, "\"; known are column, as, codes, optional"));
    }
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadCodes(const YAML::Node& value, FieldMapping* out) {
  if (!value.IsMap())
    return At(value, "codes: a mapping from source code to dataset code is expected");
  for (const auto& code : value) {
    if (!code.first.IsScalar() || !code.second.IsScalar())
      return At(code.first, "codes: a code is a text");
    out->codes[code.first.Scalar()] = code.second.Scalar();
    out->code_values.insert(code.second.Scalar());
  }
  return absl::OkStatus();
}

absl::Status MappingReader::ReadReading(const YAML::Node& value, FieldMapping* out) {
  constexpr std::pair<const char*, Reading> kReadings[] = {{"text", Reading::kText},
                                                           {"upper", Reading::kUpper},
                                                           {"date", Reading::kDate},
                                                           {"amount", Reading::kAmount}};
  for (const auto& [word, reading] : kReadings) {
    if (value.Scalar() != word) continue;
    if (reading != Reading::kText && out->field->type != schema::FieldType::kString)
      return At(value, absl::StrCat("as: ", word, " is for text fields"));
    out->reading = reading;
    return absl::OkStatus();
  }
  return At(value, "as: one of text, upper, date, amount is expected");
}

absl::Status MappingReader::ReadOperation(const YAML::Node& value) {
  if (value.IsScalar()) {
    mapping_.operation_column_ = value.Scalar();
    return absl::OkStatus();
  }
  if (!value.IsMap())
    return At(value, "operation: a column, or {column, upsert, delete} is expected");
  for (const auto& item : value) {
    const std::string key = item.first.Scalar();
    std::vector<std::string> words;
    RETURN_IF_ERROR(ReadNames(item.second, &words));
    if (key == "column") {
      mapping_.operation_column_ = words.empty() ? "" : words[0];
      continue;
    }
    if (key != "upsert" && key != "delete")
      return At(item.first, "known keys are column, upsert, delete");
    for (const std::string& word : words) {
      mapping_.operations_[absl::AsciiStrToLower(word)] =
          key == "delete" ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
    }
  }
  return absl::OkStatus();
}

}  // namespace huiliu::mapping
