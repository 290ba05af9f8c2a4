#include "core/rules/sent_reason.h"

namespace huiliu::rules {

SentReason ReasonOf(const Decision& decision, const Output& output) {
  const bool again = decision.novelty == Novelty::kRedecided;
  if (!output.tombstone) return {again ? "rules.changed" : "", again};
  if (decision.next.deleted) return {"source.deleted", false};
  const size_t receiver = static_cast<size_t>(output.receiver);
  if (decision.outcomes[receiver] == huiliu::v1::OUTCOME_OUTSIDE_AREA)
    return {"territory.outside", again};
  return {decision.reasons[receiver], true};
}

}  // namespace huiliu::rules
