#include "broker/pipeline/intake_checks.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/pipeline/envelope_bytes.h"
#include "core/schema/record_check.h"

namespace huiliu::pipeline {

using absl::StrCat;
using huiliu::v1::Batch;

std::string NameOf(const Batch& batch) {
  return StrCat("batch ", batch.source(), "/", batch.epoch(), "/", batch.sequence());
}

absl::Status Refuse(const Batch& batch, absl::string_view why) {
  return absl::InvalidArgumentError(StrCat(NameOf(batch), ": ", why));
}

absl::Status CheckRecord(const huiliu::v1::Source& source, const Batch& batch, int i) {
  auto glance = GlanceAt(batch.envelopes(i));
  if (!glance.ok()) return Refuse(batch, StrCat("record ", i, ": ", glance.status().message()));
  if (glance->system != absl::string_view(source.system())) {
    return Refuse(batch,
                  StrCat("第 ", i, " 条记录的系统与数源登记的不同 / record ", i,
                         " names another system than source ", source.id(), " is registered for"));
  }
  const absl::string_view key = batch.keys(i);
  const size_t prefix = source.system().size();
  if (key.size() <= prefix + 1 || !absl::StartsWith(key, source.system()) || key[prefix] != '\0') {
    return Refuse(batch, StrCat("第 ", i, " 条记录的主键不以系统编号开头 / record ", i,
                                ": its key does not begin with the system's id"));
  }
  if (glance->epoch != batch.epoch() || glance->sequence != batch.sequence() ||
      glance->index != static_cast<uint64_t>(i)) {
    return Refuse(batch, StrCat("第 ", i, " 条记录的信封与其位置不符 / record ", i,
                                ": its envelope belongs to another place in the log"));
  }
  const bool may_be_left_out = source.placement() != huiliu::v1::PLACEMENT_NODE;
  if (glance->source != absl::string_view(source.id()) &&
      !(may_be_left_out && glance->source.empty())) {
    return Refuse(batch, StrCat("第 ", i, " 条记录的信封未写明数源 / record ", i,
                                ": its envelope does not name source ", source.id()));
  }
  const bool upsert = glance->operation == huiliu::v1::OPERATION_UPSERT;
  if (upsert == batch.payloads(i).empty()) {
    return Refuse(batch, StrCat("第 ", i, " 条记录：写入须有内容，删除不得有内容 / record ", i,
                                ": an upsert has a payload, a delete has none"));
  }
  return absl::OkStatus();
}

// A city may not come to hold other cities' people: the node does not take the agent's word for it.
absl::Status CheckArea(const huiliu::v1::Receiver& receiver, const Batch& batch, int i) {
  if (batch.payloads(i).empty()) return absl::OkStatus();
  auto glance = GlanceAt(batch.envelopes(i));
  for (const std::string& area : receiver.divisions()) {
    if (InArea(area, glance->division)) return absl::OkStatus();
  }
  return Refuse(batch,
                StrCat("第 ", i, " 条记录不在接收方 ", receiver.id(),
                       " 的辖区之内，请核对该数源的规则集与区划表 / record ", i,
                       " was attributed outside the area of receiver ", receiver.id(),
                       "; the source's rule set or divisions are not those of this receiver"));
}

absl::Status CheckPayload(const schema::Contract& contract, const Batch& batch, int i) {
  const absl::Status status = schema::CheckRecord(contract, batch.payloads(i));
  if (status.ok()) return status;
  return Refuse(batch, StrCat("record ", i, ": ", status.message()));
}

absl::Status CheckCounts(const huiliu::v1::Source& source, const Batch& batch) {
  for (const huiliu::v1::CountDelta& delta : batch.counts()) {
    if (delta.receiver() != source.receivers(0)) {
      return Refuse(batch,
                    StrCat("计数写明的接收方与数源登记的不同 / a count names receiver ",
                           delta.receiver(), ", the source returns to ", source.receivers(0)));
    }
    if (delta.outcome() == huiliu::v1::OUTCOME_UNSPECIFIED)
      return Refuse(batch, "计数没有判定结果 / a count without an outcome");
    if (!batch.redrive() &&
        (delta.rows() < 0 || delta.conflicts() < 0 || delta.masked_at_source() < 0)) {
      return Refuse(batch,
                    "只有重新判定的行可以有负计数 / negative counts are for redriven rows only");
    }
  }
  return absl::OkStatus();
}

// Their ids go into lineage, which holds nothing that somebody else made up.
absl::Status CheckOverrides(const governance::State& state, const huiliu::v1::Source& source,
                            const Batch& batch) {
  for (const std::string& id : batch.overrides()) {
    const auto known = state.FindOverride(id);
    if (!known.has_value() || known->dataset() != source.dataset() ||
        known->receiver() != source.receivers(0))
      return Refuse(
          batch,
          "引用了该接收方没有的人工认定 / it names an override that its receiver does not have");
  }
  return absl::OkStatus();
}

// What a node has yet to decide comes without anybody's judgement.
absl::Status CheckUnjudged(const Batch& batch) {
  if (batch.counts_size() == 0 && batch.rule_set().empty() && batch.rest_rows() == 0 &&
      batch.quarantine_notes_size() == 0 && batch.unchanged_rows() == 0 &&
      batch.overrides_size() == 0 && !batch.redrive() && !batch.has_reread()) {
    return absl::OkStatus();
  }
  return Refuse(
      batch,
      "该数源在节点判定，批次不得带计数、规则集、其余行数与说明，也不能是重新判定或重读 / the "
      "source is decided at the node: its batches carry no counts, rule set, rest or "
      "notes, and are no redrive or re-read");
}

}  // namespace huiliu::pipeline
