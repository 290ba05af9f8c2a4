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
    default:
      return Reading::kText;
  }
}

}  // namespace

absl::Status MappingReader::At(const YAML::Node& node, absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ":", node.Mark().line + 1, ":", node.Mark().column + 1, ": ", why));
}

absl::Status MappingReader::Read(absl::string_view yaml) {
  for (const schema::Field& field : mapping_.contract_->fields()) {
    FieldMapping entry;
    entry.field = &field;
    entry.columns = {field.name, field.options.title(), absl::AsciiStrToUpper(field.name)};
    entry.reading = DefaultReading(field);
    mapping_.fields_.push_back(std::move(entry));
  }
  YAML::Node root;
  try {
    root = YAML::Load(std::string(yaml));
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ":", e.mark.line + 1, ":", e.mark.column + 1, ": ", e.msg));
  }
  if (root.IsNull()) return absl::OkStatus();
  if (!root.IsMap()) return At(root, "a mapping of keys is expected");
  for (const auto& item : root) RETURN_IF_ERROR(ReadKey(item.first.Scalar(), item.second));
  return absl::OkStatus();
}

absl::Status MappingReader::ReadKey(const std::string& key, const YAML::Node& value) {
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
  if (key == "source_time") {
    if (!value.IsScalar()) return At(value, "source_time: the name of a column is expected");
    mapping_.time_column_ = value.Scalar();
    return absl::OkStatus();
  }
  return At(value, absl::StrCat("unknown key \"", key,
                                "\"; known are dataset, fields, nulls, operation, source_time"));
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
  entry.columns.clear();
  if (!value.IsMap()) return ReadNames(value, &entry.columns);
  return ReadFieldOptions(value, &entry);
}

absl::Status MappingReader::ReadFieldOptions(const YAML::Node& value, FieldMapping* out) {
  for (const auto& item : value) {
    const std::string key = item.first.Scalar();
    if (key == "column") {
      RETURN_IF_ERROR(ReadNames(item.second, &out->columns));
    } else if (key == "codes") {
      if (!item.second.IsMap())
        return At(item.second, "codes: a mapping from source code to dataset code is expected");
      for (const auto& code : item.second) out->codes[code.first.Scalar()] = code.second.Scalar();
    } else if (key == "as") {
      const std::string reading = item.second.Scalar();
      if (reading == "text")
        out->reading = Reading::kText;
      else if (reading == "upper")
        out->reading = Reading::kUpper;
      else if (reading == "date")
        out->reading = Reading::kDate;
      else if (reading == "amount")
        out->reading = Reading::kAmount;
      else
        return At(item.second, "as: one of text, upper, date, amount is expected");
    } else {
      return At(item.first, absl::StrCat("unknown key \"", key, "\"; known are column, as, codes"));
    }
  }
  return absl::OkStatus();
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
      mapping_.operations_[word] =
          key == "delete" ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
    }
  }
  return absl::OkStatus();
}

}  // namespace huiliu::mapping
