#include "core/schema/wire_reader.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/model/varint.h"

namespace huiliu::schema {
namespace {

constexpr uint32_t kMaxFieldNumber = (1U << 29) - 1;
// libprotobuf's parser refuses a longer tag or length, whatever it says: a receiver must be able to
// read what we let pass.
constexpr size_t kMaxTagBytes = 5;

template <typename Int>
bool TakeFixed(const char*& at, const char* end, uint64_t* number) {
  if (static_cast<size_t>(end - at) < sizeof(Int)) return false;
  Int value;
  std::memcpy(&value, at, sizeof value);  // the wire and our machines are little endian
  *number = value;
  at += sizeof(Int);
  return true;
}

template <typename Int>
bool TakeFixed(absl::string_view& rest, uint64_t* number) {
  const char* at = rest.data();
  if (!TakeFixed<Int>(at, at + rest.size(), number)) return false;
  rest.remove_prefix(sizeof(Int));
  return true;
}

// A tag or a length.
bool TakeTag(absl::string_view& rest, uint64_t* value) {
  const size_t before = rest.size();
  return TakeVarint(rest, value) && before - rest.size() <= kMaxTagBytes;
}

// Most are one byte: that one in line, the rest by `Take`.
template <bool (*Take)(absl::string_view&, uint64_t*)>
inline bool TakeShort(const char*& at, const char* end, uint64_t* value) {
  // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a null `at` is its own `end`
  if (at < end && static_cast<uint8_t>(*at) < 0x80) {
    *value = static_cast<uint8_t>(*at++);
    return true;
  }
  absl::string_view rest(at, static_cast<size_t>(end - at));
  if (!Take(rest, value)) return false;
  at = rest.data();
  return true;
}

absl::Status Torn() { return absl::DataLossError("the record is no protobuf message: torn field"); }

}  // namespace

bool TakeField(absl::string_view& rest, WireField* field) {
  if (rest.empty()) return false;
  absl::string_view r = rest;
  uint64_t tag = 0;
  if (static_cast<uint8_t>(r[0]) < 0x80) {
    tag = static_cast<uint8_t>(r[0]);
    r.remove_prefix(1);
  } else if (!TakeTag(r, &tag)) {
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
      if (!TakeTag(r, &size) || size > r.size()) return false;
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

int FieldPlan::SparseSlotOf(uint32_t field_number) const {
  const auto it = std::lower_bound(sparse_.begin(), sparse_.end(),
                                   std::pair<uint32_t, int16_t>(field_number, -1));
  return it != sparse_.end() && it->first == field_number ? it->second : -1;
}

absl::Status FieldPlan::Scan(absl::string_view record, absl::Span<FieldSlot> slots) const {
  HUILIU_CHECK(slots.size() >= static_cast<size_t>(slots_));
  FieldSlot* const out = slots.data();
  for (int i = 0; i < slots_; ++i) out[i].present = false;
  const char* at = record.data();
  const char* const end = at + record.size();
  while (at < end) {
    uint64_t tag = 0;
    if (!TakeShort<TakeTag>(at, end, &tag)) return Torn();
    const uint64_t field_number = tag >> 3;
    if (field_number == 0 || field_number > kMaxFieldNumber) return Torn();
    uint64_t number = 0;
    const char* bytes = nullptr;
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kBytes:
        if (!TakeShort<TakeTag>(at, end, &number) || number > static_cast<uint64_t>(end - at))
          return Torn();
        bytes = at;
        at += number;
        break;
      case WireType::kVarint:
        if (!TakeShort<TakeVarint>(at, end, &number)) return Torn();
        break;
      case WireType::kFixed64:
        if (!TakeFixed<uint64_t>(at, end, &number)) return Torn();
        break;
      case WireType::kFixed32:
        if (!TakeFixed<uint32_t>(at, end, &number)) return Torn();
        break;
      default:
        return Torn();
    }
    const int slot = SlotOf(static_cast<uint32_t>(field_number));
    if (slot < 0) continue;
    out[slot].present = true;
    out[slot].type = static_cast<WireType>(tag & 7);
    out[slot].number = bytes == nullptr ? number : 0;
    out[slot].bytes = bytes == nullptr ? absl::string_view() : absl::string_view(bytes, number);
  }
  return absl::OkStatus();
}

}  // namespace huiliu::schema
