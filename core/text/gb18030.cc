#include "core/text/gb18030.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace huiliu::text {
namespace {

#include "core/text/gb18030_table.inc"

constexpr uint32_t kNone = 0xFFFFFFFF;

// The code point of a four-byte pointer (WHATWG Encoding Standard, "index gb18030 ranges code
// point").
uint32_t FourByte(uint32_t pointer) {
  if (pointer == 7457) return 0xE7C7;
  if (pointer >= 189000) return pointer <= 1237575 ? 0x10000 + pointer - 189000 : kNone;
  if (pointer > 39419) return kNone;
  const Range* range = std::upper_bound(std::begin(kRanges), std::end(kRanges), pointer,
                                        [](uint32_t p, const Range& r) { return p < r.pointer; }) -
                       1;
  return range->code_point + pointer - range->pointer;
}

constexpr bool IsPrivateUse(uint32_t c) { return c >= 0xE000 && c <= 0xF8FF; }

// The UTF-8 form of every two-byte code, low byte first; in the top byte its length, and kPrivate.
constexpr uint32_t kPrivate = 0x80000000U;
constexpr std::array<uint32_t, std::size(kTwoByte)> MakeTwoByteUtf8() {
  std::array<uint32_t, std::size(kTwoByte)> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const uint32_t c = kTwoByte[i];
    table[i] = c < 0x800 ? (0xC0U | c >> 6) | (0x80U | (c & 0x3F)) << 8 | 2U << 24
                         : (0xE0U | c >> 12) | (0x80U | ((c >> 6) & 0x3F)) << 8 |
                               (0x80U | (c & 0x3F)) << 16 | 3U << 24;
    if (IsPrivateUse(c)) table[i] |= kPrivate;
  }
  return table;
}
constexpr auto kTwoByteUtf8 = MakeTwoByteUtf8();

// Where in the two-byte tables; `trail` is 0x40–0x7E or 0x80–0xFE.
uint32_t TwoBytePointer(uint8_t lead, uint8_t trail) {
  return (lead - 0x81U) * 190 + (trail - (trail < 0x7F ? 0x40U : 0x41U));
}

// Decodes one non-ASCII sequence; its length, or 0.
size_t DecodeOne(const uint8_t* p, size_t left, bool gbk, uint32_t* code_point) {
  if (p[0] < 0x81 || p[0] > 0xFE || left < 2) return 0;
  if (p[1] >= 0x30 && p[1] <= 0x39) {
    if (gbk || left < 4 || p[2] < 0x81 || p[2] > 0xFE || p[3] < 0x30 || p[3] > 0x39) return 0;
    *code_point = FourByte(((p[0] - 0x81U) * 10 + (p[1] - 0x30U)) * 1260 + (p[2] - 0x81U) * 10 +
                           (p[3] - 0x30U));
    return *code_point == kNone ? 0 : 4;
  }
  if (p[1] < 0x40 || p[1] == 0x7F || p[1] > 0xFE) return 0;
  *code_point = kTwoByte[TwoBytePointer(p[0], p[1])];
  if (gbk && IsPrivateUse(*code_point)) return 0;
  return 2;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "kTwoByteUtf8 is written as a word");

// Writes the UTF-8 form; what it needs at most is 3 bytes for 2, 4 for 4.
char* Put(uint32_t c, char* to) {
  if (c >= 0x800 && c < 0x10000) {
    to[0] = static_cast<char>(0xE0 | (c >> 12));
    to[1] = static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    to[2] = static_cast<char>(0x80 | (c & 0x3F));
    return to + 3;
  }
  if (c < 0x800) {
    to[0] = static_cast<char>(0xC0 | (c >> 6));
    to[1] = static_cast<char>(0x80 | (c & 0x3F));
    return to + 2;
  }
  to[0] = static_cast<char>(0xF0 | (c >> 18));
  to[1] = static_cast<char>(0x80 | ((c >> 12) & 0x3F));
  to[2] = static_cast<char>(0x80 | ((c >> 6) & 0x3F));
  to[3] = static_cast<char>(0x80 | (c & 0x3F));
  return to + 4;
}

DecodedBytes Decode(absl::string_view bytes, bool gbk, char* const to) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(bytes.data());
  const size_t size = bytes.size();
  char* out = to;
  size_t i = 0;
  while (i < size) {
    uint64_t word;
    if (i + 8 <= size && (std::memcpy(&word, p + i, 8), (word & 0x8080808080808080ULL) == 0)) {
      std::memcpy(out, &word, 8);
      out += 8;
      i += 8;
      continue;
    }
    if (p[i] < 0x80) {
      *out++ = static_cast<char>(p[i++]);
      continue;
    }
    // The common case first: a two-byte code, its UTF-8 form looked up. Four bytes are written, of
    // which the next character takes the last one back; there is room for it.
    if (p[i] != 0x80 && p[i] != 0xFF && i + 1 < size && p[i + 1] >= 0x40 && p[i + 1] != 0x7F &&
        p[i + 1] != 0xFF) {
      const uint32_t form = kTwoByteUtf8[TwoBytePointer(p[i], p[i + 1])];
      if (gbk && (form & kPrivate) != 0) return {static_cast<size_t>(out - to), i};
      std::memcpy(out, &form, 4);
      out += (form >> 24) & 3;
      i += 2;
      continue;
    }
    uint32_t code_point = 0;
    const size_t n = DecodeOne(p + i, size - i, gbk, &code_point);
    if (n == 0) return {static_cast<size_t>(out - to), i};
    out = Put(code_point, out);
    i += n;
  }
  return {static_cast<size_t>(out - to), absl::string_view::npos};
}

size_t Append(absl::string_view bytes, bool gbk, std::string* out) {
  const size_t before = out->size();
  out->resize(before + MaxDecodedBytes(bytes.size()));
  const DecodedBytes decoded = Decode(bytes, gbk, out->data() + before);
  out->resize(before + decoded.size);
  return decoded.invalid_at;
}

}  // namespace

size_t DecodeGb18030(absl::string_view bytes, std::string* out) {
  return Append(bytes, false, out);
}
size_t DecodeGbk(absl::string_view bytes, std::string* out) { return Append(bytes, true, out); }

DecodedBytes DecodeGb18030To(absl::string_view bytes, char* to) { return Decode(bytes, false, to); }
DecodedBytes DecodeGbkTo(absl::string_view bytes, char* to) { return Decode(bytes, true, to); }

}  // namespace huiliu::text
