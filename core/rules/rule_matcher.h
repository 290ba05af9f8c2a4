// Which rule of a set decides a record: the first in file order, among those in force, whose `when`
// holds. Where they are many, a predicate index says which need to be tried.
#ifndef HUILIU_CORE_RULES_RULE_MATCHER_H_
#define HUILIU_CORE_RULES_RULE_MATCHER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/rules/compiled_rules.h"

namespace huiliu::rules {

struct RuleMatch {
  int rule = -1;       // index into RuleSet::rules; -1: none
  bool error = false;  // its `when` could not be evaluated: what it would have withheld or masked
                       // is not known
};

// Thread-compatible: one a lane. (SetTime First*)*
class RuleMatcher {
 public:
  explicit RuleMatcher(std::shared_ptr<const CompiledRules> rules);

  // Puts the rules in force that are valid at `now_us`; 0: all. True where that changed which are.
  // Linear in the rules where one begins or ends, else a comparison.
  bool SetTime(int64_t now_us);
  // Indexes of the rules in force.
  absl::Span<const int> in_force() const { return in_force_; }

  RuleMatch First(const cel::Activation& activation);

  // Takes what the lane's matcher before this one remembers, as far as it still serves.
  void TakeOver(RuleMatcher* previous);

  const std::shared_ptr<const CompiledRules>& compiled() const { return rules_; }
  const RuleSet& rule_set() const { return rules_->rule_set(); }
  // Of a rule that returns.
  const RecordTransform& transform(int rule) const {
    return *rules_->rules()[static_cast<size_t>(rule)].transform;
  }
  // id@version
  void AppendLabel(int rule, std::string* to) const;

 private:
  // One of the rules' indexes as of now.
  struct Part {
    const PredicateIndex* index = nullptr;
    std::vector<int> order;  // of its rules: the position in the file; kNotNow
    AreaMemory memory;
  };
  void PutInForce();

  const std::shared_ptr<const CompiledRules> rules_;
  std::vector<int> in_force_;
  std::vector<int> tried_;   // of those in force, the ones that no index finds
  std::vector<Part> parts_;  // none where few are in force
  // in_force_ holds for times in [since_us_, until_us_); at first for none.
  int64_t since_us_ = 1;
  int64_t until_us_ = 0;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_RULE_MATCHER_H_
