// bool, int, uint, double, string, bytes, dyn, type, timestamp, duration.
#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/cel/functions.h"
#include "core/cel/literal.h"

namespace huiliu::cel {
namespace {

constexpr absl::string_view kRange = "range error: the number does not fit (数值超出范围)";
constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

constexpr size_t kMaxDigits = 400;  // leading zeros of a 64-bit number, generously

bool AllDigits(absl::string_view text) {
  if (text.empty() || text.size() > kMaxDigits) return false;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

Value ToBool(Frame&, const Value* args, size_t) {
  if (args[0].kind == ValueKind::kBool) return args[0];
  if (args[0].kind != ValueKind::kString) return Error(kNoOverload);
  const absl::string_view text = args[0].text();
  for (absl::string_view yes : {"1", "t", "true", "TRUE", "True"}) {
    if (text == yes) return Bool(true);
  }
  for (absl::string_view no : {"0", "f", "false", "FALSE", "False"}) {
    if (text == no) return Bool(false);
  }
  return Error("type conversion error: the text is no bool (文本不是布尔值)");
}

Value ToInt(Frame&, const Value* args, size_t) {
  const Value& v = args[0];
  switch (v.kind) {
    case ValueKind::kInt:
      return v;
    case ValueKind::kUint:
      return v.natural > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                 ? Error(kRange)
                 : Int(static_cast<int64_t>(v.natural));
    case ValueKind::kDouble:  // both ends are refused, as the specification's tests ask
      return v.number > -kTwo63 && v.number < kTwo63 ? Int(static_cast<int64_t>(v.number))
                                                     : Error(kRange);
    case ValueKind::kTimestamp:
      return Int(v.integer);
    case ValueKind::kString: {
      absl::string_view digits = v.text();
      const bool negative = !digits.empty() && digits[0] == '-';
      if (negative || (!digits.empty() && digits[0] == '+')) digits.remove_prefix(1);
      int64_t value = 0;
      if (!AllDigits(digits) || !ParseSigned(digits, negative, &value))
        return Error("type conversion error: the text is no int (文本不是整数)");
      return Int(value);
    }
    default:
      return Error(kNoOverload);
  }
}

Value ToUint(Frame&, const Value* args, size_t) {
  const Value& v = args[0];
  switch (v.kind) {
    case ValueKind::kUint:
      return v;
    case ValueKind::kInt:
      return v.integer < 0 ? Error(kRange) : Uint(static_cast<uint64_t>(v.integer));
    case ValueKind::kDouble:
      return v.number >= 0 && v.number < kTwo64 ? Uint(static_cast<uint64_t>(v.number))
                                                : Error(kRange);
    case ValueKind::kString: {
      uint64_t value = 0;
      if (!AllDigits(v.text()) || !ParseUnsigned(v.text(), &value))
        return Error("type conversion error: the text is no uint (文本不是无符号整数)");
      return Uint(value);
    }
    default:
      return Error(kNoOverload);
  }
}

// absl's parser also takes surrounding space; CEL does not.
bool ParseDouble(absl::string_view text, double* value) {
  if (text.empty() || text.front() <= ' ' || text.back() <= ' ') return false;
  return absl::SimpleAtod(text, value);
}

Value ToDouble(Frame& frame, const Value* args, size_t) {
  const Value& v = args[0];
  switch (v.kind) {
    case ValueKind::kDouble:
      return v;
    case ValueKind::kInt:
      return Double(static_cast<double>(v.integer));
    case ValueKind::kUint:
      return Double(static_cast<double>(v.natural));
    case ValueKind::kString: {
      double value = 0;
      if (!frame.ChargeText(v.size)) return Error(kTooCostly);
      return ParseDouble(v.text(), &value)
                 ? Double(value)
                 : Error("type conversion error: the text is no double (文本不是数)");
    }
    default:
      return Error(kNoOverload);
  }
}

Value ToString(Frame& frame, const Value* args, size_t) {
  const Value& v = args[0];
  switch (v.kind) {
    case ValueKind::kString:
      return v;
    case ValueKind::kBool:
      return String(v.boolean ? "true" : "false");
    case ValueKind::kInt:
      return frame.arena.Copy(ValueKind::kString, absl::AlphaNum(v.integer).Piece());
    case ValueKind::kUint:
      return frame.arena.Copy(ValueKind::kString, absl::AlphaNum(v.natural).Piece());
    case ValueKind::kDouble:
      return frame.arena.Copy(ValueKind::kString, FormatDouble(v.number));
    case ValueKind::kBytes:
      if (!frame.ChargeText(v.size)) return Error(kTooCostly);
      return CountCodePoints(v.text()) < 0
                 ? Error("invalid UTF-8: the bytes are no text (字节不是 UTF-8 文本)")
                 : String(v.text());
    case ValueKind::kTimestamp:
      return frame.arena.Copy(ValueKind::kString, FormatTimestamp(v));
    case ValueKind::kDuration:
      return frame.arena.Copy(ValueKind::kString, FormatDuration(v));
    default:
      return Error(kNoOverload);
  }
}

Value ToBytes(Frame&, const Value* args, size_t) {
  if (args[0].kind == ValueKind::kBytes) return args[0];
  return args[0].kind == ValueKind::kString ? Text(ValueKind::kBytes, args[0].text())
                                            : Error(kNoOverload);
}

Value ToDyn(Frame&, const Value* args, size_t) { return args[0]; }

Value ToType(Frame&, const Value* args, size_t) {
  return Text(ValueKind::kType, TypeNameOf(args[0]));
}

Value ToTimestamp(Frame&, const Value* args, size_t) {
  switch (args[0].kind) {
    case ValueKind::kTimestamp:
      return args[0];
    case ValueKind::kInt:
      return Timestamp(args[0].integer, 0);
    case ValueKind::kString:
      return ParseTimestamp(args[0].text());
    default:
      return Error(kNoOverload);
  }
}

Value ToDuration(Frame& frame, const Value* args, size_t) {
  switch (args[0].kind) {
    case ValueKind::kDuration:
      return args[0];
    case ValueKind::kString:
      return frame.ChargeText(args[0].size) ? ParseDuration(args[0].text()) : Error(kTooCostly);
    default:
      return Error(kNoOverload);
  }
}

}  // namespace

std::string FormatDouble(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  const double magnitude = std::fabs(value);
  const bool plain = value == 0 || (magnitude >= 1e-4 && magnitude < 1e21);
  const auto result =
      std::to_chars(buffer, buffer + sizeof buffer, value,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(buffer, result.ptr);
}

absl::Span<const FunctionEntry> ConversionFunctions() {
  static constexpr FunctionEntry kTable[] = {
      {"bool", ToBool},           {"int", ToInt},          {"uint", ToUint}, {"double", ToDouble},
      {"string", ToString},       {"bytes", ToBytes},      {"dyn", ToDyn},   {"type", ToType},
      {"timestamp", ToTimestamp}, {"duration", ToDuration}};
  return kTable;
}

}  // namespace huiliu::cel
