// Which rule of a set decides a record: the first in file order, among those in force, whose `when`
// holds. Where they are many, a predicate index says which need to be tried.
#ifndef HUILIU_CORE_RULES_RULE_MATCHER_H_
#define HUILIU_CORE_RULES_RULE_MATCHER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/rules/predicate_index.h"
#include "core/rules/record_transform.h"
#include "core/rules/rule_set.h"
#include "core/schema/contract.h"

namespace huiliu::rules {

struct RuleMatch {
  int rule = -1;       // index into RuleSet::rules; -1: none
  bool error = false;  // its `when` could not be evaluated: what it would have withheld or masked
                       // is not known
};

// Thread-compatible: one a lane.
class RuleMatcher {
 public:
  // INVALID_ARGUMENT with file, line and column where a rule does not fit the contract, which must
  // outlive the matcher.
  static absl::StatusOr<std::unique_ptr<RuleMatcher>> Create(
      const schema::Contract& contract, std::shared_ptr<const RuleSet> rule_set,
      const cel::Environment& environment, absl::string_view pseudonym_key);

  // Puts the rules in force that are valid at `now_us`; 0: all. True where that changed which are.
  bool SetTime(int64_t now_us);
  // Indexes of the rules in force.
  absl::Span<const int> in_force() const { return in_force_; }

  RuleMatch First(const cel::Activation& activation);

  const RuleSet& rule_set() const { return *rule_set_; }
  // Of a rule that returns.
  RecordTransform& transform(int rule) { return *compiled_[rule].transform; }
  // id@version
  const std::string& label(int rule) const { return compiled_[rule].label; }

 private:
  struct Compiled {
    std::unique_ptr<const cel::Predicate> when;  // nullptr: always
    std::unique_ptr<RecordTransform> transform;  // nullptr: withholds
    std::string label;
    int64_t from_us = 0;
    int64_t to_us = 0;
  };
  RuleMatcher(const schema::Contract& contract, std::shared_ptr<const RuleSet> rule_set,
              const cel::Environment& environment)
      : contract_(contract), environment_(environment), rule_set_(std::move(rule_set)) {}
  cel::Truth Test(int rule, const cel::Activation& activation) const;
  RuleMatch FirstOf(absl::Span<const int> rules, const cel::Activation& activation) const;

  const schema::Contract& contract_;
  const cel::Environment environment_;
  const std::shared_ptr<const RuleSet> rule_set_;
  std::vector<Compiled> compiled_;
  std::vector<int> in_force_;
  std::unique_ptr<PredicateIndex> index_;  // of in_force_; nullptr where they are few
  std::vector<int> found_;
  // in_force_ holds for times in [since_us_, until_us_); at first for none.
  int64_t since_us_ = 1;
  int64_t until_us_ = 0;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RULE_MATCHER_H_
