// Kept rows that are decided again: BatchMaker's part of it.
#include "absl/strings/str_cat.h"
#include "adapters/agent/batch_work.h"
#include "core/base/digest.h"
#include "core/rules/history.h"

namespace huiliu::agent {
namespace {

// How a kept row stands in the counts.
struct Counted {
  huiliu::v1::Outcome outcome = huiliu::v1::OUTCOME_UNSPECIFIED;
  std::string division;
};

}  // namespace

// The row's id alone does not say which of its versions is the newest: a table tells each under
// the same one, and a correction changes the content.
rules::Kept BatchMaker::KeptAs(const Work& work, size_t i, const KeptRows::Row& kept,
                               const rules::PriorDecision* prior) {
  if (prior == nullptr) return rules::Kept::kApart;
  const mapping::MappedRow* was = &work.mapped[i];
  mapping::MappedRow original;
  if (kept.corrected) {
    const KeptRows as_it_came({{kept.ref, kept.original}});
    parts_.mapping->Map(as_it_came.rows().rows[0], &original);
    was = &original;
  }
  if (!was->error_code.empty() || was->key != work.mapped[i].key) return rules::Kept::kApart;
  const bool is_delete = was->operation == huiliu::v1::OPERATION_DELETE;
  if (rules::IsToldLast(*prior, is_delete, is_delete ? Digest{} : Sha256(was->payload),
                        kept.kept.row_id()))
    return rules::Kept::kLast;
  // What could not be mapped has no decision: that a later version replaced it, its mark says.
  const UnmappedRow* unmapped = unmapped_.Find(work.rows.rows[i]);
  if (unmapped != nullptr && UnmappedRows::VersionOf(*unmapped, work.rows.rows[i]) != nullptr)
    return rules::Kept::kApart;
  // Another mapping has made the newest version of it.
  const bool mapped_anew = prior->row_id == kept.kept.row_id() && prior->deleted == is_delete &&
                           rules::IsUndecided(*prior) && !kept.later_kept;
  return mapped_anew ? rules::Kept::kLast : rules::Kept::kReplaced;
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
  const auto known = work->prior.find(row.key);
  const rules::PriorDecision* prior = known == work->prior.end() ? nullptr : &known->second;
  rules::SourceChange change = ChangeOf(*work, i);
  change.redrive = true;
  change.recall = work->why == Again::kWithdrawn || work->why == Again::kRecheck;
  change.uncorrected = !kept.corrected;
  change.kept = KeptAs(*work, i, kept, prior);
  Counted before{kept.ref.kind == KeptKind::kPending ? huiliu::v1::OUTCOME_PENDING
                                                     : huiliu::v1::OUTCOME_QUARANTINED,
                 ""};
  const bool last = change.kept == rules::Kept::kLast;
  // Of one that holds only what stands by it is looked at: the rest was returned when it was.
  const bool recheck = work->why == Again::kRecheck;
  if (recheck &&
      (!last || (!rules::IsUndecided(*prior) && prior->by_hand != kept.kept.territory_override())))
    return;
  if (change.recall) {
    // A row that was decided by hand counts as that said; rows of before do not say how.
    if (kept.kept.counts_size() > 0) {
      before = {kept.kept.counts(0).outcome(), kept.kept.counts(0).division()};
    } else if (last && !prior->outcomes.empty()) {
      before = {prior->outcomes[0], prior->division};
    } else {
      return;
    }
  } else if (work->why != Again::kAsked && !last) {
    return;
  } else if (work->why == Again::kFollow && rules::IsUndecided(*prior)) {
    return;
  }
  parts_.engine->Decide(change, prior, &decision_);
  result.outcome = decision_.outcomes[0];
  const bool by_the_same =
      DecidedByHand() && decision_.overrides[0] == kept.kept.territory_override();
  if (recheck && (by_the_same || !rules::OverridesSpeak(decision_))) return;
  // Another override that says the same is another one all the same.
  const bool by_another = change.recall && DecidedByHand() && !by_the_same;
  // A delete says nothing of its own: why it waits, what is kept of it says.
  if (change.operation == huiliu::v1::OPERATION_DELETE && decision_.reason.empty())
    decision_.reason = kept.kept.reason();
  const bool same_county = result.outcome != huiliu::v1::OUTCOME_RETURNED ||
                           before.division == decision_.attribution.division;
  if (result.outcome == before.outcome && same_county && !by_another) {
    result.error = decision_.reason;
    return;
  }
  NoteDecided(work, prior);
  MoveAgain(work, i, kept, before.outcome, before.division, &result);
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
  if (!kept.kept.territory_override().empty())
    work->overrides.insert(kept.kept.territory_override());
  work->made.redriven.push_back(kept.ref);
  if (result->outcome == huiliu::v1::OUTCOME_QUARANTINED ||
      result->outcome == huiliu::v1::OUTCOME_PENDING) {
    result->error = decision_.reason;
  }
  KeepUndecided(work, i, day);
  if (decision_.outputs.empty()) AddRest(work, i);
  for (const rules::Output& output : decision_.outputs) Publish(work, i, output);
  unmapped_.SetOutcome(work->rows.rows[i], result->outcome);
  // The count stays in its day, and so does what is remembered of it.
  if (decision_.novelty == rules::Novelty::kNew || decision_.novelty == rules::Novelty::kRedecided)
    decision_.next.counted_day = NumberOf(day);
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
