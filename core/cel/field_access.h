// Reads a contract's fields out of wire slots as CEL values.
#ifndef HUILIU_CORE_CEL_FIELD_ACCESS_H_
#define HUILIU_CORE_CEL_FIELD_ACCESS_H_

#include <cstring>

#include "core/cel/functions.h"
#include "core/cel/types.h"
#include "core/schema/contract.h"
#include "core/schema/wire_reader.h"

namespace huiliu::cel {

// How a value stands on the wire.
enum class Encoding : uint8_t {
  kString,
  kBytes,
  kBool,
  kInt32,  // enums too
  kInt64,
  kSint,  // zigzag
  kSfixed32,
  kUint32,
  kUint64,  // fixed32 and fixed64 too
  kFloat,
  kDouble,
  kTimestamp,
  kDuration,
  kUnsupported,
};

// A field as an expression sees it: small, since rules hold many.
struct FieldAccess {
  static constexpr int kDivision = -1;

  uint32_t number : 29 = 0;
  uint32_t repeated : 1 = 0;
  uint32_t tracks_presence : 1 = 0;  // optional or a message: present means written, even if empty
  int16_t index =
      0;  // Field::index, its slot; kDivision: the record's attributed division, a string
  Encoding encoding = Encoding::kUnsupported;
  schema::WireType wire = schema::WireType::kVarint;

  static FieldAccess Of(const schema::Field& field);
  // Without a slot: for Decode and DecodePacked.
  static FieldAccess Of(const google::protobuf::FieldDescriptor& field);
  static FieldAccess Division();
  Type type() const;

  // The slot, or null where the field is absent or of another wire type (an unknown field to
  // proto3).
  const schema::FieldSlot* Slot(const Activation& activation) const {
    const schema::FieldSlot& slot = activation.slots[static_cast<size_t>(index)];
    return slot.present && slot.type == wire ? &slot : nullptr;
  }
  absl::string_view Text(const Activation& activation) const {
    if (index == kDivision) return activation.division;
    const schema::FieldSlot* slot = Slot(activation);
    return slot == nullptr ? absl::string_view() : slot->bytes;
  }
  int64_t Integer(const Activation& activation) const {
    const schema::FieldSlot* slot = Slot(activation);
    return slot == nullptr ? 0 : DecodeInteger(slot->number);
  }
  uint64_t Natural(const Activation& activation) const {
    const schema::FieldSlot* slot = Slot(activation);
    return slot == nullptr ? 0 : DecodeNatural(slot->number);
  }
  double Number(const Activation& activation) const {
    const schema::FieldSlot* slot = Slot(activation);
    return slot == nullptr ? 0 : DecodeNumber(slot->number);
  }
  // One occurrence's content, as the wire reader gives it.
  Value Decode(uint64_t raw, absl::string_view bytes) const;
  // Of a packed list. False where it is torn.
  bool DecodePacked(absl::string_view bytes, std::vector<Value>* values) const;
  // Any single field; an error value where a timestamp or duration is no such thing.
  Value Read(const Activation& activation) const;
  // A repeated field as a list.
  Value ReadList(Frame& frame) const;
  // has(): written and, without tracked presence, not the default; a repeated one: not empty.
  bool Present(const Activation& activation) const;

 private:
  int64_t DecodeInteger(uint64_t raw) const {
    switch (encoding) {
      case Encoding::kInt32:
      case Encoding::kSfixed32:
        return static_cast<int32_t>(raw);
      case Encoding::kSint:
        return static_cast<int64_t>((raw >> 1) ^ (0 - (raw & 1)));
      default:
        return static_cast<int64_t>(raw);
    }
  }
  uint64_t DecodeNatural(uint64_t raw) const {
    return encoding == Encoding::kUint32 ? static_cast<uint32_t>(raw) : raw;
  }
  double DecodeNumber(uint64_t raw) const {
    if (encoding == Encoding::kFloat) {
      const auto bits = static_cast<uint32_t>(raw);
      float value;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
    double value;
    std::memcpy(&value, &raw, sizeof value);
    return value;
  }
};
static_assert(sizeof(FieldAccess) == 8);

// A google.protobuf.Timestamp or Duration.
Value DecodeTime(absl::string_view bytes, bool timestamp);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_FIELD_ACCESS_H_
