// The rules that a source at the edge decides by: a new version is prepared beside the flow.
#ifndef HUILIU_ADAPTERS_AGENT_EDGE_RULES_H_
#define HUILIU_ADAPTERS_AGENT_EDGE_RULES_H_

#include <atomic>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "core/rules/compiled_rules.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::agent {

// One thread calls; a second one prepares. ((Begin IsBusy*)? Take)*
class EdgeRules {
 public:
  using Compiled = std::shared_ptr<const rules::CompiledRules>;

  explicit EdgeRules(std::shared_ptr<const territory::Divisions> divisions);
  ~EdgeRules();

  // Parses and compiles `rule_set` on a thread of its own; what it finds wrong Take says.
  void Begin(std::shared_ptr<const schema::Contract> contract, huiliu::v1::RuleSet rule_set);
  bool IsBusy() const { return busy_; }
  // What was begun, where it is this version; else prepared now. INVALID_ARGUMENT with file, line
  // and column where a rule does not fit the contract.
  absl::StatusOr<Compiled> Take(const std::shared_ptr<const schema::Contract>& contract,
                                const huiliu::v1::RuleSet& rule_set);

 private:
  absl::StatusOr<Compiled> Prepare(const std::shared_ptr<const schema::Contract>& contract,
                                   const huiliu::v1::RuleSet& rule_set) const;

  const std::shared_ptr<const cel::Environment> environment_;
  Compiled in_use_;
  std::thread thread_;
  std::atomic<bool> busy_ = false;
  absl::StatusOr<Compiled> begun_ = nullptr;  // the second thread's while it is busy
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_EDGE_RULES_H_
