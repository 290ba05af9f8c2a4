#include "adapters/agent/change_list.h"

#include <array>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "adapters/sdk/plugin.h"
#include "core/base/status.h"
#include "core/model/varint.h"
#include "core/schema/text_value.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::agent {
namespace {

using huiliu::v1::Envelope;

// What a landing is told of an envelope, by slot: what every change has, then what has a column of
// its own.
enum EnvelopeSlot { kSystem, kDivision, kSourceTime, kArrivalTime, kCells };

// How an envelope's value is written: as it is, as I/U/D, as hexadecimal, as a time, as a truth.
enum CellKind { kText, kOperation, kHex, kTime, kBool };

struct EnvelopeField {
  uint32_t number;
  const char* name;
  const char* title;
  int type;  // of huiliu_field
  CellKind kind;
};
constexpr EnvelopeField kFields[] = {
    {Envelope::kCityFieldNumber, "_city", "地市", 1, kText},
    {Envelope::kSourceDepartmentFieldNumber, "_department", "数源部门代码", 1, kText},
    {Envelope::kSourceDepartmentNameFieldNumber, "_department_name", "数源部门", 1, kText},
    {Envelope::kSourceTableFieldNumber, "_source_table", "来源表或文件", 1, kText},
    {Envelope::kRowIdFieldNumber, "_row_id", "来源行标识", 1, kText},
    {Envelope::kOperationFieldNumber, "_operation", "操作：U 新增或更新，D 删除", 1, kOperation},
    {Envelope::kKeyHashFieldNumber, "_key_hash", "主键哈希（SHA-256）", 1, kHex},
    {Envelope::kCleanedTimeUsFieldNumber, "_cleaned_time", "清洗时间", 5, kTime},
    {Envelope::kConflictFieldNumber, "_conflict", "归属证据冲突", 4, kBool},
    {Envelope::kDecidedByFieldNumber, "_decided_by", "归属依据", 1, kText},
    {Envelope::kRuleFieldNumber, "_rule", "回流规则及版本", 1, kText},
    {Envelope::kReasonFieldNumber, "_reason", "撤回或再次回流的原因", 1, kText},
    {Envelope::kRuleSetFieldNumber, "_rule_set", "引起撤回或再次回流的规则版本", 1, kText}};
constexpr size_t kEnvelopeSlots = kCells + std::size(kFields);

std::vector<uint32_t> EnvelopeNumbers() {
  std::vector<uint32_t> numbers = {Envelope::kSystemFieldNumber, Envelope::kDivisionFieldNumber,
                                   Envelope::kSourceTimeUsFieldNumber,
                                   Envelope::kArrivalTimeUsFieldNumber};
  for (const EnvelopeField& field : kFields) numbers.push_back(field.number);
  return numbers;
}

int LandedType(const schema::Field& field) {
  switch (field.type) {
    case schema::FieldType::kInt64:
    case schema::FieldType::kUint64:
    case schema::FieldType::kEnum:
      return 2;
    case schema::FieldType::kDouble:
      return 3;
    case schema::FieldType::kBool:
      return 4;
    case schema::FieldType::kTimestamp:
      return 5;
    default:
      break;
  }
  if (field.options.value() == huiliu::v1::VALUE_KIND_DATE) return 6;
  if (field.options.value() == huiliu::v1::VALUE_KIND_DECIMAL) return 7;
  return 1;
}

bool Lands(const schema::Field& field) {
  return !field.repeated && field.type != schema::FieldType::kMessage &&
         field.type != schema::FieldType::kBytes;
}

}  // namespace

ChangeList::ChangeList(std::shared_ptr<const schema::Contract> contract)
    : contract_(std::move(contract)), envelope_plan_(EnvelopeNumbers()) {
  std::vector<uint32_t> numbers;
  for (const schema::Field& field : contract_->fields()) {
    if (!Lands(field)) continue;
    fields_.push_back(&field);
    numbers.push_back(field.number);
    columns_.push_back({sizeof(huiliu_field), sdk::ToBytes(field.name),
                        sdk::ToBytes(field.options.title()), LandedType(field),
                        field.options.key() ? 1 : 0, field.options.index() ? 1 : 0});
  }
  plan_ = std::make_unique<schema::FieldPlan>(numbers);
  for (const EnvelopeField& field : kFields) {
    columns_.push_back({sizeof(huiliu_field), sdk::ToBytes(field.name), sdk::ToBytes(field.title),
                        field.type, 0, 0});
  }
  target_ = {sizeof(huiliu_dataset),
             sdk::ToBytes(contract_->id().value()),
             sdk::ToBytes(contract_->options().title()),
             contract_->version(),
             columns_.data(),
             fields_.size(),
             columns_.data() + fields_.size(),
             std::size(kFields)};
}

