// What a rule's expression mentions, and where: for findings that point at the very word. Offsets
// are bytes in the expression. Of an expression that compiles; else nothing is found.
#ifndef HUILIU_CORE_RULES_EXPRESSION_MENTIONS_H_
#define HUILIU_CORE_RULES_EXPRESSION_MENTIONS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::rules {

// Where the field is read for the first time.
std::optional<size_t> OffsetOfField(absl::string_view expression, absl::string_view field);

// Where the record's attributed division is read for the first time: `division`, inDivision of one
// argument.
std::optional<size_t> OffsetOfDivision(absl::string_view expression);

// The codes that a division (`division`, divisionOf) is compared with by ==, != or `in`.
struct ComparedDivision {
  std::string code;
  size_t offset;
};
std::vector<ComparedDivision> ComparedDivisions(absl::string_view expression);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_EXPRESSION_MENTIONS_H_
