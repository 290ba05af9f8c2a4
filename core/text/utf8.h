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

// The rest are of valid UTF-8; of other bytes they never read beyond the end.
size_t CodePointCount(absl::string_view text);
// The first or last `count` code points; all of them where there are fewer.
absl::string_view CodePointPrefix(absl::string_view text, size_t count);
absl::string_view CodePointSuffix(absl::string_view text, size_t count);
// Takes the first code point off *text, which is not empty; U+FFFD where it is malformed.
uint32_t TakeCodePoint(absl::string_view* text);

// The byte order mark that `text` begins with.
enum class ByteOrderMark { kNone, kUtf8, kGb18030, kUtf16 };
struct FoundMark {
  ByteOrderMark mark = ByteOrderMark::kNone;
  size_t size = 0;  // bytes
};
FoundMark FindByteOrderMark(absl::string_view text);

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_UTF8_H_
