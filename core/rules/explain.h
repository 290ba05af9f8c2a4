// Why a rule set decides a record as it does: each condition with what it comes to and the fields
// it reads. For people, never for hot paths; the decision itself is the return engine's.
#ifndef HUILIU_CORE_RULES_EXPLAIN_H_
#define HUILIU_CORE_RULES_EXPLAIN_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cel/clauses.h"
#include "core/cel/program.h"
#include "core/rules/return_engine.h"

namespace huiliu::rules {

struct ExplainedClause {
  cel::Clause::Joint joint = cel::Clause::Joint::kNone;
  std::string text;
  std::string words_chinese, words_english;  // of a condition of a common shape; else empty
  cel::Truth truth = cel::Truth::kFalse;
  std::string error;                                                 // where kError
  std::vector<std::pair<const schema::Field*, std::string>> fields;  // read, and their texts
  std::vector<ExplainedClause> parts;
};

struct ExplainedRule {
  const Rule* rule = nullptr;
  bool in_force = true;  // at the time that was asked about
  bool decides = false;
  bool always = false;   // it has no condition
  ExplainedClause when;  // unless always; not filled where not in force
};

// Points into the contract and the rule set.
struct Explanation {
  Decision decision;
  std::vector<ExplainedRule> rules;  // in file order up to the one that decides; none where the
                                     // rules are not asked (outside, pending, quarantined)
};

// What was decided by hand, as ReturnEngine::SetOverrides takes it.
struct HeldOverrides {
  std::string system;
  std::vector<huiliu::v1::TerritoryOverride> overrides;
};

// `now_us` as in SourceChange. INVALID_ARGUMENT where the rules do not fit the contract.
absl::StatusOr<Explanation> ExplainRecord(std::shared_ptr<const schema::Contract> contract,
                                          std::shared_ptr<const RuleSet> rule_set,
                                          const Receiver& receiver,
                                          std::shared_ptr<const territory::Divisions> divisions,
                                          absl::string_view record, int64_t now_us,
                                          const HeldOverrides& held = {});

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_EXPLAIN_H_
