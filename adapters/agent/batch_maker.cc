#include "adapters/agent/batch_maker.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/batch_work.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "core/model/left_record.h"
#include "core/rules/history.h"
#include "core/rules/sent_reason.h"
#include "core/schema/contract.h"

namespace huiliu::agent {
namespace {

bool IsUndecided(const rules::Decision& decision) {
  return decision.outcomes[0] == huiliu::v1::OUTCOME_PENDING ||
         decision.outcomes[0] == huiliu::v1::OUTCOME_QUARANTINED;
}

}  // namespace

absl::Status BatchMaker::LookUp(Work* work) {
  std::vector<absl::string_view> keys;
  for (const mapping::MappedRow& row : work->mapped) {
    if (row.error_code.empty()) keys.push_back(row.key);
  }
  ASSIGN_OR_RETURN(const auto values, parts_.decisions->GetMany(keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].has_value()) continue;
    ASSIGN_OR_RETURN(work->prior[keys[i]], rules::DecodeDecision(*values[i]));
  }
  return absl::OkStatus();
}

void BatchMaker::KeepRow(Work* work, size_t i, const std::string& day, const std::string& reason,
                         const std::string& place, const std::string& message,
                         std::vector<huiliu::v1::QuarantinedRow>* kept) {
  const huiliu_row& row = work->rows.rows[i];
  huiliu::v1::QuarantinedRow out;
  out.set_id(
      absl::StrCat(parts_.source.id(), "/", work->epoch, "/", work->sequence, "/", work->kept++));
  out.set_source(parts_.source.id());
  out.set_row_id(std::string(View(row.row_id)));
  out.set_reason(reason);
  out.set_place(place.empty() ? std::string(View(row.row_id)) : place);
  out.set_message(message);
  out.set_raw(std::string(View(row.raw)));
  out.set_day(day);
  out.set_conflict(decision_.attribution.conflict);
  out.set_masked_at_source(work->mapped[i].masked_at_source || decision_.masked_at_source);
  if (DecidedByHand()) {
    out.set_territory_override(decision_.overrides[0]);
    out.set_redriven(true);
    huiliu::v1::CountDelta* counted = out.add_counts();
    counted->set_day(day);
    counted->set_receiver(parts_.source.receivers(0));
    counted->set_outcome(decision_.outcomes[0]);
    if (decision_.outcomes[0] == huiliu::v1::OUTCOME_RETURNED)
      counted->set_division(decision_.attribution.division);
    counted->set_rows(1);
  }
  KeepCells(work->rows, row, &out);
  kept->push_back(std::move(out));
}

void BatchMaker::CountChange(Work* work, const std::string& day, huiliu::v1::Outcome outcome,
                             const rules::Decision& decision, bool masked, int sign) {
  const std::string division =
      outcome == huiliu::v1::OUTCOME_RETURNED ? decision.attribution.division : "";
  Count& count = work->counts[{day, outcome, division}];
  count.rows += sign;
  count.conflicts += decision.attribution.conflict ? sign : 0;
  count.masked += masked ? sign : 0;
}

void BatchMaker::Publish(Work* work, size_t i, const rules::Output& output) {
  const mapping::MappedRow& row = work->mapped[i];
  const huiliu_row& raw = work->rows.rows[i];
  huiliu::v1::Batch& batch = work->made.batch;
  huiliu::v1::Envelope envelope;
  envelope.set_system(parts_.source.system());
  envelope.set_source(parts_.source.id());
  envelope.set_source_department(parts_.source.department());
  envelope.set_source_department_name(parts_.source.department_title());
  envelope.set_source_table(std::string(View(raw.table)));
  envelope.set_row_id(std::string(View(raw.row_id)));
  envelope.set_operation(output.tombstone ? huiliu::v1::OPERATION_DELETE
                                          : huiliu::v1::OPERATION_UPSERT);
  envelope.set_source_time_us(row.source_time_us);
  envelope.set_division(decision_.attribution.division);
  envelope.set_city(parts_.city);
  envelope.set_decided_by(rules::DecidedBy(decision_, output.receiver, parts_.mapping->contract()));
  envelope.set_conflict(decision_.attribution.conflict);
  envelope.set_key_hash(ToString(Sha256(row.key)));
  envelope.set_rule(output.rule);
  const rules::DecidedAgain by = work->again == nullptr       ? rules::DecidedAgain::kByRules
                                 : work->why == Again::kAsked ? rules::DecidedAgain::kCorrected
                                                              : rules::DecidedAgain::kByOverrides;
  rules::SentReason why = rules::ReasonOf(decision_, output, by);
  envelope.set_reason(std::move(why.code));
  if (why.caused_by_rules) envelope.set_rule_set(parts_.rule_label);
  for (const std::string& finding : row.findings) envelope.add_findings(finding);
  envelope.set_masked_at_source(row.masked_at_source || decision_.masked_at_source);
  envelope.set_source_epoch(work->epoch);
  envelope.set_source_sequence(work->sequence);
  envelope.set_index_in_batch(static_cast<uint32_t>(batch.keys_size()));
  envelope.set_cleaned_time_us(work->now_us);
  if (output.tombstone && decision_.outcomes[0] == huiliu::v1::OUTCOME_OUTSIDE_AREA)
    LeaveOutNewVersion(&envelope);
  batch.add_keys(absl::StrCat(parts_.source.system(), absl::string_view("\0", 1), row.key));
  batch.add_envelopes(envelope.SerializeAsString());
  batch.add_payloads(output.tombstone ? "" : output.payload);
}

