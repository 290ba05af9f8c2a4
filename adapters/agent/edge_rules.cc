#include "adapters/agent/edge_rules.h"

#include "core/base/status.h"

namespace huiliu::agent {

EdgeRules::EdgeRules(std::shared_ptr<const territory::Divisions> divisions)
    : environment_(rules::EnvironmentOf(std::move(divisions))) {}

EdgeRules::~EdgeRules() {
  if (thread_.joinable()) thread_.join();
}

void EdgeRules::Begin(std::shared_ptr<const schema::Contract> contract,
                      huiliu::v1::RuleSet rule_set) {
  if (thread_.joinable()) thread_.join();
  busy_ = true;
  thread_ = std::thread([this, contract = std::move(contract), rule_set = std::move(rule_set)] {
    begun_ = Prepare(contract, rule_set);
    busy_ = false;
  });
}

absl::StatusOr<EdgeRules::Compiled> EdgeRules::Prepare(
    const std::shared_ptr<const schema::Contract>& contract,
    const huiliu::v1::RuleSet& rule_set) const {
  std::vector<huiliu::v1::RuleError> errors;
  ASSIGN_OR_RETURN(const std::shared_ptr<const rules::RuleSet> parsed,
                   rules::ParseRuleSet(rule_set.source_name(), rule_set.yaml(), *contract, &errors,
                                       nullptr, rules::RuleAge::kStanding));
  // At the edge no key is known: a mask that needs one withholds the record.
  return rules::CompiledRules::Compile(
      {contract, environment_, ""}, rules::WithVersion(*parsed, rule_set.version()), in_use_.get());
}

absl::StatusOr<EdgeRules::Compiled> EdgeRules::Take(
    const std::shared_ptr<const schema::Contract>& contract, const huiliu::v1::RuleSet& rule_set) {
  if (thread_.joinable()) thread_.join();
  const auto serves = [&](const absl::StatusOr<Compiled>& compiled) {
    return compiled.ok() && *compiled != nullptr && (*compiled)->with().contract == contract &&
           (*compiled)->rule_set().version == rule_set.version() &&
           (*compiled)->rule_set().yaml == rule_set.yaml() &&
           (*compiled)->rule_set().source_name == rule_set.source_name();
  };
  if (serves(begun_)) {
    in_use_ = *begun_;
  } else if (!serves(in_use_)) {
    ASSIGN_OR_RETURN(in_use_, Prepare(contract, rule_set));
  }
  begun_ = Compiled();
  return in_use_;
}

}  // namespace huiliu::agent
