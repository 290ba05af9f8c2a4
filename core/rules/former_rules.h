// What a receiver was sent under former rules: a record that new rules return as before, to the
// byte, need not be sent again.
#ifndef HUILIU_CORE_RULES_FORMER_RULES_H_
#define HUILIU_CORE_RULES_FORMER_RULES_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/rules/return_engine.h"

namespace huiliu::rules {

// (SetOverrides | Ask Sent*)*. One thread. Engines are made when a decision of theirs is first
// asked for.
class FormerRules {
 public:
  using Maker = std::function<absl::StatusOr<std::unique_ptr<ReturnEngine>>()>;
  // Likeliest first. Their receivers begin as those of the engine that decides now.
  explicit FormerRules(std::vector<Maker> makers);

  // As ReturnEngine::SetOverrides: what decided by hand then may do so still.
  void SetOverrides(std::string system, std::vector<huiliu::v1::TerritoryOverride> overrides);
  // Decides `change` by the rules that `prior` was decided by. Nothing is known where none of them
  // has its digest, or its text no longer fits the contract.
  void Ask(const SourceChange& change, const PriorDecision& prior);
  // Whether `output` holds what its receiver was sent then. False where it is not known.
  bool Sent(const Output& output) const;

 private:
  struct Former {
    Maker maker;
    std::unique_ptr<ReturnEngine> engine;
    bool unusable = false;
  };
  std::vector<Former> formers_;
  std::string system_;
  std::vector<huiliu::v1::TerritoryOverride> overrides_;
  Decision decision_;
  bool known_ = false;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_FORMER_RULES_H_
