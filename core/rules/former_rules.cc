#include "core/rules/former_rules.h"

#include <utility>

#include "core/rules/version_order.h"

namespace huiliu::rules {

FormerRules::FormerRules(std::vector<Maker> makers) {
  for (Maker& maker : makers) formers_.push_back({std::move(maker), nullptr, false});
}

void FormerRules::SetOverrides(std::string system,
                               std::vector<huiliu::v1::TerritoryOverride> overrides) {
  system_ = std::move(system);
  overrides_ = std::move(overrides);
  for (Former& former : formers_) {
    if (former.engine != nullptr) former.engine->SetOverrides(system_, overrides_);
  }
}

void FormerRules::Ask(const SourceChange& change, const PriorDecision& prior) {
  known_ = false;
  for (Former& former : formers_) {
    if (former.unusable) continue;
    if (former.engine == nullptr) {
      auto made = former.maker();
      former.unusable = !made.ok();
      if (former.unusable) continue;
      former.engine = *std::move(made);
      former.engine->SetOverrides(system_, overrides_);
    }
    if (!SameRules(former.engine->RuleDigestFor(prior, change.now_us), prior.rule_digest)) continue;
    SourceChange alone = change;
    alone.replay = alone.redrive = false;
    former.engine->Decide(alone, nullptr, &decision_);
    known_ = true;
    return;
  }
}

bool FormerRules::Sent(const Output& output) const {
  if (!known_ || output.tombstone) return false;
  for (const Output& then : decision_.outputs) {
    if (then.receiver == output.receiver) return !then.tombstone && then.payload == output.payload;
  }
  return false;
}

}  // namespace huiliu::rules