void BatchMaker::AddRest(Work* work, size_t i) {
  work->rest.Append(merkle::HashLeaf(View(work->rows.rows[i].raw)),
                    [](const merkle::NodeId&, const Digest&) {});
  ++work->rest_rows;
}

rules::SourceChange BatchMaker::ChangeOf(const Work& work, size_t i) const {
  const mapping::MappedRow& row = work.mapped[i];
  rules::SourceChange change;
  change.operation = row.operation;
  change.key = row.key;
  change.payload = row.operation == huiliu::v1::OPERATION_DELETE ? absl::string_view()
                                                                 : absl::string_view(row.payload);
  change.source_time_us = row.source_time_us;
  change.row_id = View(work.rows.rows[i].row_id);
  change.now_us = work.now_us;
  return change;
}

// Whether a record that waited is decided now, so that its other rows need not wait.
void BatchMaker::NoteDecided(Work* work, const rules::PriorDecision* before) const {
  const bool stands =
      decision_.novelty == rules::Novelty::kNew || decision_.novelty == rules::Novelty::kRedecided;
  if (stands && before != nullptr && !IsUndecided(decision_) &&
      (rules::IsUndecided(*before) || DecidedByHand()))
    work->made.ends_waiting = true;
}

// What was decided of row i, for those that come after it and for the store.
void BatchMaker::Remember(Work* work, size_t i) {
  if (!decision_.store) return;
  const std::string& key = work->mapped[i].key;
  work->prior[key] = decision_.next;
  const auto [place, fresh] = work->changed.try_emplace(key, work->made.decisions.size());
  if (fresh) work->made.decisions.push_back({key, ""});
  work->made.decisions[place->second].value = rules::EncodeDecision(decision_.next);
}

// By a territory override, and so that nothing is left to decide.
bool BatchMaker::DecidedByHand() const {
  return !decision_.overrides.empty() && !decision_.overrides[0].empty() &&
         !decision_.outcomes.empty() && !IsUndecided(decision_);
}

// What was decided by hand is kept, too, marked: so that it can be decided again when that is
// withdrawn.
void BatchMaker::KeepUndecided(Work* work, size_t i, const std::string& day) {
  const bool quarantined = decision_.outcomes[0] == huiliu::v1::OUTCOME_QUARANTINED;
  if (DecidedByHand() || quarantined || decision_.outcomes[0] == huiliu::v1::OUTCOME_PENDING) {
    // A delete says nothing of its own: it ends a version that nobody could decide.
    const bool ends = decision_.reason.empty() && !DecidedByHand() &&
                      work->mapped[i].operation == huiliu::v1::OPERATION_DELETE;
    KeepRow(work, i, day, ends ? "delete.undecided_version" : decision_.reason, "", "",
            quarantined ? &work->made.quarantined : &work->made.pending);
  }
  if (DecidedByHand()) work->overrides.insert(decision_.overrides[0]);
}

