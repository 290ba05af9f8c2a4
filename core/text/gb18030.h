// GB 18030-2022 (and its subset GBK) → UTF-8. Invalid bytes are an error with their place, never a
// silent replacement.
#ifndef HUILIU_CORE_TEXT_GB18030_H_
#define HUILIU_CORE_TEXT_GB18030_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::text {

// Appends the UTF-8 form of `bytes`. Returns npos, or the offset of the first byte of an invalid or
// torn sequence; what stood before it is appended.
size_t DecodeGb18030(absl::string_view bytes, std::string* out);

// The same for GBK: four-byte sequences and the private use area are invalid.
size_t DecodeGbk(absl::string_view bytes, std::string* out);

// The same into a buffer of at least MaxDecodedBytes(bytes.size()).
constexpr size_t MaxDecodedBytes(size_t bytes) { return bytes + bytes / 2 + 8; }
struct DecodedBytes {
  size_t size = 0;        // written
  size_t invalid_at = 0;  // npos, or as above
};
DecodedBytes DecodeGb18030To(absl::string_view bytes, char* to);
DecodedBytes DecodeGbkTo(absl::string_view bytes, char* to);

}  // namespace huiliu::text

#endif  // HUILIU_CORE_TEXT_GB18030_H_
