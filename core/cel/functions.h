// The standard functions and operators over values: dispatched by the kinds that come, so that they
// serve checked and unchecked expressions alike. Anything but a fitting kind is an error value.
#ifndef HUILIU_CORE_CEL_FUNCTIONS_H_
#define HUILIU_CORE_CEL_FUNCTIONS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/cel/value.h"

namespace huiliu::cel {

// One evaluation. Not thread-safe.
struct Frame {
  const Activation* activation = nullptr;
  const Value* const* variables = nullptr;  // by index; null: unset
  Arena arena;
  const Value* locals[kMaxComprehensions];  // set by the comprehension that binds them
  int64_t cost = 0;

  // False where the budget is spent: the caller gives up with kTooCostly.
  bool Charge(int64_t units) {
    cost += units;
    return cost <= kMaxCost;
  }
  bool ChargeText(size_t bytes) { return Charge(1 + static_cast<int64_t>(bytes / 64)); }
};

inline constexpr absl::string_view kTooCostly = "the evaluation costs too much (计算量过大)";
inline constexpr absl::string_view kNoOverload = "no such overload (类型不符，没有这种运算)";

using Function = Value (*)(Frame& frame, const Value* args, size_t count);

// Null where there is none. Receiver calls and global calls of one name are one function: the
// checker knows which form is allowed.
Function FindFunction(absl::string_view name);

// The tables that FindFunction reads.
struct FunctionEntry {
  absl::string_view name;
  Function function;
};
absl::Span<const FunctionEntry> OperatorFunctions();
absl::Span<const FunctionEntry> TextFunctions();
absl::Span<const FunctionEntry> TextPartFunctions();
absl::Span<const FunctionEntry> ConversionFunctions();
absl::Span<const FunctionEntry> TimeFunctions();
absl::Span<const FunctionEntry> DomainFunctions();

// What a match may cost at worst: RE2 without its cache of states takes a step for each byte and
// each instruction of the pattern's program.
int64_t CostOfMatch(size_t text_bytes, int program_size);
// Linear in the text, whatever the part.
bool ContainsText(absl::string_view text, absl::string_view part);

// RFC 3339. An error value where it is none.
Value ParseTimestamp(absl::string_view text);
// "1h30m", "-1.5s", … An error value where it is none or does not fit.
Value ParseDuration(absl::string_view text);
std::string FormatTimestamp(const Value& timestamp);
std::string FormatDuration(const Value& duration);
std::string FormatDouble(double value);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_FUNCTIONS_H_
