// A field's value as people are shown it in an explanation or a sample.
#ifndef HUILIU_CORE_RULES_VALUE_WORDS_H_
#define HUILIU_CORE_RULES_VALUE_WORDS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::rules {

inline constexpr size_t kMaxShownCodePoints = 200;

// The text; of a longer one its first kMaxShownCodePoints and how long it is.
std::string ValueInWords(absl::string_view text, bool english);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_VALUE_WORDS_H_
