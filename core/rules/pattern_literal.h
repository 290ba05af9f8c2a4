// How much a pattern (RE2) says by itself, whatever it is tried on.
#ifndef HUILIU_CORE_RULES_PATTERN_LITERAL_H_
#define HUILIU_CORE_RULES_PATTERN_LITERAL_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace huiliu::rules {

// The weight of the longest text in a pattern that stands there as it is written, one character
// behind the other: one outside ASCII counts two. Classes ([…], \d, \p{Han}, .) and what may be
// absent (x*, x?, x{…}) are none. Branches are not told apart: 甲乙|. has a literal and matches
// anything.
size_t LiteralWeight(absl::string_view pattern);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_PATTERN_LITERAL_H_
