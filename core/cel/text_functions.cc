// size, startsWith, endsWith, contains, matches.
#include <re2/re2.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "core/cel/functions.h"
#include "core/cel/literal.h"

namespace huiliu::cel {
namespace {

bool AreStrings(const Value* args) {
  return args[0].kind == ValueKind::kString && args[1].kind == ValueKind::kString;
}

Value Size(Frame& frame, const Value* args, size_t) {
  switch (args[0].kind) {
    case ValueKind::kString: {
      if (!frame.ChargeText(args[0].size)) return Error(kTooCostly);
      const int64_t count = CountCodePoints(args[0].text());
      return count < 0 ? Error("the text is not UTF-8 (文本不是 UTF-8)") : Int(count);
    }
    case ValueKind::kBytes:
    case ValueKind::kList:
    case ValueKind::kMap:
      return Int(static_cast<int64_t>(args[0].size));
    default:
      return Error(kNoOverload);
  }
}

Value StartsWith(Frame& frame, const Value* args, size_t) {
  if (!AreStrings(args)) return Error(kNoOverload);
  if (!frame.ChargeText(args[1].size)) return Error(kTooCostly);
  return Bool(absl::StartsWith(args[0].text(), args[1].text()));
}

Value EndsWith(Frame& frame, const Value* args, size_t) {
  if (!AreStrings(args)) return Error(kNoOverload);
  if (!frame.ChargeText(args[1].size)) return Error(kTooCostly);
  return Bool(absl::EndsWith(args[0].text(), args[1].text()));
}

Value Contains(Frame& frame, const Value* args, size_t) {
  if (!AreStrings(args)) return Error(kNoOverload);
  if (!frame.ChargeText(args[0].size + args[1].size)) return Error(kTooCostly);
  return Bool(ContainsText(args[0].text(), args[1].text()));
}

// A pattern that is not a constant: compiled on each call, and charged for it.
Value Matches(Frame& frame, const Value* args, size_t) {
  if (!AreStrings(args)) return Error(kNoOverload);
  if (!frame.Charge(1000 + static_cast<int64_t>(args[0].size / 8 + args[1].size * 16)))
    return Error(kTooCostly);
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxRegexBytes);
  const RE2 pattern(re2::StringPiece(args[1].data, args[1].size), options);
  if (!pattern.ok()) return Error("matches: no regular expression (不是有效的正则表达式)");
  if (!frame.Charge(CostOfMatch(args[0].size, pattern.ProgramSize()))) return Error(kTooCostly);
  return Bool(RE2::PartialMatch(re2::StringPiece(args[0].data, args[0].size), pattern));
}

}  // namespace

int64_t CostOfMatch(size_t text_bytes, int program_size) {
  return static_cast<int64_t>(text_bytes) * std::max(program_size, 8) / 64;
}

bool ContainsText(absl::string_view text, absl::string_view part) {
  if (part.empty()) return true;
  return !text.empty() && memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

absl::Span<const FunctionEntry> TextFunctions() {
  static constexpr FunctionEntry kTable[] = {{"size", Size},
                                             {"startsWith", StartsWith},
                                             {"endsWith", EndsWith},
                                             {"contains", Contains},
                                             {"matches", Matches}};
  return kTable;
}

}  // namespace huiliu::cel
