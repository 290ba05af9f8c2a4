// Rule tests (*.ruletest): given records, when rules, expect outcomes; written by officers.
// docs/formats/rules.md.
#ifndef HUILIU_CORE_RULES_RULE_TEST_H_
#define HUILIU_CORE_RULES_RULE_TEST_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/schema/contract.h"
#include "core/territory/territory.h"

namespace huiliu::rules {

// Where a test finds what it names.
struct RuleTestWorld {
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file;
  std::function<absl::StatusOr<std::shared_ptr<const schema::Contract>>(const DatasetId& dataset)>
      contract;
  std::shared_ptr<const territory::Divisions> divisions;
  bool english = false;  // the words of failures
  // What a case without `day` takes for the day of taking over; rules are in force by it.
  absl::Time today = absl::Now();
};

struct RuleTestReport {
  int cases = 0;
  int expectations = 0;
  std::string today;  // the day that cases without `day` took, where rules have dates; else empty
  std::vector<std::string> failures;  // "file:line: case: what was expected and what came"
};

// INVALID_ARGUMENT with file and line where the test itself is written wrong, or its rules do not
// compile.
absl::StatusOr<RuleTestReport> RunRuleTest(absl::string_view file, absl::string_view text,
                                           const RuleTestWorld& world);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RULE_TEST_H_
