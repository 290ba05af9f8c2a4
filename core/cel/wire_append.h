// Fields in protobuf's wire format, appended.
#ifndef HUILIU_CORE_CEL_WIRE_APPEND_H_
#define HUILIU_CORE_CEL_WIRE_APPEND_H_

#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "core/model/varint.h"

namespace huiliu::cel {

inline void AppendTag(int number, uint32_t wire, std::string* out) {
  AppendVarint(out, (static_cast<uint64_t>(number) << 3) | wire);
}
inline void AppendVarintField(int number, uint64_t value, std::string* out) {
  AppendTag(number, 0, out);
  AppendVarint(out, value);
}
inline void AppendDelimitedField(int number, absl::string_view content, std::string* out) {
  AppendTag(number, 2, out);
  AppendVarint(out, content.size());
  out->append(content.data(), content.size());
}
// Four or eight bytes, by the type of `value`.
template <typename T>
void AppendFixedField(int number, T value, std::string* out) {
  static_assert(sizeof value == 4 || sizeof value == 8);
  AppendTag(number, sizeof value == 4 ? 5 : 1, out);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out->append(bytes, sizeof bytes);
}

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_WIRE_APPEND_H_
