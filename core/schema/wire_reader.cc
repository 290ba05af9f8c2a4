#include "core/schema/wire_reader.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/model/varint.h"

namespace huiliu::schema {
namespace {

constexpr uint32_t kMaxFieldNumber = (1U << 29) - 1;

template <typename Int>
bool TakeFixed(absl::string_view& rest, uint64_t* number) {
  if (rest.size() < sizeof(Int)) return false;
  Int value;
  std::memcpy(&value, rest.data(), sizeof value);  // the wire and our machines are little endian
  *number = value;
  rest.remove_prefix(sizeof(Int));
  return true;
}

}  // namespace

bool TakeField(absl::string_view& rest, WireField* field) {
  if (rest.empty()) return false;
  absl::string_view r = rest;
  uint64_t tag = 0;
  if (static_cast<uint8_t>(r[0]) < 0x80) {
    tag = static_cast<uint8_t>(r[0]);
    r.remove_prefix(1);
  } else if (!TakeVarint(r, &tag)) {
    return false;
  }
  const uint64_t number = tag >> 3;
  if (number == 0 || number > kMaxFieldNumber) return false;
  field->field_number = static_cast<uint32_t>(number);
  field->bytes = {};
  field->number = 0;
  switch (tag & 7) {
    case 0:
      field->type = WireType::kVarint;
      if (!TakeVarint(r, &field->number)) return false;
      break;
    case 1:
      field->type = WireType::kFixed64;
      if (!TakeFixed<uint64_t>(r, &field->number)) return false;
      break;
    case 2: {
      field->type = WireType::kBytes;
      uint64_t size = 0;
      if (!TakeVarint(r, &size) || size > r.size()) return false;
      field->bytes = r.substr(0, size);
      r.remove_prefix(size);
      break;
    }
    case 5:
      field->type = WireType::kFixed32;
      if (!TakeFixed<uint32_t>(r, &field->number)) return false;
      break;
    default:  // groups, and what the format does not know
      return false;
  }
  field->whole = rest.substr(0, rest.size() - r.size());
  rest = r;
  return true;
}

FieldPlan::FieldPlan(absl::Span<const uint32_t> field_numbers)
    : slots_(static_cast<int>(field_numbers.size())) {
  dense_.fill(-1);
  for (size_t i = 0; i < field_numbers.size(); ++i) {
    const uint32_t number = field_numbers[i];
    HUILIU_CHECK(number > 0 && number <= kMaxFieldNumber && SlotOf(number) < 0);
    if (number < kDense) {
      dense_[number] = static_cast<int16_t>(i);
    } else {
      sparse_.emplace_back(number, static_cast<int16_t>(i));
      std::sort(sparse_.begin(), sparse_.end());
    }
  }
}

int FieldPlan::SlotOf(uint32_t field_number) const {
  if (field_number < kDense) return dense_[field_number];
  const auto it = std::lower_bound(sparse_.begin(), sparse_.end(),
                                   std::pair<uint32_t, int16_t>(field_number, -1));
  return it != sparse_.end() && it->first == field_number ? it->second : -1;
}

absl::Status FieldPlan::Scan(absl::string_view record, absl::Span<FieldSlot> slots) const {
  HUILIU_CHECK(slots.size() >= static_cast<size_t>(slots_));
  for (int i = 0; i < slots_; ++i) slots[static_cast<size_t>(i)].present = false;
  WireField field;
  while (TakeField(record, &field)) {
    const int slot = SlotOf(field.field_number);
    if (slot < 0) continue;
    FieldSlot& out = slots[static_cast<size_t>(slot)];
    out.present = true;
    out.type = field.type;
    out.number = field.number;
    out.bytes = field.bytes;
  }
  if (!record.empty()) return absl::DataLossError("the record is no protobuf message: torn field");
  return absl::OkStatus();
}

}  // namespace huiliu::schema
