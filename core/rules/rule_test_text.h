// The text of rule tests: lines, words in either language, names, rows of CSV.
#ifndef HUILIU_CORE_RULES_RULE_TEST_TEXT_H_
#define HUILIU_CORE_RULES_RULE_TEST_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace huiliu::rules {

struct TestLine {
  int number = 0;
  std::string word;   // expect, field, … : as in English
  std::string name;   // of a field
  std::string value;  // without surrounding space
};

// INVALID_ARGUMENT with file and line where a line is no `word: value`.
absl::StatusOr<std::vector<TestLine>> SplitRuleTest(absl::string_view file, absl::string_view text);

// Officers may write every word in Chinese: the English one; others as they are.
std::string Plain(absl::string_view word);

// The other way: each of the words, separated by spaces, that has a Chinese one.
std::string InChinese(absl::string_view words);

// One row of CSV (RFC 4180, one line); false where a quote is not closed or stands inside a cell.
bool SplitCsv(absl::string_view row, std::vector<std::string>* cells);

// A list separated by commas, Chinese ones too.
std::vector<std::string> Names(absl::string_view list);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RULE_TEST_TEXT_H_
