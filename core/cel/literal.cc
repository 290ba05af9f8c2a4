#include "core/cel/literal.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace huiliu::cel {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Takes exactly `count` digits of a base (8 or 16).
bool TakeDigits(absl::string_view body, size_t* at, int count, int base, uint32_t* value) {
  *value = 0;
  for (int i = 0; i < count; ++i) {
    if (*at >= body.size()) return false;
    const int digit = HexDigit(body[*at]);
    if (digit < 0 || digit >= base) return false;
    *value = *value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
    ++*at;
  }
  return true;
}

const char* SimpleEscape(char c) {
  switch (c) {
    case 'a':
      return "\a";
    case 'b':
      return "\b";
    case 'f':
      return "\f";
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case 'v':
      return "\v";
    case '\\':
      return "\\";
    case '?':
      return "?";
    case '"':
      return "\"";
    case '\'':
      return "'";
    case '`':
      return "`";
    default:
      return nullptr;
  }
}

// One escape at body[*at], behind the backslash. Empty error: fine.
std::string TakeEscape(absl::string_view body, size_t* at, bool bytes, std::string* out) {
  const char kind = body[*at];
  if (const char* simple = SimpleEscape(kind)) {
    out->append(simple);
    ++*at;
    return {};
  }
  uint32_t value = 0;
  if (kind >= '0' && kind <= '3') {
    if (!TakeDigits(body, at, 3, 8, &value))
      return "an octal escape has three digits, \\000 to \\377 (八进制转义为三位数字)";
  } else if (kind == 'x' || kind == 'X') {
    ++*at;
    if (!TakeDigits(body, at, 2, 16, &value))
      return "a \\x escape has two hexadecimal digits (\\x 转义为两位十六进制数字)";
  } else if (kind == 'u' || kind == 'U') {
    if (bytes)
      return "\\u stands for a code point; in bytes write \\x (\\u 表示码点，字节串中请写 \\x)";
    const int digits = kind == 'u' ? 4 : 8;
    ++*at;
    if (!TakeDigits(body, at, digits, 16, &value))
      return absl::StrCat("a \\", digits == 4 ? "u" : "U", " escape has ", digits,
                          " hexadecimal digits (十六进制位数不对)");
  } else {
    return "unknown escape; a backslash itself is written \\\\ "
           "(未知的转义，反斜杠本身写作两个反斜杠)";
  }
  if (bytes) {
    out->push_back(static_cast<char>(value));
    return {};
  }
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return "this escape is no Unicode code point (转义不是有效的码点)";
  AppendCodePoint(value, out);
  return {};
}

}  // namespace

void AppendCodePoint(uint32_t c, std::string* out) {
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

bool DecodeText(absl::string_view body, bool bytes, std::string* out, size_t* error_at,
                std::string* error) {
  size_t at = 0;
  while (at < body.size()) {
    if (body[at] != '\\') {
      out->push_back(body[at++]);
      continue;
    }
    *error_at = at++;
    *error = at == body.size() ? "a backslash at the end (末尾多了反斜杠)"
                               : TakeEscape(body, &at, bytes, out);
    if (!error->empty()) return false;
  }
  return true;
}

bool ParseUnsigned(absl::string_view digits, uint64_t* value) {
  uint64_t base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    base = 16;
    digits.remove_prefix(2);
  }
  if (digits.empty()) return false;
  uint64_t result = 0;
  for (char c : digits) {
    const int digit = HexDigit(c);
    if (digit < 0 || static_cast<uint64_t>(digit) >= base) return false;
    if (__builtin_mul_overflow(result, base, &result) ||
        __builtin_add_overflow(result, static_cast<uint64_t>(digit), &result))
      return false;
  }
  *value = result;
  return true;
}

bool ParseSigned(absl::string_view digits, bool negative, int64_t* value) {
  uint64_t magnitude = 0;
  if (!ParseUnsigned(digits, &magnitude)) return false;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (magnitude > kMax + (negative ? 1 : 0)) return false;
  *value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

size_t CodePointLength(absl::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
  if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogates
  if (lead == 0xF0 && byte(1) < 0x90) return 0;  // overlong
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // above U+10FFFF
  return length;
}

int64_t CountCodePoints(absl::string_view text) {
  int64_t count = 0;
  while (!text.empty()) {
    const size_t length = CodePointLength(text);
    if (length == 0) return -1;
    text.remove_prefix(length);
    ++count;
  }
  return count;
}

}  // namespace huiliu::cel
