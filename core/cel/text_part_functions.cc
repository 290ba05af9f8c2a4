// Parts of texts, by code point: charAt, indexOf, lastIndexOf, substring, replace, split, join,
// trim, lowerAscii, upperAscii.
#include <string.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/cel/functions.h"
#include "core/cel/literal.h"

namespace huiliu::cel {
namespace {

constexpr absl::string_view kOutside = "index out of range (下标超出范围)";
constexpr absl::string_view kNotText = "the text is not UTF-8 (文本不是 UTF-8)";
constexpr absl::string_view kTooLarge = "the evaluation needs too much memory (计算占用内存过多)";

bool Is(const Value* args, size_t count, size_t i, ValueKind kind) {
  return i < count && args[i].kind == kind;
}
// args[0…texts) are strings, the rest up to count ints.
bool Fits(const Value* args, size_t count, size_t texts, size_t least, size_t most) {
  if (count < least || count > most) return false;
  for (size_t i = 0; i < count; ++i) {
    if (!Is(args, count, i, i < texts ? ValueKind::kString : ValueKind::kInt)) return false;
  }
  return true;
}

// The byte where code point `index` begins; the end counts as one. False where there is none.
bool OffsetOf(absl::string_view text, int64_t index, size_t* offset) {
  if (index < 0) return false;
  *offset = 0;
  for (; index > 0 && *offset < text.size(); --index) {
    const size_t length = CodePointLength(text.substr(*offset));
    if (length == 0) return false;
    *offset += length;
  }
  return index == 0;
}

bool ChargeAll(Frame& frame, const Value* args, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += args[i].kind == ValueKind::kString ? args[i].size : 0;
  return frame.Charge(2 + static_cast<int64_t>(bytes / 16));
}

Value CharAt(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 1, 2, 2)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  const absl::string_view text = args[0].text();
  size_t offset = 0;
  if (!OffsetOf(text, args[1].integer, &offset)) return Error(kOutside);
  return String(text.substr(offset, CodePointLength(text.substr(offset))));
}

Value Substring(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 1, 2, 3)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  const absl::string_view text = args[0].text();
  size_t begin = 0, end = text.size();
  if (!OffsetOf(text, args[1].integer, &begin)) return Error(kOutside);
  if (count == 3 && !OffsetOf(text, args[2].integer, &end)) return Error(kOutside);
  return begin > end ? Error(kOutside) : String(text.substr(begin, end - begin));
}

Value Position(absl::string_view text, size_t offset) {
  const int64_t count = CountCodePoints(text.substr(0, offset));
  return count < 0 ? Error(kNotText) : Int(count);
}

// Linear in the text.
size_t Find(absl::string_view text, absl::string_view part, size_t from) {
  if (part.empty()) return from;
  if (from >= text.size()) return absl::string_view::npos;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? absl::string_view::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

Value IndexOf(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 2, 2, 3)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  const absl::string_view text = args[0].text();
  size_t from = 0;
  if (count == 3 && !OffsetOf(text, args[2].integer, &from)) return Error(kOutside);
  const size_t found = Find(text, args[1].text(), from);
  return found == absl::string_view::npos ? Int(-1) : Position(text, found);
}

Value LastIndexOf(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 2, 2, 3)) return Error(kNoOverload);
  const absl::string_view text = args[0].text(), part = args[1].text();
  const auto work = static_cast<int64_t>(text.size() / 64 * (1 + part.size() / 8));  // at worst
  if (!ChargeAll(frame, args, count) || !frame.Charge(work)) return Error(kTooCostly);
  size_t from = text.size();
  if (count == 3 && !OffsetOf(text, args[2].integer, &from)) return Error(kOutside);
  const size_t found = text.rfind(part, from);
  return found == absl::string_view::npos ? Int(-1) : Position(text, found);
}

template <char (*kChange)(char)>
Value ChangeCase(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 1, 1, 1)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  char* bytes = frame.arena.Bytes(args[0].size);
  if (bytes == nullptr) return Error(kTooLarge);
  std::transform(args[0].data, args[0].data + args[0].size, bytes, kChange);
  return String(absl::string_view(bytes, args[0].size));
}
char Lower(char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); }
char Upper(char c) { return absl::ascii_toupper(static_cast<unsigned char>(c)); }

// Unicode's White_Space.
bool IsSpace(absl::string_view point) {
  if (point.size() == 1) return absl::ascii_isspace(static_cast<unsigned char>(point[0]));
  static constexpr absl::string_view kSpaces[] = {"\u0085", "\u00a0", "\u1680", "\u2000", "\u2001",
                                                  "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
                                                  "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
                                                  "\u2029", "\u202f", "\u205f", "\u3000"};
  return std::find(std::begin(kSpaces), std::end(kSpaces), point) != std::end(kSpaces);
}

