#include "adapters/agent/batch_maker.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"
#include "core/model/batch_digest.h"
#include "core/schema/contract.h"

namespace huiliu::agent {
namespace {

absl::string_view View(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

std::string DayOf(int32_t days_since_epoch) {
  return absl::FormatCivilTime(absl::CivilDay(1970, 1, 1) + days_since_epoch);
}

}  // namespace

struct BatchMaker::Work {
  const huiliu_rows& rows;
  uint64_t epoch;
  uint64_t sequence;
  int64_t now_us;
  std::string today;
  absl::Span<const mapping::MappedRow> mapped;
  absl::flat_hash_map<absl::string_view, rules::PriorDecision>
      prior;                                               // by key; changed as rows are decided
  absl::flat_hash_map<absl::string_view, size_t> changed;  // key → index in made.decisions
  std::map<CountKey, Count> counts;
  merkle::TreeBuilder rest;
  int64_t rest_rows = 0;
  int64_t kept = 0;
  bool moved_counts = false;
  MadeBatch made;
};

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

void BatchMaker::KeepRow(Work* work, const huiliu_row& row, const std::string& reason,
                         const std::string& place, const std::string& message,
                         std::vector<huiliu::v1::QuarantinedRow>* kept) {
  huiliu::v1::QuarantinedRow out;
  out.set_id(
      absl::StrCat(parts_.source.id(), "/", work->epoch, "/", work->sequence, "/", work->kept++));
  out.set_source(parts_.source.id());
  out.set_row_id(std::string(View(row.row_id)));
  out.set_reason(reason);
  out.set_place(place.empty() ? std::string(View(row.row_id)) : place);
  out.set_message(message);
  out.set_raw(std::string(View(row.raw)));
  out.set_day(work->today);
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
  envelope.set_source_department(parts_.source.department());
  envelope.set_source_department_name(parts_.source.department_title());
  envelope.set_source_table(std::string(View(raw.table)));
  envelope.set_row_id(std::string(View(raw.row_id)));
  envelope.set_operation(output.tombstone ? huiliu::v1::OPERATION_DELETE
                                          : huiliu::v1::OPERATION_UPSERT);
  envelope.set_source_time_us(row.source_time_us);
  envelope.set_division(decision_.attribution.division);
  envelope.set_city(parts_.city);
  if (decision_.attribution.decided_by >= 0) {
    envelope.set_decided_by(parts_.mapping->contract()
                                .options()
                                .territory()
                                .evidence(decision_.attribution.decided_by)
                                .field());
  }
  envelope.set_conflict(decision_.attribution.conflict);
  envelope.set_key_hash(ToString(Sha256(row.key)));
  envelope.set_rule(output.rule);
  for (const std::string& finding : row.findings) envelope.add_findings(finding);
  envelope.set_masked_at_source(row.masked_at_source || decision_.masked_at_source);
  envelope.set_source_epoch(work->epoch);
  envelope.set_source_sequence(work->sequence);
  envelope.set_index_in_batch(static_cast<uint32_t>(batch.keys_size()));
  envelope.set_cleaned_time_us(work->now_us);
  batch.add_keys(absl::StrCat(parts_.source.system(), absl::string_view("\0", 1), row.key));
  batch.add_envelopes(envelope.SerializeAsString());
  batch.add_payloads(output.tombstone ? "" : output.payload);
}

void BatchMaker::Decide(Work* work, size_t i) {
  const huiliu_row& raw = work->rows.rows[i];
  const mapping::MappedRow& row = work->mapped[i];
  const auto rest = [&] {
    work->rest.Append(merkle::HashLeaf(View(raw.raw)), [](const merkle::NodeId&, const Digest&) {});
    ++work->rest_rows;
  };
  if (!row.error_code.empty()) {
    decision_.attribution = {};
    CountChange(work, work->today, huiliu::v1::OUTCOME_QUARANTINED, decision_, row.masked_at_source,
                1);
    KeepRow(work, raw, row.error_code, row.error_place, row.error_message, &work->made.quarantined);
    return rest();
  }
  rules::SourceChange change;
  change.operation = row.operation;
  change.key = row.key;
  change.payload = row.operation == huiliu::v1::OPERATION_DELETE ? absl::string_view()
                                                                 : absl::string_view(row.payload);
  change.source_time_us = row.source_time_us;
  change.row_id = View(raw.row_id);
  change.now_us = work->now_us;
  const auto prior = work->prior.find(row.key);
  const rules::PriorDecision* before = prior == work->prior.end() ? nullptr : &prior->second;
  parts_.engine->Decide(change, before, &decision_);
  const bool masked = row.masked_at_source || decision_.masked_at_source;
  const huiliu::v1::Outcome outcome = decision_.outcomes[0];
  switch (decision_.novelty) {
    case rules::Novelty::kUnchanged:
      work->made.batch.set_unchanged_rows(work->made.batch.unchanged_rows() + 1);
      break;
    case rules::Novelty::kRedecided: {
      const std::string day =
          before != nullptr && before->counted_day != 0 ? DayOf(before->counted_day) : work->today;
      if (before != nullptr && !before->outcomes.empty()) {
        rules::Decision old;
        old.attribution.division = before->division;
        CountChange(work, day, before->outcomes[0], old, false, -1);
        old.attribution.division = decision_.attribution.division;
        CountChange(work, day, outcome, old, false, 1);
        work->moved_counts = true;
      }
      break;
    }
    default:
      CountChange(work, work->today, outcome, decision_, masked, 1);
      if (outcome == huiliu::v1::OUTCOME_QUARANTINED || outcome == huiliu::v1::OUTCOME_PENDING) {
        KeepRow(
            work, raw, decision_.reason, "", "",
            outcome == huiliu::v1::OUTCOME_PENDING ? &work->made.pending : &work->made.quarantined);
      }
      if (decision_.outputs.empty()) rest();
  }
  for (const rules::Output& output : decision_.outputs) Publish(work, i, output);
  if (!decision_.store) return;
  work->prior[row.key] = decision_.next;
  const auto [place, fresh] = work->changed.try_emplace(row.key, work->made.decisions.size());
  if (fresh) work->made.decisions.push_back({row.key, ""});
  work->made.decisions[place->second].value = rules::EncodeDecision(decision_.next);
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
      huiliu::v1::QuarantineNote* note = batch.add_quarantine_notes();
      // A row id may be a person's number: its digest is the trace.
      note->set_row_id(absl::StrCat(
          "sha256:", absl::BytesToHexString(AsBytes(Sha256(row.row_id())).substr(0, 8))));
      note->set_reason(row.reason());
      note->set_raw_sha256(ToString(Sha256(row.raw())));
    }
  }
  batch.set_redrive(work->moved_counts);
  batch.set_rest_rows(work->rest_rows);
  batch.set_rest_digest(ToString(work->rest.Root()));
  batch.set_records_root(ToString(MerkleRootOf(RecordLeafHashes(batch))));
  batch.set_digest(ToString(BatchDigest(batch)));
  ASSIGN_OR_RETURN(*batch.mutable_signature(), parts_.key->Sign(batch.digest()));
  return absl::OkStatus();
}

