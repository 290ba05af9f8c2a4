#include "broker/backbone/kafka/framing.h"

#include "core/model/varint.h"

namespace huiliu {
namespace {

constexpr size_t kIdBytes = 4;

// Signed numbers as Java's Kafka libraries write them.
void AppendZigZag(uint64_t value, std::string* out) { AppendVarint(out, value << 1); }

}  // namespace

std::string ConfluentFraming(uint32_t schema_id, int message_index) {
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(schema_id >> shift));
  if (message_index == 0) {
    out.push_back('\0');  // short for one index, the first
  } else {
    AppendZigZag(1, &out);
    AppendZigZag(static_cast<uint64_t>(message_index), &out);
  }
  return out;
}

absl::string_view WithoutFraming(absl::string_view value, uint32_t* schema_id) {
  if (schema_id != nullptr) *schema_id = 0;
  if (value.size() < 1 + kIdBytes + 1 || value[0] != '\0') return value;
  absl::string_view rest = value.substr(1 + kIdBytes);
  uint64_t count = 0;
  if (!TakeVarint(rest, &count)) return value;
  for (uint64_t i = 0; i < count >> 1; ++i) {
    uint64_t index = 0;
    if (!TakeVarint(rest, &index)) return value;
  }
  for (size_t i = 1; schema_id != nullptr && i <= kIdBytes; ++i)
    *schema_id = *schema_id << 8 | static_cast<uint8_t>(value[i]);
  return rest;
}

}  // namespace huiliu
