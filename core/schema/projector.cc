#include "core/schema/projector.h"

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"

namespace huiliu::schema {

Projector::Projector(std::shared_ptr<const Contract> contract)
    : contract_(std::move(contract)), entries_(contract_->fields().size()) {}

void Projector::Keep(const Field& field) {
  entries_[static_cast<size_t>(field.index)] = {Action::kKeep, nullptr};
}

void Projector::Rewrite(const Field& field, Rewriter rewriter) {
  Entry& entry = entries_[static_cast<size_t>(field.index)];
  if (field.type == FieldType::kMessage) {
    entry = {};
    return;
  }
  entry = {Action::kRewrite, std::move(rewriter)};
}

bool Projector::keeps(const Field& field) const {
  return entries_[static_cast<size_t>(field.index)].action != Action::kDrop;
}

absl::Status Projector::Apply(absl::string_view record, std::string* out) const {
  absl::Status status = Cut(record, out);
  if (!status.ok()) out->clear();  // nothing of it may be shown, not even by mistake
  return status;
}

absl::Status Projector::Cut(absl::string_view record, std::string* out) const {
  out->clear();
  out->reserve(record.size());
  WireField wire;
  std::string value;
  std::string shown;
  while (TakeField(record, &wire)) {
    const Field* field = contract_->FindFieldByNumber(wire.field_number);
    if (field == nullptr) continue;
    const Entry& entry = entries_[static_cast<size_t>(field->index)];
    if (entry.action == Action::kDrop) continue;
    if (entry.action == Action::kKeep) {
      out->append(wire.whole.data(), wire.whole.size());
      continue;
    }
    // A packed list is one occurrence that holds many values: it cannot be shown in part.
    if (field->repeated && wire.type == WireType::kBytes && field->type != FieldType::kString &&
        field->type != FieldType::kBytes && field->type != FieldType::kTimestamp) {
      return absl::InvalidArgumentError(absl::StrCat(
          "field ", field->name, ": 压缩编码的列表无法脱敏 / a packed list cannot be masked"));
    }
    value.clear();
    shown.clear();
    RETURN_IF_ERROR(AppendText(*field, wire.type, wire.number, wire.bytes, &value));
    RETURN_IF_ERROR(Annotate(entry.rewriter(value, &shown), absl::StrCat("field ", field->name)));
    RETURN_IF_ERROR(AppendWire(*field, shown, out));
  }
  if (!record.empty()) return absl::DataLossError("the record is no protobuf message: torn field");
  return absl::OkStatus();
}

}  // namespace huiliu::schema
