// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef HUILIU_CORE_RULES_UTF8_H_
#define HUILIU_CORE_RULES_UTF8_H_

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace huiliu::rules {

// Length of the code point at the front of `text`; 0 where it is none.
inline size_t CodePointLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (text.empty()) return 0;
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return text.size() >= 2 && tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (text.size() < 3 || !tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead > 0xF4 || text.size() < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return 4;
}

// Number of code points, or -1 where `text` is not UTF-8.
inline int64_t CountCodePoints(absl::string_view text) {
  int64_t count = 0;
  while (!text.empty()) {
    if (text.size() >= 8) {
      uint64_t word;
      std::memcpy(&word, text.data(), 8);
      if ((word & 0x8080808080808080u) == 0) {
        text.remove_prefix(8);
        count += 8;
        continue;
      }
    }
    const size_t length = CodePointLength(text);
    if (length == 0) return -1;
    text.remove_prefix(length);
    ++count;
  }
  return count;
}

inline bool IsUtf8(absl::string_view text) { return CountCodePoints(text) >= 0; }

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_UTF8_H_
