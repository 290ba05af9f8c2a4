// The content of string and bytes literals, and of numbers.
#ifndef HUILIU_CORE_CEL_LITERAL_H_
#define HUILIU_CORE_CEL_LITERAL_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::cel {

// Decodes the escapes between the quotes. On failure `error` says why and `error_at` is the offset
// in `body`. `bytes`: \x and octal escapes are bytes, \u is refused; else code points.
bool DecodeText(absl::string_view body, bool bytes, std::string* out, size_t* error_at,
                std::string* error);
void AppendCodePoint(uint32_t code_point, std::string* out);

// Decimal or 0x digits. False where it does not fit.
bool ParseUnsigned(absl::string_view digits, uint64_t* value);
// The same with a sign.
bool ParseSigned(absl::string_view digits, bool negative, int64_t* value);

// Length in bytes of the valid UTF-8 code point at the front, 0 where it is not valid.
size_t CodePointLength(absl::string_view text);
// Number of code points, or -1 where the text is not UTF-8.
int64_t CountCodePoints(absl::string_view text);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_LITERAL_H_
