#include "core/cel/value.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/cel/message.h"

namespace huiliu::cel {
namespace {

constexpr int64_t kMinSeconds = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxSeconds = 253402300799;  // 9999-12-31T23:59:59Z
constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

bool IsNumber(const Value& v) {
  return v.kind == ValueKind::kInt || v.kind == ValueKind::kUint || v.kind == ValueKind::kDouble;
}

// The order of a whole number and a double within the whole type's range, without rounding.
template <typename Whole>
int OrderWithin(Whole whole, double d) {
  const auto towards_zero = static_cast<Whole>(d);
  if (whole != towards_zero) return Order(whole, towards_zero);
  return Order(0.0, d - static_cast<double>(towards_zero));
}

// A whole number against a double: by value. Only what is just beyond the range (2^63, 2^64) is as
// the largest whole number, as the specification's tests have it.
bool CompareWhole(const Value& whole, double d, int* order) {
  if (std::isnan(d)) return false;
  if (whole.kind == ValueKind::kInt) {
    *order = d < -kTwo63   ? 1
             : d > kTwo63  ? -1
             : d == kTwo63 ? Order(static_cast<double>(whole.integer), d)
                           : OrderWithin(whole.integer, d);
  } else {
    *order = d < 0         ? 1
             : d > kTwo64  ? -1
             : d == kTwo64 ? Order(static_cast<double>(whole.natural), d)
                           : OrderWithin(whole.natural, d);
  }
  return true;
}

bool CompareNumbers(const Value& a, const Value& b, int* order) {
  if (a.kind == ValueKind::kDouble && b.kind == ValueKind::kDouble) {
    if (std::isnan(a.number) || std::isnan(b.number)) return false;
    *order = Order(a.number, b.number);
    return true;
  }
  if (b.kind == ValueKind::kDouble) return CompareWhole(a, b.number, order);
  if (a.kind == ValueKind::kDouble) {
    if (!CompareWhole(b, a.number, order)) return false;
    *order = -*order;
    return true;
  }
  if (a.kind == b.kind) {
    *order = a.kind == ValueKind::kInt ? Order(a.integer, b.integer) : Order(a.natural, b.natural);
  } else if (a.kind == ValueKind::kInt) {
    *order = a.integer < 0 ? -1 : Order(static_cast<uint64_t>(a.integer), b.natural);
  } else {
    *order = b.integer < 0 ? 1 : Order(a.natural, static_cast<uint64_t>(b.integer));
  }
  return true;
}

std::optional<bool> SameLists(const Value& a, const Value& b) {
  if (a.size != b.size) return false;
  std::optional<bool> result = true;
  for (size_t i = 0; i < a.size; ++i) {
    const std::optional<bool> same = Same(a.items[i], b.items[i]);
    if (same == false) return false;
    if (!same.has_value()) result = same;
  }
  return result;
}

std::optional<bool> SameMaps(const Value& a, const Value& b) {
  if (a.size != b.size) return false;
  std::optional<bool> result = true;
  for (size_t i = 0; i < a.size; ++i) {
    const Value* other = FindInMap(b, a.items[2 * i]);
    if (other == nullptr) return false;
    const std::optional<bool> same = Same(a.items[2 * i + 1], *other);
    if (same == false) return false;
    if (!same.has_value()) result = same;
  }
  return result;
}

}  // namespace

Value Timestamp(int64_t seconds, int32_t nanos) {
  if (seconds < kMinSeconds || seconds > kMaxSeconds || nanos < 0 || nanos > 999'999'999)
    return Error("timestamp out of range: 0001-01-01 to 9999-12-31 (时间超出范围)");
  Value v;
  v.kind = ValueKind::kTimestamp;
  v.integer = seconds;
  v.nanos = nanos;
  return v;
}

absl::Time ToTime(const Value& timestamp) {
  return absl::FromUnixSeconds(timestamp.integer) + absl::Nanoseconds(timestamp.nanos);
}

char* Arena::Bytes(size_t size) {
  alignas(Value) static char nothing[1];
  if (size == 0) return nothing;
  size = (size + alignof(Value) - 1) / alignof(Value) * alignof(Value);
  if (size > limit_ - used_) return nullptr;
  used_ += size;
  if (size > left_) {
    static_assert(sizeof(Block) % alignof(Value) == 0);
    left_ = std::max(size, next_block_);
    next_block_ = std::min(2 * next_block_, kPageBytes);
    last_ = new (::operator new(sizeof(Block) + left_)) Block{last_};
    next_ = reinterpret_cast<char*>(last_ + 1);
  }
  char* bytes = next_;
  next_ += size;
  left_ -= size;
  return bytes;
}

void Arena::Free() {
  while (last_ != nullptr) {
    Block* const previous = last_->previous;
    ::operator delete(last_);
    last_ = previous;
  }
}

Value* Arena::Values(size_t count) {
  if (count > kMaxEvaluationBytes / sizeof(Value)) return nullptr;
  char* bytes = Bytes(count * sizeof(Value));
  if (bytes == nullptr) return nullptr;
  auto* values = reinterpret_cast<Value*>(bytes);
  std::uninitialized_default_construct_n(values, count);
  return values;
}

Value Arena::Copy(ValueKind kind, absl::string_view text) {
  char* bytes = Bytes(text.size());
  if (bytes == nullptr) return Error("the evaluation needs too much memory (计算占用内存过多)");
  if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
  return Text(kind, absl::string_view(bytes, text.size()));
}

bool Compare(const Value& a, const Value& b, int* order) {
  if (IsNumber(a) && IsNumber(b)) return CompareNumbers(a, b, order);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case ValueKind::kBool:
      *order = Order(a.boolean, b.boolean);
      return true;
    case ValueKind::kString:  // UTF-8 keeps the order of code points
    case ValueKind::kBytes: {
      const int result = a.text().compare(b.text());
      *order = result < 0 ? -1 : result > 0 ? 1 : 0;
      return true;
    }
    case ValueKind::kTimestamp:
      *order = a.integer != b.integer ? Order(a.integer, b.integer) : Order(a.nanos, b.nanos);
      return true;
    case ValueKind::kDuration:
      *order = Order(a.integer, b.integer);
      return true;
    default:
      return false;
  }
}

