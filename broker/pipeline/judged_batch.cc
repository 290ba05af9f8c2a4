#include "broker/pipeline/judged_batch.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/lineage/entry.h"
#include "broker/pipeline/envelope_bytes.h"
#include "broker/pipeline/topics.h"
#include "core/model/batch_digest.h"
#include "core/model/left_record.h"
#include "core/rules/sent_reason.h"

namespace huiliu::pipeline {

huiliu::v1::QuarantineTrace TraceOf(const huiliu::v1::QuarantinedRow& row) {
  huiliu::v1::QuarantineTrace trace;
  trace.set_row_id(
      absl::StrCat("sha256:", absl::BytesToHexString(AsBytes(Sha256(row.row_id())).substr(0, 8))));
  trace.set_reason(row.reason());
  lineage::CutText(trace.mutable_reason(), kMaxTracedReasonBytes);
  trace.set_raw_sha256(ToString(Sha256(row.raw())));
  return trace;
}

JudgedBatch::JudgedBatch(const NodeEngine& engine, Origin origin)
    : engine_(engine),
      origin_(std::move(origin)),
      outs_(static_cast<size_t>(engine.source.receivers_size())) {}

void JudgedBatch::Publish(absl::string_view key, huiliu::v1::Envelope envelope, int64_t arrival_us,
                          const rules::Decision& decision, const rules::Output& output) {
  Out& out = outs_[static_cast<size_t>(output.receiver)];
  envelope.set_operation(output.tombstone ? huiliu::v1::OPERATION_DELETE
                                          : huiliu::v1::OPERATION_UPSERT);
  envelope.set_division(decision.attribution.division);
  envelope.set_city(engine_.source.receivers(output.receiver));
  envelope.set_decided_by(rules::DecidedBy(decision, output.receiver, *engine_.contract));
  envelope.set_conflict(decision.attribution.conflict);
  envelope.set_rule(output.rule);
  envelope.set_masked_at_source(envelope.masked_at_source() || decision.masked_at_source);
  rules::SentReason why = rules::ReasonOf(decision, output, origin_.why);
  envelope.set_reason(std::move(why.code));
  envelope.clear_rule_set();
  if (why.caused_by_rules)
    envelope.set_rule_set(engine_.rule_labels[static_cast<size_t>(output.receiver)]);
  envelope.set_source_epoch(origin_.epoch);
  envelope.set_source_sequence(origin_.sequence);
  envelope.set_index_in_batch(static_cast<uint32_t>(out.records.count()));
  envelope.clear_counted_receivers();
  envelope.clear_arrival_time_us();
  if (output.tombstone &&
      decision.outcomes[static_cast<size_t>(output.receiver)] == huiliu::v1::OUTCOME_OUTSIDE_AREA)
    LeaveOutNewVersion(&envelope);
  std::string header = envelope.SerializeAsString();
  out.leaves.push_back(RecordLeafHash(key, header, Sha256(output.tombstone ? "" : output.payload)));
  AppendArrival(arrival_us, &header);
  if (output.tombstone) {
    out.records.AddTombstone(key, header);
  } else {
    out.records.Add(key, header, output.payload);
  }
}

void JudgedBatch::Count(int receiver, const huiliu::v1::CountDelta& delta, int sign) {
  const bool returned = delta.outcome() == huiliu::v1::OUTCOME_RETURNED;
  Sums& sums = outs_[static_cast<size_t>(receiver)]
                   .counts[{delta.day(), delta.outcome(), returned ? delta.division() : ""}];
  sums.rows += sign * delta.rows();
  sums.conflicts += sign * delta.conflicts();
  sums.masked += sign * delta.masked_at_source();
}

void JudgedBatch::Trace(int receiver, const huiliu::v1::QuarantinedRow& row) {
  auto& traces = outs_[static_cast<size_t>(receiver)].traces;
  if (traces.size() < static_cast<size_t>(kMaxTracedRows)) traces.push_back(TraceOf(row));
}

void JudgedBatch::Name(const rules::Decision& decision) {
  for (size_t r = 0; r < decision.overrides.size() && r < outs_.size(); ++r) {
    if (!decision.overrides[r].empty()) outs_[r].overrides.insert(decision.overrides[r]);
  }
}

void JudgedBatch::NameWithdrawn(absl::string_view ids) {
  for (absl::string_view id : absl::StrSplit(ids, ',', absl::SkipEmpty())) {
    for (Out& out : outs_) out.overrides.insert(std::string(id));
  }
}

std::vector<huiliu::v1::LineageEntry> JudgedBatch::EntriesOf(size_t receiver, const Out& out,
                                                             absl::Time now) const {
  const int index = static_cast<int>(receiver);
  lineage::Decided decided;
  decided.source = engine_.source.id();
  decided.system = engine_.source.system();
  decided.dataset = engine_.source.dataset();
  decided.dataset_version = engine_.contract->version();
  decided.receiver = engine_.source.receivers(index);
  decided.epoch = origin_.epoch;
  decided.sequence = origin_.sequence;
  decided.records = out.records.count();
  if (decided.records > 0) decided.records_root = ToString(MerkleRootOf(out.leaves));
  decided.rule_set = engine_.rule_sets[receiver];
  lineage::LogRange range;
  range.topic = ReturnedTopic(decided.receiver, decided.dataset);
  range.partition = origin_.partition.value();
  huiliu::v1::LineageEntry first = lineage::ReturnEntry(decided, range, now);
  first.set_step(origin_.step);
  first.set_actor(origin_.actor);
  first.set_organisation(origin_.organisation);
  if (origin_.reevaluation) first.set_reevaluation(engine_.rule_labels[receiver]);
  lineage::NameOverrides(out.overrides, &first);
  huiliu::v1::LineageEntry more = first;
  more.clear_records();
  more.clear_records_root();
  std::vector<huiliu::v1::LineageEntry> entries = {std::move(first)};
  for (const huiliu::v1::QuarantineTrace& trace : out.traces) *entries[0].add_quarantined() = trace;
  for (const auto& [key, sums] : out.counts) {
    if (sums.rows == 0 && sums.conflicts == 0 && sums.masked == 0) continue;
    if (entries.back().counts_size() >= kMaxCountsOfEntry) entries.push_back(more);
    huiliu::v1::CountDelta* delta = entries.back().add_counts();
    delta->set_day(std::get<0>(key));
    delta->set_receiver(decided.receiver);
    delta->set_outcome(static_cast<huiliu::v1::Outcome>(std::get<1>(key)));
    delta->set_division(std::get<2>(key));
    delta->set_rows(sums.rows);
    delta->set_conflicts(sums.conflicts);
    delta->set_masked_at_source(sums.masked);
  }
  return entries;
}

void JudgedBatch::Finish(absl::Time now, std::set<std::string>* written, Transaction* transaction) {
  RecordBatchBuilder lineage;
  for (size_t receiver = 0; receiver < outs_.size(); ++receiver) {
    Out& out = outs_[receiver];
    for (huiliu::v1::LineageEntry& entry : EntriesOf(receiver, out, now)) {
      if (entry.records() == 0 && entry.counts_size() == 0) continue;
      std::string bytes = entry.SerializeAsString();
      while (!written->insert(ToString(Sha256(bytes))).second) {
        entry.set_time_us(entry.time_us() + 1);
        bytes = entry.SerializeAsString();
      }
      lineage.Add("", "", bytes);
    }
    const int32_t records = out.records.count();
    if (records == 0) continue;
    const std::string& id = engine_.source.receivers(static_cast<int>(receiver));
    transaction->appends.push_back(
        {{ReturnedTopic(id, engine_.source.dataset()), origin_.partition},
         out.records.Finish(),
         records});
  }
  if (lineage.count() == 0) return;
  const int32_t count = lineage.count();
  transaction->appends.push_back({{kLineageTopic, Partition(0)}, lineage.Finish(), count});
}

}  // namespace huiliu::pipeline