Value Trim(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 1, 1, 1)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  const absl::string_view text = args[0].text();
  size_t begin = text.size(), end = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t length = CodePointLength(text.substr(i));
    if (length == 0) return Error(kNotText);
    if (!IsSpace(text.substr(i, length))) {
      begin = std::min(begin, i);
      end = i + length;
    }
    i += length;
  }
  return String(begin < end ? text.substr(begin, end - begin) : absl::string_view());
}

// Where the parts of a text divided by `by` stand, at most `most` of them; negative: all. An empty
// `by` divides into code points. Says what is wrong: they are too many, or the text is not UTF-8;
// empty: nothing.
absl::string_view Divide(absl::string_view text, absl::string_view by, int64_t most,
                         std::vector<absl::string_view>* parts) {
  if (most == 0) return "";
  size_t at = 0;
  while (most < 0 || static_cast<int64_t>(parts->size()) + 1 < most) {
    if (parts->size() > kMaxEvaluationBytes / sizeof(Value)) return kTooLarge;
    size_t end = Find(text, by, at);
    if (by.empty()) {
      const size_t length = at < text.size() ? CodePointLength(text.substr(at)) : 0;
      if (at < text.size() && length == 0) return kNotText;
      end = at + length >= text.size() ? absl::string_view::npos : at + length;
    }
    if (end == absl::string_view::npos) break;
    parts->push_back(text.substr(at, end - at));
    at = end + by.size();
  }
  if (!by.empty() || at < text.size()) parts->push_back(text.substr(at));
  return "";
}

Value Split(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 2, 2, 3)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  std::vector<absl::string_view> parts;
  const int64_t most = count == 3 ? args[2].integer : -1;
  if (const auto wrong = Divide(args[0].text(), args[1].text(), most, &parts); !wrong.empty())
    return Error(wrong);
  if (!frame.Charge(static_cast<int64_t>(parts.size()))) return Error(kTooCostly);
  Value* items = frame.arena.Values(parts.size());
  if (items == nullptr) return Error(kTooLarge);
  std::transform(parts.begin(), parts.end(), items, [](absl::string_view p) { return String(p); });
  return Items(ValueKind::kList, items, parts.size());
}

Value Joined(Frame& frame, const std::vector<absl::string_view>& parts, absl::string_view by) {
  size_t size = parts.empty() ? 0 : by.size() * (parts.size() - 1);
  for (absl::string_view part : parts) size += part.size();
  if (!frame.ChargeText(size)) return Error(kTooCostly);
  char* bytes = frame.arena.Bytes(size);
  if (bytes == nullptr) return Error(kTooLarge);
  char* to = bytes;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) to = std::copy(by.begin(), by.end(), to);
    to = std::copy(parts[i].begin(), parts[i].end(), to);
  }
  return String(absl::string_view(bytes, size));
}

Value Join(Frame& frame, const Value* args, size_t count) {
  if (count > 2 || !Is(args, count, 0, ValueKind::kList)) return Error(kNoOverload);
  if (count == 2 && !Is(args, count, 1, ValueKind::kString)) return Error(kNoOverload);
  if (!frame.Charge(1 + static_cast<int64_t>(args[0].size))) return Error(kTooCostly);
  std::vector<absl::string_view> parts;
  for (size_t i = 0; i < args[0].size; ++i) {
    if (args[0].items[i].kind != ValueKind::kString) return Error(kNoOverload);
    parts.push_back(args[0].items[i].text());
  }
  return Joined(frame, parts, count == 2 ? args[1].text() : absl::string_view());
}

// An empty `from` stands before each code point and at the end.
Value Replace(Frame& frame, const Value* args, size_t count) {
  if (!Fits(args, count, 3, 3, 4)) return Error(kNoOverload);
  if (!ChargeAll(frame, args, count)) return Error(kTooCostly);
  const absl::string_view text = args[0].text(), from = args[1].text();
  int64_t most = count == 4 ? args[3].integer : -1;
  if (most == 0) return args[0];
  if (most > static_cast<int64_t>(text.size())) most = -1;
  std::vector<absl::string_view> parts;
  if (from.empty()) parts.emplace_back();
  const int64_t rest = most < 0 ? -1 : most + 1;
  if (const auto wrong = Divide(text, from, rest, &parts); !wrong.empty()) return Error(wrong);
  const bool at_end = from.empty() && (most < 0 || static_cast<int64_t>(parts.size()) <= most);
  if (at_end) parts.emplace_back();
  return Joined(frame, parts, args[2].text());
}

}  // namespace

absl::Span<const FunctionEntry> TextPartFunctions() {
  static constexpr FunctionEntry kTable[] = {
      {"charAt", CharAt}, {"substring", Substring},     {"indexOf", IndexOf},
      {"split", Split},   {"lastIndexOf", LastIndexOf}, {"lowerAscii", ChangeCase<Lower>},
      {"join", Join},     {"replace", Replace},         {"upperAscii", ChangeCase<Upper>},
      {"trim", Trim}};
  return kTable;
}

}  // namespace huiliu::cel
