// A rule set, compiled and indexed: what every lane that decides by it shares.
#ifndef HUILIU_CORE_RULES_COMPILED_RULES_H_
#define HUILIU_CORE_RULES_COMPILED_RULES_H_

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
#include "core/territory/territory.h"

namespace huiliu::rules {

// What the rules' conditions ask of the divisions.
std::shared_ptr<const cel::Environment> EnvironmentOf(
    std::shared_ptr<const territory::Divisions> divisions);

// Immutable and thread-safe. A version that follows another takes over from it each rule that is
// the same to the letter, and the index: the rules that are new stand in a second, small index
// until they are many.
class CompiledRules {
 public:
  // What all rules of a set are compiled with.
  struct With {
    std::shared_ptr<const schema::Contract> contract;
    std::shared_ptr<const cel::Environment> environment;
    std::string pseudonym_key;
  };
  // `previous` (or nullptr) may be of any rule set; it serves where it was compiled with the very
  // same contract, environment and key. INVALID_ARGUMENT with file, line and column where a rule
  // does not fit the contract.
  static absl::StatusOr<std::shared_ptr<const CompiledRules>> Compile(
      With with, std::shared_ptr<const RuleSet> rule_set, const CompiledRules* previous = nullptr);

  struct Rule {
    std::shared_ptr<const cel::Predicate> when;        // nullptr: always
    std::shared_ptr<const RecordTransform> transform;  // nullptr: withholds
    int64_t from_us = 0;                               // in force within [from_us, to_us)
    int64_t to_us = 0;
  };
  // In file order, parallel to rule_set().rules.
  absl::Span<const Rule> rules() const { return rules_; }
  const RuleSet& rule_set() const { return *rule_set_; }
  const With& with() const { return with_; }

  // Every rule stands in one of them.
  struct Part {
    std::shared_ptr<const PredicateIndex> index;
    std::vector<int> positions;  // of the index's rules in rules(); kGone
  };
  static constexpr int kGone = -1;
  absl::Span<const Part> parts() const { return parts_; }
  // How many rules were compiled, not taken over.
  size_t compiled_anew() const { return compiled_anew_; }

 private:
  CompiledRules(With with, std::shared_ptr<const RuleSet> rule_set)
      : with_(std::move(with)), rule_set_(std::move(rule_set)) {}
  absl::Status CompileAll(const CompiledRules* previous);
  absl::Status CompileRule(const rules::Rule& rule, Rule* compiled);
  absl::StatusOr<std::shared_ptr<const RecordTransform>> TransformOf(const rules::Rule& rule);
  void Index(const CompiledRules* previous, const std::vector<int>& taken_from);

  const With with_;
  const std::shared_ptr<const RuleSet> rule_set_;
  std::vector<Rule> rules_;
  std::vector<Part> parts_;
  std::vector<int> in_base_;  // each rule's number in the first part's index; kGone: in the second
  size_t compiled_anew_ = 0;

  // While it is compiled.
  std::shared_ptr<const schema::FieldPlan> fields_;
  absl::flat_hash_map<std::string, std::shared_ptr<const RecordTransform>> transforms_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_COMPILED_RULES_H_
