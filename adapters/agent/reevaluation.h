// One re-read of a source from its beginning, beside its changes, because a version of the rules
// re-evaluates history: what it needs, and how far it has come.
#ifndef HUILIU_ADAPTERS_AGENT_REEVALUATION_H_
#define HUILIU_ADAPTERS_AGENT_REEVALUATION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "adapters/sdk/loader.h"
#include "core/rules/former_rules.h"
#include "core/rules/impact.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/rules.pb.h"
#include "storage/decisions/decision_store.h"

namespace huiliu::agent {

// The node remembers version, position and `done` in the commit of each batch of the re-read, so a
// crash of either side goes on from there, and what was looked at since counts once.
struct Reevaluation {
  uint32_t version = 0;         // of the rule set
  std::string position;         // of the re-read, after the last poll
  bool nothing_before = false;  // no batch was ever taken over: there is no history
  std::unique_ptr<sdk::OpenSource> plugin;
  std::unique_ptr<rules::FormerRules> former;
  rules::Impact impact;                           // of what no batch has told yet
  absl::Time caught_up = absl::InfiniteFuture();  // first time that nothing more was there
};

// The re-read that is due, or nothing: the version asks for none, or it is done.
std::optional<Reevaluation> DueReevaluation(const huiliu::v1::RuleSet& rule_set,
                                            const huiliu::v1::Welcome& welcome);

// Approved versions other than `current`, newest first, as makers of engines for one receiver.
std::vector<rules::FormerRules::Maker> FormerMakers(
    const std::vector<huiliu::v1::RuleSet>& versions, const huiliu::v1::RuleSet& current,
    const rules::Receiver& receiver, std::shared_ptr<const schema::Contract> contract,
    std::shared_ptr<const territory::Divisions> divisions);

// Adds what the receiver holds and no re-read row was. A walk over all that is remembered; nothing
// may be staged.
absl::Status CountOutOfReach(DecisionStore& decisions, rules::ReturnEngine& engine, int64_t now_us,
                             absl::string_view receiver, rules::Impact* impact);

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_REEVALUATION_H_
