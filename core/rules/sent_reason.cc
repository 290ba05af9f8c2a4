#include "core/rules/sent_reason.h"

namespace huiliu::rules {

SentReason ReasonOf(const Decision& decision, const Output& output, DecidedAgain why) {
  const bool by_rules = decision.novelty == Novelty::kRedecided && why == DecidedAgain::kByRules;
  if (!output.tombstone) {
    if (why == DecidedAgain::kByOverrides) return {"territory.override", false};
    return {by_rules ? "rules.changed" : "", by_rules};
  }
  if (decision.next.deleted) return {"source.deleted", false};
  const size_t receiver = static_cast<size_t>(output.receiver);
  const huiliu::v1::Outcome outcome = decision.outcomes[receiver];
  if (outcome == huiliu::v1::OUTCOME_OUTSIDE_AREA) return {"territory.outside", by_rules};
  // What evidence leaves undecided is taken back where an override had decided it.
  if (outcome == huiliu::v1::OUTCOME_PENDING || outcome == huiliu::v1::OUTCOME_QUARANTINED)
    return {"territory.override_withdrawn", false};
  return {decision.reasons[receiver], true};
}

}  // namespace huiliu::rules