void BatchMaker::Decide(Work* work, size_t i) {
  const mapping::MappedRow& row = work->mapped[i];
  decision_.attribution = {};
  decision_.overrides.clear();
  decision_.masked_at_source = false;
  if (!row.error_code.empty()) {
    return DecideUnmapped(work, i);
  }
  std::optional<UnmappedVersion> mended;
  if (!TakeMended(work, i, &mended)) return;
  const rules::SourceChange change = ChangeOf(*work, i);
  const auto prior = work->prior.find(row.key);
  const rules::PriorDecision* before = prior == work->prior.end() ? nullptr : &prior->second;
  parts_.engine->Decide(change, before, &decision_);
  NoteDecided(work, before);
  const bool masked = row.masked_at_source || decision_.masked_at_source;
  const huiliu::v1::Outcome outcome = decision_.outcomes[0];
  const std::string day = mended.has_value() ? DayOf(mended->counted_day) : work->today;
  switch (decision_.novelty) {
    case rules::Novelty::kUnchanged:
      if (mended.has_value()) CountChange(work, day, outcome, decision_, masked, 1);
      if (before->corrected != decision_.next.corrected) work->made.ends_correction = true;
      work->made.batch.set_unchanged_rows(work->made.batch.unchanged_rows() + 1);
      break;
    case rules::Novelty::kRedecided:
      if (mended.has_value()) CountChange(work, day, outcome, decision_, masked, 1);
      MoveRedecided(work, i, before, masked);
      break;
    default:
      CountChange(work, day, outcome, decision_, masked, 1);
      KeepUndecided(work, i, day);
      if (decision_.outputs.empty()) AddRest(work, i);
      if (mended.has_value() && decision_.novelty == rules::Novelty::kNew)
        decision_.next.counted_day = mended->counted_day;
  }
  for (const rules::Output& output : decision_.outputs) Publish(work, i, output);
  Remember(work, i);
}

void BatchMaker::MoveRedecided(Work* work, size_t i, const rules::PriorDecision* before,
                               bool masked) {
  const std::string day =
      before != nullptr && before->counted_day != 0 ? DayOf(before->counted_day) : work->today;
  if (before == nullptr || before->outcomes.empty()) {
    if (DecidedByHand()) KeepUndecided(work, i, day);
    return;
  }
  const huiliu::v1::Outcome is = decision_.outcomes[0], was = before->outcomes[0];
  rules::Decision old;
  old.attribution.division = before->division;
  old.attribution.conflict = before->conflict;
  CountChange(work, day, was, old, masked, -1);
  CountChange(work, day, is, decision_, masked, 1);
  work->moved_counts = true;
  const bool waited = was == huiliu::v1::OUTCOME_PENDING || was == huiliu::v1::OUTCOME_QUARANTINED;
  // What is undecided as before is kept already.
  if (waited && was == is) return;
  if (was != is || DecidedByHand()) KeepUndecided(work, i, day);
  const bool quarantined = was == huiliu::v1::OUTCOME_QUARANTINED;
  work->made.released.push_back(
      {quarantined ? KeptKind::kQuarantined : KeptKind::kPending, before->row_id,
       quarantined ? std::string(View(work->rows.rows[i].raw)) : "", day, !waited});
}

// A version that is not the newest changes nothing; nor does one that these rules have decided.
// What could not be mapped was kept when it came.
void BatchMaker::DecideHistory(Work* work, size_t i) {
  const mapping::MappedRow& row = work->mapped[i];
  decision_.attribution = {};
  decision_.masked_at_source = false;
  const auto prior = row.error_code.empty() ? work->prior.find(row.key) : work->prior.end();
  const bool known = prior != work->prior.end();
  work->history->impact.Look(known);
  if (!known) return;
  const rules::PriorDecision before = prior->second;
  rules::SourceChange change = ChangeOf(*work, i);
  change.replay = true;
  parts_.engine->Decide(change, &before, &decision_);
  if (decision_.novelty != rules::Novelty::kRedecided) return;
  NoteDecided(work, &before);
  MoveRedecided(work, i, &before, row.masked_at_source || decision_.masked_at_source);
  work->history->former->Ask(change, before);
  std::erase_if(decision_.outputs,
                [&](const rules::Output& output) { return work->history->former->Sent(output); });
  work->history->impact.Add(before, decision_, 0, parts_.source.receivers(0));
  for (const rules::Output& output : decision_.outputs) Publish(work, i, output);
  Remember(work, i);
}

