#include "core/text/utf8.h"

#include <cstring>

namespace huiliu::text {
namespace {

// Length of the well-formed sequence at `p`, 0 where there is none (Unicode 15, table 3-7).
size_t SequenceLength(const uint8_t* p, size_t left) {
  const uint8_t c = p[0];
  if (c < 0x80) return 1;
  if (c < 0xC2 || c > 0xF4) return 0;
  const size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  if (left < n) return 0;
  for (size_t i = 1; i < n; ++i) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) || (c == 0xF0 && p[1] < 0x90) ||
      (c == 0xF4 && p[1] > 0x8F)) {
    return 0;
  }
  return n;
}

// Past the three-byte sequences from `i` on, two at a time; those that begin with E0 or ED, which
// have rules of their own, and the last few bytes are left to the caller.
size_t SkipThreeByteSequences(const uint8_t* p, size_t i, size_t size) {
  constexpr uint64_t kMask = 0x0000C0C0F0C0C0F0ULL, kForm = 0x00008080E08080E0ULL;
  constexpr unsigned kPlainLeads = 0xDFFE;  // by the lead's low four bits
  while (i + 8 <= size) {
    uint64_t word;
    std::memcpy(&word, p + i, 8);
    if ((word & kMask) != kForm || ((kPlainLeads >> (p[i] & 0xF)) & 1) == 0 ||
        ((kPlainLeads >> (p[i + 3] & 0xF)) & 1) == 0)
      return i;
    i += 6;
  }
  return i;
}

}  // namespace

size_t FindInvalidUtf8(absl::string_view text) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(text.data());
  size_t i = 0;
  while (i < text.size()) {
    uint64_t word;
    if (i + 8 <= text.size() &&
        (std::memcpy(&word, p + i, 8), (word & 0x8080808080808080ULL) == 0)) {
      i += 8;
      continue;
    }
    if (p[i] >= 0xE0) {
      i = SkipThreeByteSequences(p, i, text.size());
      if (i >= text.size()) break;
    }
    const size_t n = SequenceLength(p + i, text.size() - i);
    if (n == 0) return i;
    i += n;
  }
  return absl::string_view::npos;
}

void AppendUtf8(uint32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (c >> 6)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (c >> 12)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | (c >> 18)));
    out->push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

size_t CodePointCount(absl::string_view text) {
  size_t count = 0;
  for (char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

absl::string_view CodePointPrefix(absl::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<uint8_t>(text[at]) & 0xC0) != 0x80 && count-- == 0) break;
  }
  return text.substr(0, at);
}

absl::string_view CodePointSuffix(absl::string_view text, size_t count) {
  size_t at = text.size();
  while (at > 0 && count > 0) {
    --at;
    if ((static_cast<uint8_t>(text[at]) & 0xC0) != 0x80) --count;
  }
  return text.substr(at);
}

uint32_t TakeCodePoint(absl::string_view* text) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(text->data());
  const size_t n = SequenceLength(p, text->size());
  uint32_t c = 0xFFFD;
  if (n == 1) c = p[0];
  if (n == 2) c = (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
  if (n == 3) c = (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
  if (n == 4)
    c = (p[0] & 0x07U) << 18 | (p[1] & 0x3FU) << 12 | (p[2] & 0x3FU) << 6 | (p[3] & 0x3FU);
  text->remove_prefix(n == 0 ? 1 : n);
  return c;
}

FoundMark FindByteOrderMark(absl::string_view text) {
  const absl::string_view head = text.substr(0, 4);
  if (head.substr(0, 3) == "\xEF\xBB\xBF") return {ByteOrderMark::kUtf8, 3};
  if (head == "\x84\x31\x95\x33") return {ByteOrderMark::kGb18030, 4};
  if (head.substr(0, 2) == "\xFF\xFE" || head.substr(0, 2) == "\xFE\xFF")
    return {ByteOrderMark::kUtf16, 2};
  return {};
}

}  // namespace huiliu::text
