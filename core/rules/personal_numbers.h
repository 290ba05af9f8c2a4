// Numbers that lead to a person do not stand in a rule file: it is kept for good, replicated and
// shown to departments.
#ifndef HUILIU_CORE_RULES_PERSONAL_NUMBERS_H_
#define HUILIU_CORE_RULES_PERSONAL_NUMBERS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "core/rules/yaml_tree.h"

namespace huiliu::rules {

// Where a citizen number of 18 characters with a valid check digit, or a mobile number
// (core/codes/phone_numbers.h), begins; comments are read, too.
std::vector<Place> PersonalNumbersIn(absl::string_view yaml);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_PERSONAL_NUMBERS_H_