absl::Status BatchMaker::Seal(Work* work) {
  huiliu::v1::Batch& batch = work->made.batch;
  for (const auto& [key, count] : work->counts) {
    if (count.rows == 0 && count.conflicts == 0 && count.masked == 0) continue;
    huiliu::v1::CountDelta* delta = batch.add_counts();
    delta->set_day(std::get<0>(key));
    delta->set_receiver(parts_.source.receivers(0));
    delta->set_outcome(static_cast<huiliu::v1::Outcome>(std::get<1>(key)));
    delta->set_division(std::get<2>(key));
    delta->set_rows(count.rows);
    delta->set_conflicts(count.conflicts);
    delta->set_masked_at_source(count.masked);
  }
  for (const auto* kept : {&work->made.quarantined, &work->made.pending}) {
    for (const huiliu::v1::QuarantinedRow& row : *kept) {
      if (row.redriven()) continue;
      huiliu::v1::QuarantineNote* note = batch.add_quarantine_notes();
      // A row id may be a person's number: its digest is the trace.
      note->set_row_id(absl::StrCat(
          "sha256:", absl::BytesToHexString(AsBytes(Sha256(row.row_id())).substr(0, 8))));
      note->set_reason(row.reason());
      note->set_raw_sha256(ToString(Sha256(row.raw())));
    }
  }
  batch.set_redrive(work->moved_counts);
  if (work->history != nullptr) {
    huiliu::v1::Reread* reread = batch.mutable_reread();
    reread->set_version(work->history->version);
    reread->set_position(work->history->position);
    reread->set_done(work->history_ends);
    work->history->impact.AddTo(reread->mutable_counts());
  }
  batch.mutable_overrides()->Add(work->overrides.begin(), work->overrides.end());
  batch.set_rest_rows(work->rest_rows);
  batch.set_rest_digest(ToString(work->rest.Root()));
  batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
  batch.set_digest(ToString(BatchDigest(batch)));
  ASSIGN_OR_RETURN(*batch.mutable_signature(), parts_.key->Sign(batch.digest()));
  return absl::OkStatus();
}

absl::StatusOr<MadeBatch> BatchMaker::Run(Work* work, const std::string& position) {
  work->now_us = absl::ToUnixMicros(parts_.clock->Now());
  work->today = ShanghaiDay(parts_.clock->Now());
  huiliu::v1::Batch& batch = work->made.batch;
  batch.set_source(parts_.source.id());
  batch.set_epoch(work->epoch);
  batch.set_sequence(work->sequence);
  batch.set_position(position);
  batch.set_dataset(parts_.source.dataset());
  batch.set_dataset_version(parts_.mapping->contract().version());
  batch.set_rule_set(parts_.rule_set);
  batch.set_created_us(work->now_us);
  const size_t count = work->rows.row_count;
  if (mapped_.size() < count) mapped_.resize(count);
  for (size_t i = 0; i < count; ++i) parts_.mapping->Map(work->rows.rows[i], &mapped_[i]);
  work->mapped = absl::MakeConstSpan(mapped_).first(count);
  RETURN_IF_ERROR(LookUp(work));
  RETURN_IF_ERROR(unmapped_.Load(work->rows, work->mapped));
  for (size_t i = 0; i < work->rows.row_count; ++i) {
    if (work->history != nullptr) {
      DecideHistory(work, i);
    } else if (work->again == nullptr) {
      Decide(work, i);
    } else {
      DecideAgain(work, i, work->again->row(i));
    }
  }
  for (DecisionUpdate& update : unmapped_.TakeUpdates())
    work->made.decisions.push_back(std::move(update));
  RETURN_IF_ERROR(Seal(work));
  return std::move(work->made);
}

absl::StatusOr<MadeBatch> BatchMaker::Make(const huiliu_rows& rows, uint64_t epoch,
                                           uint64_t sequence) {
  Work work{.rows = rows, .epoch = epoch, .sequence = sequence};
  return Run(&work, std::string(View(rows.position)));
}

absl::StatusOr<MadeBatch> BatchMaker::MakeHistory(const huiliu_rows& rows, uint64_t epoch,
                                                  uint64_t sequence, const std::string& position,
                                                  Reevaluation* history) {
  Work work{.rows = rows, .epoch = epoch, .sequence = sequence};
  work.history = history;
  return Run(&work, position);
}

absl::StatusOr<MadeBatch> BatchMaker::MakeEndOfHistory(uint64_t epoch, uint64_t sequence,
                                                       const std::string& position,
                                                       Reevaluation* history) {
  const huiliu_rows none{};
  Work work{.rows = none, .epoch = epoch, .sequence = sequence};
  work.history = history;
  work.history_ends = true;
  return Run(&work, position);
}

}  // namespace huiliu::agent
