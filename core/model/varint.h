// Base-128 varints as protobuf writes them.
#ifndef HUILIU_CORE_MODEL_VARINT_H_
#define HUILIU_CORE_MODEL_VARINT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace huiliu {

inline void AppendVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

// Takes a varint off the front of `rest`; false where it is torn or longer than 10 bytes.
inline bool TakeVarint(absl::string_view& rest, uint64_t* value) {
  uint64_t v = 0;
  for (size_t i = 0; i < rest.size() && i < 10; ++i) {
    const uint64_t byte = static_cast<uint8_t>(rest[i]);
    v |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      rest.remove_prefix(i + 1);
      *value = v;
      return true;
    }
  }
  return false;
}

}  // namespace huiliu

#endif  // HUILIU_CORE_MODEL_VARINT_H_
