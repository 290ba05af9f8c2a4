// UTF-8 by code points.
#ifndef HUILIU_CORE_TEXT_UTF8_H_
#define HUILIU_CORE_TEXT_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::text {

// Byte offset of the first malformed sequence (overlong, surrogate, beyond U+10FFFF, torn), or
// npos.
size_t FindInvalidUtf8(absl::string_view text);
inline bool IsValidUtf8(absl::string_view text) {
  return FindInvalidUtf8(text) == absl::string_view::npos;
}

void AppendUtf8(uint32_t code_point, std::string* out);

// Of valid UTF-8.
size_t CodePointCount(absl::string_view text);

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_UTF8_H_
