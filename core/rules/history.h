// A change beside what was decided before: is it new, and what is remembered afterwards.
// docs/formats/decision.md.
#ifndef HUILIU_CORE_RULES_HISTORY_H_
#define HUILIU_CORE_RULES_HISTORY_H_

#include "core/base/digest.h"
#include "core/rules/return_engine.h"

namespace huiliu::rules {

// Whether the source tells what a correction by hand stands in for.
bool TellsCorrected(const SourceChange& change, const PriorDecision& prior,
                    const Digest& payload_digest);

// Whether a kept version (`payload_digest`: zeros for a delete) is what the source told last of the
// record, whichever of its rows told it; or what a person has made of that.
bool IsToldLast(const PriorDecision& prior, bool is_delete, const Digest& payload_digest,
                absl::string_view row_id);

// Pending or quarantined for some receiver.
bool IsUndecided(const PriorDecision& prior);

// Whether overrides in force decide it, or contradict each other about it.
bool OverridesSpeak(const Decision& decision);

// `payload_digest` is zeros for a delete.
Novelty Relate(const SourceChange& change, const PriorDecision& prior, const Digest& payload_digest,
               const Digest& rule_digest);

// Fills decision->next and decision->store from its novelty, outcomes and attribution, but for the
// holders: they are still the prior ones. `prior` may be nullptr.
void Remember(const SourceChange& change, const PriorDecision* prior, const Digest& payload_digest,
              const Digest& rule_digest, Decision* decision);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_HISTORY_H_
