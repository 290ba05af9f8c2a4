#include "core/text/gb18030.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "core/text/utf8.h"

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
  *code_point = kTwoByte[(p[0] - 0x81U) * 190 + (p[1] - (p[1] < 0x7F ? 0x40U : 0x41U))];
  if (gbk && *code_point >= 0xE000 && *code_point <= 0xF8FF) return 0;
  return 2;
}

size_t Decode(absl::string_view bytes, bool gbk, std::string* out) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t i = 0;
  out->reserve(out->size() + bytes.size() + bytes.size() / 2);
  while (i < bytes.size()) {
    size_t run = i;
    uint64_t word;
    while (run + 8 <= bytes.size() &&
           (std::memcpy(&word, p + run, 8), (word & 0x8080808080808080ULL) == 0))
      run += 8;
    while (run < bytes.size() && p[run] < 0x80) ++run;
    out->append(bytes.data() + i, run - i);
    i = run;
    uint32_t code_point = 0;
    while (i < bytes.size() && p[i] >= 0x80) {
      const size_t n = DecodeOne(p + i, bytes.size() - i, gbk, &code_point);
      if (n == 0) return i;
      AppendUtf8(code_point, out);
      i += n;
    }
  }
  return absl::string_view::npos;
}

}  // namespace

size_t DecodeGb18030(absl::string_view bytes, std::string* out) {
  return Decode(bytes, false, out);
}
size_t DecodeGbk(absl::string_view bytes, std::string* out) { return Decode(bytes, true, out); }

}  // namespace huiliu::text
