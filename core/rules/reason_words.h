// The users' words for the stable codes that say why a record was not decided, or did not return.
// docs/formats/rules.md.
#ifndef HUILIU_CORE_RULES_REASON_WORDS_H_
#define HUILIU_CORE_RULES_REASON_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace huiliu::rules {

// "territory.no_evidence" → 没有任何归属依据. A code that has no words is its own.
std::string ReasonInWords(absl::string_view code, bool english);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_REASON_WORDS_H_