std::optional<bool> Same(const Value& a, const Value& b) {
  if (a.kind != b.kind) return Equal(a, b);
  switch (a.kind) {
    case ValueKind::kList:
      return SameLists(a, b);
    case ValueKind::kMap:
      return SameMaps(a, b);
    case ValueKind::kMessage:
      return SameMessages(*a.message, *b.message);
    default:
      return Equal(a, b);
  }
}

bool Equal(const Value& a, const Value& b) {
  if (IsNumber(a) && IsNumber(b)) {
    int order = 1;
    return CompareNumbers(a, b, &order) && order == 0;
  }
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case ValueKind::kError:
      return false;
    case ValueKind::kNull:
      return true;
    case ValueKind::kString:
    case ValueKind::kBytes:
    case ValueKind::kType:
      return a.text() == b.text();
    case ValueKind::kList:
    case ValueKind::kMap:
    case ValueKind::kMessage:
      return Same(a, b) == true;
    default: {
      int order = 1;
      return Compare(a, b, &order) && order == 0;
    }
  }
}

const Value* FindInMap(const Value& map, const Value& key) {
  for (size_t i = 0; i < map.size; ++i) {
    if (Equal(map.items[2 * i], key)) return &map.items[2 * i + 1];
  }
  return nullptr;
}

absl::string_view TypeNameOf(const Value& value) {
  switch (value.kind) {
    case ValueKind::kError:
      return "error";
    case ValueKind::kNull:
      return "null_type";
    case ValueKind::kBool:
      return "bool";
    case ValueKind::kInt:
      return "int";
    case ValueKind::kUint:
      return "uint";
    case ValueKind::kDouble:
      return "double";
    case ValueKind::kString:
      return "string";
    case ValueKind::kBytes:
      return "bytes";
    case ValueKind::kTimestamp:
      return "google.protobuf.Timestamp";
    case ValueKind::kDuration:
      return "google.protobuf.Duration";
    case ValueKind::kList:
      return "list";
    case ValueKind::kMap:
      return "map";
    case ValueKind::kType:
      return "type";
    case ValueKind::kMessage:
      return value.message->type->full_name();
  }
  return "error";
}

}  // namespace huiliu::cel
