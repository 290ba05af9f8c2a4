// The values of an evaluation: small, trivially copied; text and lists live in the record, the
// program or the evaluation's arena.
#ifndef HUILIU_CORE_CEL_VALUE_H_
#define HUILIU_CORE_CEL_VALUE_H_

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/cel/limits.h"

namespace huiliu::cel {

enum class ValueKind : uint8_t {
  kError,  // text: why
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,  // integer: seconds since 1970, nanos: 0 … 999,999,999
  kDuration,   // integer: nanoseconds
  kList,       // items, size
  kMap,        // items: key, value, key, value …; size: entries
  kType,       // text: its name
  kMessage,    // message
};

struct MessageData;  // core/cel/message.h

struct Value {
  ValueKind kind = ValueKind::kNull;
  int32_t nanos = 0;
  union {
    bool boolean;
    int64_t integer = 0;
    uint64_t natural;
    double number;
    const char* data;
    const Value* items;
    const MessageData* message;
  };
  size_t size = 0;

  absl::string_view text() const { return absl::string_view(data, size); }
  bool is_error() const { return kind == ValueKind::kError; }
};
static_assert(std::is_trivially_copyable_v<Value>);

inline Value Null() { return {}; }
inline Value Bool(bool b) {
  Value v;
  v.kind = ValueKind::kBool;
  v.boolean = b;
  return v;
}
inline Value Int(int64_t i) {
  Value v;
  v.kind = ValueKind::kInt;
  v.integer = i;
  return v;
}
inline Value Uint(uint64_t u) {
  Value v;
  v.kind = ValueKind::kUint;
  v.natural = u;
  return v;
}
inline Value Double(double d) {
  Value v;
  v.kind = ValueKind::kDouble;
  v.number = d;
  return v;
}
// The text must outlive the value.
inline Value Text(ValueKind kind, absl::string_view text) {
  Value v;
  v.kind = kind;
  v.data = text.data();
  v.size = text.size();
  return v;
}
inline Value String(absl::string_view text) { return Text(ValueKind::kString, text); }
inline Value Error(absl::string_view why) { return Text(ValueKind::kError, why); }
// INVALID: an error value where outside 0001-01-01 … 9999-12-31.
Value Timestamp(int64_t seconds, int32_t nanos);
inline Value Duration(int64_t nanoseconds) {
  Value v;
  v.kind = ValueKind::kDuration;
  v.integer = nanoseconds;
  return v;
}
inline Value Items(ValueKind kind, const Value* items, size_t size) {
  Value v;
  v.kind = kind;
  v.items = items;
  v.size = size;
  return v;
}

absl::Time ToTime(const Value& timestamp);

// Memory of one evaluation, or of one program's constants. Bounded: null where the bound is
// reached.
class Arena {
 public:
  // Blocks of memory double from `first_block` to a page.
  explicit Arena(size_t limit = kMaxEvaluationBytes, size_t first_block = kPageBytes)
      : limit_(limit), next_block_(first_block) {}
  ~Arena() {
    if (last_ != nullptr) Free();
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  char* Bytes(size_t size);
  Value* Values(size_t count);
  // A copy that lives as long as the arena; an error value where it is full.
  Value Copy(ValueKind kind, absl::string_view text);
  size_t used() const { return used_; }

 private:
  struct Block {
    Block* previous;
  };
  void Free();

  static constexpr size_t kPageBytes = 4096;

  const size_t limit_;
  size_t next_block_;
  size_t used_ = 0;
  size_t left_ = 0;
  char* next_ = nullptr;
  Block* last_ = nullptr;
};

// Equality and order as the specification says: numbers across types by value, values of different
// kinds unequal, maps by entries.
bool Equal(const Value& a, const Value& b);
// The same; unset where a message inside cannot be read.
std::optional<bool> Same(const Value& a, const Value& b);
// False where the two have no order (other kinds, NaN); then `order` is unset.
bool Compare(const Value& a, const Value& b, int* order);
// The entry's value, or null.
const Value* FindInMap(const Value& map, const Value& key);

// The name of the value's type, as type() gives it.
absl::string_view TypeNameOf(const Value& value);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_VALUE_H_
