// Kept rows that are decided again: BatchMaker's part of it.
#include "absl/strings/str_cat.h"
#include "adapters/agent/batch_work.h"
#include "core/base/digest.h"
#include "core/rules/version_order.h"

namespace huiliu::agent {
namespace {

// Whether what is remembered of the key is just this version, so that deciding it again takes
// nothing newer away.
bool IsNewest(const rules::PriorDecision* prior, const rules::SourceChange& change) {
  return prior != nullptr && !prior->deleted && !prior->outcomes.empty() &&
         prior->row_id == change.row_id &&
         rules::SamePayload(prior->payload_digest, Sha256(change.payload));
}

bool IsUndecided(const rules::PriorDecision& prior) {
  return !prior.outcomes.empty() && (prior.outcomes[0] == huiliu::v1::OUTCOME_PENDING ||
                                     prior.outcomes[0] == huiliu::v1::OUTCOME_QUARANTINED);
}

}  // namespace

// The row's id alone does not say which of its versions is the newest: a table tells each under
// the same one, and a correction changes the content.
bool BatchMaker::IsReplaced(const huiliu_row& row, const KeptRows::Row& kept,
                            const rules::PriorDecision* prior) {
  if (prior == nullptr || prior->row_id != kept.kept.row_id()) return false;
  // What could not be mapped has no decision: that a later version replaced it, its mark says.
  const UnmappedRow* unmapped = unmapped_.Find(row);
  if (unmapped != nullptr && UnmappedRows::VersionOf(*unmapped, row) != nullptr) return false;
  // A version that waits and is the newest is what was decided last: undecided.
  if (!IsUndecided(*prior)) return true;
  if (!kept.later_kept) return false;
  const KeptRows original({{kept.ref, kept.original}});
  mapping::MappedRow mapped;
  parts_.mapping->Map(original.rows().rows[0], &mapped);
  return mapped.error_code.empty() &&
         !rules::SamePayload(prior->payload_digest, Sha256(mapped.payload));
}

void BatchMaker::DecideAgain(Work* work, size_t i, const KeptRows::Row& kept) {
  const mapping::MappedRow& row = work->mapped[i];
  RedriveResult& result = work->results->emplace_back();
  result.row = kept.ref;
  decision_.attribution = {};
  decision_.overrides.clear();
  decision_.masked_at_source = false;
  if (!row.error_code.empty()) {
    result.outcome = huiliu::v1::OUTCOME_QUARANTINED;
    result.error = absl::StrCat(row.error_code, " ", row.error_message);
    return;
  }
  rules::SourceChange change = ChangeOf(*work, i);
  change.redrive = true;
  change.recall = work->why == Again::kWithdrawn;
  const auto known = work->prior.find(row.key);
  const rules::PriorDecision* prior = known == work->prior.end() ? nullptr : &known->second;
  change.replaced = work->why == Again::kAsked && IsReplaced(work->rows.rows[i], kept, prior);
  huiliu::v1::Outcome before = kept.ref.kind == KeptKind::kPending
                                   ? huiliu::v1::OUTCOME_PENDING
                                   : huiliu::v1::OUTCOME_QUARANTINED;
  std::string division;
  if (work->why != Again::kAsked) {
    if (!IsNewest(prior, change)) return;
    // A row that was decided by hand counts as that said.
    if (change.recall) {
      before = prior->outcomes[0];
      division = prior->division;
    } else if (prior->outcomes[0] != before) {
      return;
    }
  }
  parts_.engine->Decide(change, prior, &decision_);
  result.outcome = decision_.outcomes[0];
  // Another override that says the same is another one all the same.
  const bool by_another = change.recall && DecidedByHand();
  if (result.outcome == before && !by_another) {
    result.error = decision_.reason;
    return;
  }
  MoveAgain(work, i, kept, before, division, &result);
}

void BatchMaker::MoveAgain(Work* work, size_t i, const KeptRows::Row& kept,
                           huiliu::v1::Outcome before, const std::string& division,
                           RedriveResult* result) {
  const mapping::MappedRow& row = work->mapped[i];
  const std::string& day = kept.kept.day();
  rules::Decision old;
  old.attribution.conflict = kept.kept.conflict();
  old.attribution.division = division;
  CountChange(work, day, before, old, kept.kept.masked_at_source(), -1);
  CountChange(work, day, result->outcome, decision_,
              row.masked_at_source || decision_.masked_at_source, 1);
  work->moved_counts = true;
  if (work->why == Again::kWithdrawn) {
    work->overrides.insert(kept.kept.territory_override());
  } else {
    work->made.redriven.push_back(kept.ref);
  }
  if (result->outcome == huiliu::v1::OUTCOME_QUARANTINED ||
      result->outcome == huiliu::v1::OUTCOME_PENDING) {
    result->error = decision_.reason;
  }
  KeepUndecided(work, i, day);
  if (decision_.outputs.empty()) AddRest(work, i);
  for (const rules::Output& output : decision_.outputs) Publish(work, i, output);
  unmapped_.SetOutcome(work->rows.rows[i], result->outcome);
  // The count stays in its day, and so does what is remembered of it.
  if (decision_.novelty != rules::Novelty::kSuperseded) decision_.next.counted_day = NumberOf(day);
  Remember(work, i);
}

absl::StatusOr<MadeBatch> BatchMaker::MakeAgain(const KeptRows& rows, uint64_t epoch,
                                                uint64_t sequence, const std::string& position,
                                                Again why, std::vector<RedriveResult>* results) {
  Work work{.rows = rows.rows(), .epoch = epoch, .sequence = sequence};
  work.again = &rows;
  work.why = why;
  work.results = results;
  return Run(&work, position);
}

}  // namespace huiliu::agent
