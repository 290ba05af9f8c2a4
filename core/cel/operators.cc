// Operators: equality, order, arithmetic, index, membership. Overflow is an error.
#include <cmath>
#include <cstring>
#include <limits>

#include "core/cel/functions.h"
#include "core/cel/message.h"

namespace huiliu::cel {
namespace {

constexpr absl::string_view kOverflow = "integer overflow (整数溢出)";
constexpr absl::string_view kByZero = "division by zero (除数为零)";
constexpr absl::string_view kUnreadable = "a message that cannot be read (消息无法读取)";

// The work of comparing two values: texts by length, lists and maps by elements.
int64_t CostOf(const Value& v) {
  switch (v.kind) {
    case ValueKind::kString:
    case ValueKind::kBytes:
      return 1 + static_cast<int64_t>(v.size / 64);
    case ValueKind::kList: {
      int64_t cost = 1;
      for (size_t i = 0; i < v.size; ++i) cost += CostOf(v.items[i]);
      return cost;
    }
    case ValueKind::kMap: {
      int64_t cost = 1;
      for (size_t i = 0; i < 2 * v.size; ++i) cost += CostOf(v.items[i]);
      return cost * (1 + static_cast<int64_t>(v.size));  // each key is looked for in the other
    }
    case ValueKind::kMessage:  // its bytes are gone through for each field at each depth
      return 10 + 8 * static_cast<int64_t>(v.message->bytes.size());
    default:
      return 1;
  }
}

// Texts, lists, maps, messages: comparing them takes time.
bool IsSized(const Value& v) {
  return v.kind == ValueKind::kString || v.kind == ValueKind::kBytes ||
         v.kind == ValueKind::kList || v.kind == ValueKind::kMap || v.kind == ValueKind::kMessage;
}

bool ChargeBoth(Frame& frame, const Value& a, const Value& b) {
  if (!IsSized(a) || a.kind != b.kind) return true;
  if (a.kind == ValueKind::kString) return frame.ChargeText(std::min(a.size, b.size));
  if (a.kind == ValueKind::kMessage) return frame.Charge(CostOf(a) + CostOf(b));
  return frame.Charge(std::min(CostOf(a), CostOf(b)));
}

Value Equals(Frame& frame, const Value* args, size_t) {
  if (!ChargeBoth(frame, args[0], args[1])) return Error(kTooCostly);
  if (!IsSized(args[0])) return Bool(Equal(args[0], args[1]));
  const std::optional<bool> same = Same(args[0], args[1]);
  return same.has_value() ? Bool(*same) : Error(kUnreadable);
}
Value Differs(Frame& frame, const Value* args, size_t) {
  if (!ChargeBoth(frame, args[0], args[1])) return Error(kTooCostly);
  if (!IsSized(args[0])) return Bool(!Equal(args[0], args[1]));
  const std::optional<bool> same = Same(args[0], args[1]);
  return same.has_value() ? Bool(!*same) : Error(kUnreadable);
}

bool HasNan(const Value& v) { return v.kind == ValueKind::kDouble && std::isnan(v.number); }

template <typename Test>
Value Ordered(Frame& frame, const Value* args, Test test) {
  if (!ChargeBoth(frame, args[0], args[1])) return Error(kTooCostly);
  int order = 0;
  if (Compare(args[0], args[1], &order)) return Bool(test(order));
  const auto number = [](const Value& v) {
    return v.kind == ValueKind::kInt || v.kind == ValueKind::kUint || v.kind == ValueKind::kDouble;
  };
  if (number(args[0]) && number(args[1]) && (HasNan(args[0]) || HasNan(args[1])))
    return Bool(false);
  return Error(kNoOverload);
}
Value Less(Frame& frame, const Value* args, size_t) {
  return Ordered(frame, args, [](int order) { return order < 0; });
}
Value LessEqual(Frame& frame, const Value* args, size_t) {
  return Ordered(frame, args, [](int order) { return order <= 0; });
}
Value Greater(Frame& frame, const Value* args, size_t) {
  return Ordered(frame, args, [](int order) { return order > 0; });
}
Value GreaterEqual(Frame& frame, const Value* args, size_t) {
  return Ordered(frame, args, [](int order) { return order >= 0; });
}

Value Concatenate(Frame& frame, const Value& a, const Value& b) {
  if (!frame.ChargeText(a.size + b.size)) return Error(kTooCostly);
  if (a.size == 0) return b;
  if (b.size == 0) return a;
  char* bytes = frame.arena.Bytes(a.size + b.size);
  if (bytes == nullptr) return Error("the evaluation needs too much memory (计算占用内存过多)");
  std::memcpy(bytes, a.data, a.size);
  std::memcpy(bytes + a.size, b.data, b.size);
  return Text(a.kind, absl::string_view(bytes, a.size + b.size));
}

Value JoinLists(Frame& frame, const Value& a, const Value& b) {
  if (!frame.Charge(static_cast<int64_t>(a.size + b.size))) return Error(kTooCostly);
  Value* items = frame.arena.Values(a.size + b.size);
  if (items == nullptr) return Error("the evaluation needs too much memory (计算占用内存过多)");
  std::copy(a.items, a.items + a.size, items);
  std::copy(b.items, b.items + b.size, items + a.size);
  return Items(ValueKind::kList, items, a.size + b.size);
}

Value ShiftTimestamp(const Value& timestamp, int64_t nanoseconds) {
  constexpr int64_t kBillion = 1'000'000'000;
  int64_t seconds = timestamp.integer + nanoseconds / kBillion;
  int64_t nanos = timestamp.nanos + nanoseconds % kBillion;
  if (nanos < 0) {
    nanos += kBillion;
    --seconds;
  } else if (nanos >= kBillion) {
    nanos -= kBillion;
    ++seconds;
  }
  return Timestamp(seconds, static_cast<int32_t>(nanos));
}

Value AddDurations(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? Error("duration out of range (时长超出范围)")
                                            : Duration(sum);
}

Value Add(Frame& frame, const Value* args, size_t) {
  const Value &a = args[0], &b = args[1];
  if (a.kind == ValueKind::kTimestamp && b.kind == ValueKind::kDuration)
    return ShiftTimestamp(a, b.integer);
  if (a.kind == ValueKind::kDuration && b.kind == ValueKind::kTimestamp)
    return ShiftTimestamp(b, a.integer);
  if (a.kind != b.kind) return Error(kNoOverload);
  switch (a.kind) {
    case ValueKind::kInt: {
      int64_t sum = 0;
      return __builtin_add_overflow(a.integer, b.integer, &sum) ? Error(kOverflow) : Int(sum);
    }
    case ValueKind::kUint: {
      uint64_t sum = 0;
      return __builtin_add_overflow(a.natural, b.natural, &sum) ? Error(kOverflow) : Uint(sum);
    }
    case ValueKind::kDouble:
      return Double(a.number + b.number);
    case ValueKind::kString:
    case ValueKind::kBytes:
      return Concatenate(frame, a, b);
    case ValueKind::kList:
      return JoinLists(frame, a, b);
    case ValueKind::kDuration:
      return AddDurations(a.integer, b.integer);
    default:
      return Error(kNoOverload);
  }
}

Value Between(const Value& later, const Value& earlier) {
  int64_t result = 0;
  if (__builtin_mul_overflow(later.integer - earlier.integer, int64_t{1'000'000'000}, &result) ||
      __builtin_add_overflow(result, int64_t{later.nanos} - earlier.nanos, &result))
    return Error("duration out of range (时长超出范围)");
  return Duration(result);
}

Value Subtract(Frame&, const Value* args, size_t) {
  const Value &a = args[0], &b = args[1];
  if (a.kind == ValueKind::kTimestamp && b.kind == ValueKind::kDuration) {
    if (b.integer == std::numeric_limits<int64_t>::min())
      return Error("timestamp out of range (时间超出范围)");
    return ShiftTimestamp(a, -b.integer);
  }
  if (a.kind != b.kind) return Error(kNoOverload);
  int64_t difference = 0;
  switch (a.kind) {
    case ValueKind::kInt:
      return __builtin_sub_overflow(a.integer, b.integer, &difference) ? Error(kOverflow)
                                                                       : Int(difference);
    case ValueKind::kUint:
      return a.natural < b.natural ? Error(kOverflow) : Uint(a.natural - b.natural);
    case ValueKind::kDouble:
      return Double(a.number - b.number);
    case ValueKind::kTimestamp:
      return Between(a, b);
    case ValueKind::kDuration:
      return __builtin_sub_overflow(a.integer, b.integer, &difference)
                 ? Error("duration out of range (时长超出范围)")
                 : Duration(difference);
    default:
      return Error(kNoOverload);
  }
}

Value Multiply(Frame&, const Value* args, size_t) {
  const Value &a = args[0], &b = args[1];
  if (a.kind != b.kind) return Error(kNoOverload);
  if (a.kind == ValueKind::kInt) {
    int64_t product = 0;
    return __builtin_mul_overflow(a.integer, b.integer, &product) ? Error(kOverflow) : Int(product);
  }
  if (a.kind == ValueKind::kUint) {
    uint64_t product = 0;
    return __builtin_mul_overflow(a.natural, b.natural, &product) ? Error(kOverflow)
                                                                  : Uint(product);
  }
  return a.kind == ValueKind::kDouble ? Double(a.number * b.number) : Error(kNoOverload);
}

Value Divide(Frame&, const Value* args, size_t) {
  const Value &a = args[0], &b = args[1];
  if (a.kind != b.kind) return Error(kNoOverload);
  if (a.kind == ValueKind::kInt) {
    if (b.integer == 0) return Error(kByZero);
    if (b.integer == -1 && a.integer == std::numeric_limits<int64_t>::min())
      return Error(kOverflow);
    return Int(a.integer / b.integer);
  }
  if (a.kind == ValueKind::kUint)
    return b.natural == 0 ? Error(kByZero) : Uint(a.natural / b.natural);
  return a.kind == ValueKind::kDouble ? Double(a.number / b.number) : Error(kNoOverload);
}

Value Remainder(Frame&, const Value* args, size_t) {
  const Value &a = args[0], &b = args[1];
  if (a.kind != b.kind) return Error(kNoOverload);
  if (a.kind == ValueKind::kInt) {
    if (b.integer == 0) return Error("modulus by zero (除数为零)");
    if (b.integer == -1 && a.integer == std::numeric_limits<int64_t>::min())
      return Error(kOverflow);
    return Int(a.integer % b.integer);
  }
  if (a.kind == ValueKind::kUint)
    return b.natural == 0 ? Error("modulus by zero (除数为零)") : Uint(a.natural % b.natural);
  return Error(kNoOverload);
}

Value Negate(Frame&, const Value* args, size_t) {
  const Value& a = args[0];
  if (a.kind == ValueKind::kInt)
    return a.integer == std::numeric_limits<int64_t>::min() ? Error(kOverflow) : Int(-a.integer);
  return a.kind == ValueKind::kDouble ? Double(-a.number) : Error(kNoOverload);
}

Value Not(Frame&, const Value* args, size_t) {
  return args[0].kind == ValueKind::kBool ? Bool(!args[0].boolean) : Error(kNoOverload);
}

bool ToIndex(const Value& v, int64_t* index) {
  if (v.kind == ValueKind::kInt) {
    *index = v.integer;
    return true;
  }
  if (v.kind == ValueKind::kUint &&
      v.natural <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    *index = static_cast<int64_t>(v.natural);
    return true;
  }
  if (v.kind == ValueKind::kDouble && v.number == std::floor(v.number) &&
      std::fabs(v.number) < 9e15) {
    *index = static_cast<int64_t>(v.number);
    return true;
  }
  return false;
}

Value Index(Frame& frame, const Value* args, size_t) {
  if (args[0].kind == ValueKind::kMap) {
    if (!frame.Charge(1 + static_cast<int64_t>(args[0].size) * CostOf(args[1])))
      return Error(kTooCostly);
    const Value* found = FindInMap(args[0], args[1]);
    return found != nullptr ? *found : Error("no such key (没有这个键)");
  }
  int64_t index = 0;
  if (args[0].kind != ValueKind::kList || !ToIndex(args[1], &index)) return Error(kNoOverload);
  if (index < 0 || static_cast<size_t>(index) >= args[0].size)
    return Error("index out of range (下标超出范围)");
  return args[0].items[index];
}

Value In(Frame& frame, const Value* args, size_t) {
  const Value& container = args[1];
  if (container.kind != ValueKind::kMap && container.kind != ValueKind::kList)
    return Error(kNoOverload);
  if (!frame.Charge(1 + static_cast<int64_t>(container.size) * CostOf(args[0])))
    return Error(kTooCostly);
  if (container.kind == ValueKind::kMap) return Bool(FindInMap(container, args[0]) != nullptr);
  for (size_t i = 0; i < container.size; ++i) {
    if (Equal(container.items[i], args[0])) return Bool(true);
  }
  return Bool(false);
}

}  // namespace

absl::Span<const FunctionEntry> OperatorFunctions() {
  static constexpr FunctionEntry kTable[] = {
      {"_==_", Equals},  {"_!=_", Differs},      {"_<_", Less},      {"_<=_", LessEqual},
      {"_>_", Greater},  {"_>=_", GreaterEqual}, {"_+_", Add},       {"_-_", Subtract},
      {"_*_", Multiply}, {"_/_", Divide},        {"_%_", Remainder}, {"-_", Negate},
      {"!_", Not},       {"_[_]", Index},        {"@in", In}};
  return kTable;
}

}  // namespace huiliu::cel