absl::Status ChangeList::AddRow(absl::string_view payload) {
  slots_.assign(fields_.size(), {});
  RETURN_IF_ERROR(plan_->Scan(payload, absl::MakeSpan(slots_)));
  for (size_t i = 0; i < fields_.size(); ++i) {
    const schema::FieldSlot& slot = slots_[i];
    if (!slot.present) {
      cells_.push_back({0, {nullptr, 0}});
    } else if (fields_[i]->type == schema::FieldType::kString &&
               slot.type == schema::WireType::kBytes) {
      cells_.push_back({1, sdk::ToBytes(slot.bytes)});
    } else {
      const size_t begin = texts_.size();
      RETURN_IF_ERROR(schema::AppendText(*fields_[i], slot.type, slot.number, slot.bytes, &texts_));
      AddMade(begin);
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeList::AddKey(absl::string_view key) {
  const size_t end = key.find('\0');
  if (end == absl::string_view::npos)
    return absl::FailedPreconditionError(
        "授权隐藏了主键，删除无法落地 / the grant hides the key: deletes cannot land");
  absl::string_view rest = key.substr(end + 1);
  for (const schema::Field* field : fields_) {
    if (!field->options.key()) {
      cells_.push_back({0, {nullptr, 0}});
      continue;
    }
    uint64_t size = 0;
    if (!TakeVarint(rest, &size) || size > rest.size()) return absl::DataLossError("a torn key");
    cells_.push_back({1, sdk::ToBytes(rest.substr(0, size))});
    rest.remove_prefix(size);
  }
  return absl::OkStatus();
}

void ChangeList::AddMade(size_t begin) {
  made_.push_back({cells_.size(), begin, texts_.size() - begin});
  cells_.push_back({1, {nullptr, 0}});
}

void ChangeList::AddEnvelopeCell(const schema::FieldSlot& slot, int kind) {
  const size_t begin = texts_.size();
  switch (kind) {
    case kText:
      if (slot.bytes.empty()) break;
      cells_.push_back({1, sdk::ToBytes(slot.bytes)});
      return;
    case kOperation:
      cells_.push_back({1, sdk::ToBytes(slot.number == huiliu::v1::OPERATION_DELETE ? "D" : "U")});
      return;
    case kHex:
      if (slot.bytes.empty()) break;
      texts_ += absl::BytesToHexString(slot.bytes);
      AddMade(begin);
      return;
    case kTime:
      if (slot.number == 0) break;
      absl::StrAppend(&texts_,
                      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ",
                                       absl::FromUnixMicros(static_cast<int64_t>(slot.number)),
                                       absl::UTCTimeZone()));
      AddMade(begin);
      return;
    default:  // kBool
      cells_.push_back({1, sdk::ToBytes(slot.number != 0 ? "true" : "false")});
      return;
  }
  cells_.push_back({0, {nullptr, 0}});
}

absl::Status ChangeList::AddChange(absl::string_view envelope, bool is_delete) {
  std::array<schema::FieldSlot, kEnvelopeSlots> slots;
  if (!envelope_plan_.Scan(envelope, absl::MakeSpan(slots)).ok())
    return absl::DataLossError("a torn envelope");
  for (size_t i = 0; i < std::size(kFields); ++i)
    AddEnvelopeCell(slots[kCells + i], kFields[i].kind);
  changes_.push_back({is_delete ? 1 : 0,
                      nullptr,
                      sdk::ToBytes(slots[kSystem].bytes),
                      sdk::ToBytes(slots[kDivision].bytes),
                      static_cast<int64_t>(slots[kSourceTime].number),
                      static_cast<int64_t>(slots[kArrivalTime].number),
                      {nullptr, 0}});
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const huiliu_change>> ChangeList::Of(
    const huiliu::v1::SubscribeResponse& message) {
  const int n = message.keys_size();
  if (message.payloads_size() != n || message.deletes_size() != n || message.envelopes_size() != n)
    return absl::InternalError("the node sent columns of different lengths");
  texts_.clear();
  made_.clear();
  cells_.clear();
  changes_.clear();
  for (int i = 0; i < n; ++i) {
    RETURN_IF_ERROR(message.deletes(i) ? AddKey(message.keys(i)) : AddRow(message.payloads(i)));
    RETURN_IF_ERROR(AddChange(message.envelopes(i), message.deletes(i)));
  }
  // Only now do cells and texts stay where they are.
  for (const Made& made : made_) cells_[made.cell].value = {texts_.data() + made.begin, made.size};
  for (size_t i = 0; i < changes_.size(); ++i)
    changes_[i].cells = cells_.data() + i * columns_.size();
  return absl::MakeConstSpan(changes_);
}

}  // namespace huiliu::agent
