// Why a receiver is told something that is not simply a new row: what its envelope says.
#ifndef HUILIU_CORE_RULES_SENT_REASON_H_
#define HUILIU_CORE_RULES_SENT_REASON_H_

#include <string>

#include "core/rules/return_engine.h"

namespace huiliu::rules {

// Why a version that is known was decided again.
enum class DecidedAgain {
  kByRules,      // a re-read, and other rules decide now
  kCorrected,    // a kept row that somebody corrected, or asked for
  kByOverrides,  // a kept row, since territory overrides (认领决定) have changed
};

struct SentReason {
  std::string code;              // stable; empty: a new row, or a changed one
  bool caused_by_rules = false;  // the version of the rules stands beside it
};

// Of one output of a decision. A tombstone: source.deleted, territory.outside,
// territory.override_withdrawn, or the code by which the record is no longer returned. A record
// that is sent because of new rules: rules.changed; because of an override: territory.override.
SentReason ReasonOf(const Decision& decision, const Output& output, DecidedAgain why);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_SENT_REASON_H_
