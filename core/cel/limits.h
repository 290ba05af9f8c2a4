// Named limits: every expression finishes, hostile ones included.
#ifndef HUILIU_CORE_CEL_LIMITS_H_
#define HUILIU_CORE_CEL_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace huiliu::cel {

inline constexpr size_t kMaxExpressionBytes = 64 * 1024;
inline constexpr int kMaxNesting = 250;  // depth of the syntax tree, so of every recursion over it
inline constexpr int kMaxComprehensions = 8;  // all/exists/map/filter inside one another
inline constexpr size_t kMaxIssues = 20;      // findings listed per expression
// One evaluation: a unit is about one operation on a small value, or 64 bytes of text gone through.
inline constexpr int64_t kMaxCost = 2'000'000;
inline constexpr size_t kMaxEvaluationBytes = 4 * 1024 * 1024;  // values made by one evaluation
inline constexpr int64_t kMaxRegexBytes = 1 << 20;              // of one compiled pattern
inline constexpr int kMaxPatterns = 64;  // constant patterns of one expression

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_LIMITS_H_