absl::StatusOr<MadeBatch> BatchMaker::Make(const huiliu_rows& rows, uint64_t epoch,
                                           uint64_t sequence) {
  Work work{rows, epoch, sequence, absl::ToUnixMicros(parts_.clock->Now())};
  work.today = ShanghaiDay(parts_.clock->Now());
  huiliu::v1::Batch& batch = work.made.batch;
  batch.set_source(parts_.source.id());
  batch.set_epoch(epoch);
  batch.set_sequence(sequence);
  batch.set_position(std::string(View(rows.position)));
  batch.set_dataset(parts_.source.dataset());
  batch.set_dataset_version(parts_.mapping->contract().version());
  batch.set_rule_set(parts_.rule_set);
  batch.set_created_us(work.now_us);
  if (mapped_.size() < rows.row_count) mapped_.resize(rows.row_count);
  for (size_t i = 0; i < rows.row_count; ++i) parts_.mapping->Map(rows.rows[i], &mapped_[i]);
  work.mapped = absl::MakeConstSpan(mapped_).first(rows.row_count);
  RETURN_IF_ERROR(LookUp(&work));
  for (size_t i = 0; i < rows.row_count; ++i) Decide(&work, i);
  RETURN_IF_ERROR(Seal(&work));
  return std::move(work.made);
}

}  // namespace huiliu::agent
