// Strong types for ids and counts, so that an offset cannot be passed for a partition.
#ifndef HUILIU_CORE_BASE_STRONG_TYPE_H_
#define HUILIU_CORE_BASE_STRONG_TYPE_H_

#include <compare>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace huiliu {

template <typename Tag, typename T>
class StrongType {
 public:
  using ValueType = T;
  constexpr StrongType() = default;
  constexpr explicit StrongType(T value) : value_(std::move(value)) {}
  constexpr const T& value() const { return value_; }

  friend bool operator==(const StrongType& a, const StrongType& b) { return a.value_ == b.value_; }
  friend auto operator<=>(const StrongType& a, const StrongType& b) {
    return a.value_ <=> b.value_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const StrongType& id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  T value_{};
};

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_STRONG_TYPE_H_
