// Why a receiver is told something that is not simply a new row: what its envelope says.
#ifndef HUILIU_CORE_RULES_SENT_REASON_H_
#define HUILIU_CORE_RULES_SENT_REASON_H_

#include <string>

#include "core/rules/return_engine.h"

namespace huiliu::rules {

struct SentReason {
  std::string code;              // stable; empty: a new row, or a changed one
  bool caused_by_rules = false;  // the version of the rules stands beside it
};

// Of one output of a decision. A tombstone: source.deleted, territory.outside, or the code by which
// the record is no longer returned. A record that new rules send again: rules.changed.
SentReason ReasonOf(const Decision& decision, const Output& output);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_SENT_REASON_H_
