#include "core/rules/impact.h"

#include <algorithm>

#include "core/rules/version_order.h"

namespace huiliu::rules {
namespace {

bool Holds(const PriorDecision& decision, absl::string_view receiver) {
  return std::find(decision.holders.begin(), decision.holders.end(), receiver) !=
         decision.holders.end();
}

bool IsUndecided(huiliu::v1::Outcome outcome) {
  return outcome == huiliu::v1::OUTCOME_PENDING || outcome == huiliu::v1::OUTCOME_QUARANTINED;
}

}  // namespace

void Impact::County::MergeFrom(const County& more) {
  returned += more.returned;
  withdrawn += more.withdrawn;
  changed += more.changed;
  pending += more.pending;
}

void Impact::Add(const PriorDecision& prior, const Decision& decision, int receiver,
                 absl::string_view receiver_id) {
  ++decided_;
  const auto output = std::find_if(decision.outputs.begin(), decision.outputs.end(),
                                   [&](const Output& o) { return o.receiver == receiver; });
  const size_t r = static_cast<size_t>(receiver);
  County one;
  std::string division = decision.attribution.division;
  if (output != decision.outputs.end()) {
    one.withdrawn = output->tombstone ? 1 : 0;
    one.changed = !output->tombstone && Holds(prior, receiver_id) ? 1 : 0;
    one.returned = 1 - one.withdrawn - one.changed;
    if (output->tombstone) division = prior.division;
  } else if (IsUndecided(decision.outcomes[r]) &&
             (r >= prior.outcomes.size() || !IsUndecided(prior.outcomes[r]))) {
    one.pending = 1;
    division = prior.division;
  } else {
    return;
  }
  all_.MergeFrom(one);
  counties_[division].MergeFrom(one);
}

void Impact::MergeFrom(const Impact& more) {
  read_ += more.read_;
  decided_ += more.decided_;
  unknown_ += more.unknown_;
  out_of_reach_ += more.out_of_reach_;
  all_.MergeFrom(more.all_);
  for (const auto& [division, county] : more.counties_) counties_[division].MergeFrom(county);
}

void Impact::AddTo(huiliu::v1::ReevaluationCounts* counts) const {
  huiliu::v1::ReevaluationCounts mine;
  mine.set_read(read_);
  mine.set_decided(decided_);
  mine.set_unknown(unknown_);
  mine.set_out_of_reach(out_of_reach_);
  mine.set_returned(all_.returned);
  mine.set_withdrawn(all_.withdrawn);
  mine.set_changed(all_.changed);
  mine.set_pending(all_.pending);
  for (const auto& [division, county] : counties_) {
    huiliu::v1::CountyImpact* line = mine.add_counties();
    line->set_division(division);
    line->set_returned(county.returned);
    line->set_withdrawn(county.withdrawn);
    line->set_changed(county.changed);
    line->set_pending(county.pending);
  }
  AddCounts(mine, counts);
}

void AddCounts(const huiliu::v1::ReevaluationCounts& more, huiliu::v1::ReevaluationCounts* sum) {
  sum->set_read(sum->read() + more.read());
  sum->set_decided(sum->decided() + more.decided());
  sum->set_unknown(sum->unknown() + more.unknown());
  sum->set_out_of_reach(sum->out_of_reach() + more.out_of_reach());
  sum->set_returned(sum->returned() + more.returned());
  sum->set_withdrawn(sum->withdrawn() + more.withdrawn());
  sum->set_changed(sum->changed() + more.changed());
  sum->set_pending(sum->pending() + more.pending());
  std::map<std::string, huiliu::v1::CountyImpact> counties;
  for (const auto& line : sum->counties()) counties[line.division()] = line;
  for (const auto& line : more.counties()) {
    huiliu::v1::CountyImpact& to = counties[line.division()];
    to.set_division(line.division());
    to.set_returned(to.returned() + line.returned());
    to.set_withdrawn(to.withdrawn() + line.withdrawn());
    to.set_changed(to.changed() + line.changed());
    to.set_pending(to.pending() + line.pending());
  }
  sum->clear_counties();
  for (auto& [division, line] : counties) *sum->add_counties() = std::move(line);
}

bool IsOutOfReach(const PriorDecision& decision, const Digest& rule_digest, int receiver,
                  absl::string_view receiver_id) {
  const size_t r = static_cast<size_t>(receiver);
  // Its source does not tell what a row was corrected to by hand, so no re-read shows it.
  const bool corrected = decision.corrected && r < decision.outcomes.size() &&
                         decision.outcomes[r] == huiliu::v1::OUTCOME_WITHHELD;
  if (decision.deleted || !(Holds(decision, receiver_id) || corrected)) return false;
  return !SameRules(decision.rule_digest, rule_digest) ||
         (r < decision.outcomes.size() && IsUndecided(decision.outcomes[r]));
}

}  // namespace huiliu::rules
