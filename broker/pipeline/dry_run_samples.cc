#include "broker/pipeline/dry_run_samples.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::DryRunSample;

constexpr char kNoGrant[] =
    "未指明授权（--purpose），不显示字段 / no grant was named (--purpose), so no fields are shown";
constexpr char kHidden[] =
    "授权的行过滤不含此记录，或无法脱敏 / the grant's filter hides this record, or it cannot be "
    "masked";
constexpr char kNotReturned[] =
    "现行规则不回流此记录；草案会回流的内容，只有提交人以外的人对已提交的版本才能看到 / not "
    "returned by the rules in force; what the draft would return is shown for a proposed version "
    "to another person than its author";

// What the grant shows of a payload; nullopt: nothing.
std::optional<std::string> Shown(const rules::DryRunExample& example, absl::string_view payload,
                                 const access::AccessPlan& plan) {
  huiliu::v1::Envelope envelope;
  envelope.set_system(example.system);
  envelope.set_division(example.division);
  envelope.set_conflict(example.conflict);
  envelope.set_source_time_us(example.source_time_us);
  std::string shown;
  const auto allowed = plan.Apply(payload, envelope.SerializeAsString(), &shown);
  if (!allowed.ok() || !*allowed) return std::nullopt;
  return shown;
}

std::string TextOf(const schema::Contract& contract, const schema::Field& field,
                   const std::optional<std::string>& record) {
  if (!record.has_value()) return "";
  auto text = schema::FieldToText(contract, field, *record);
  return text.ok() ? *std::move(text) : "";
}

}  // namespace

void AddValues(const rules::DryRunExample& example, const schema::Contract& contract,
               const SampleViewer& viewer, DryRunSample* sample) {
  if (viewer.plan == nullptr) return sample->set_why_no_values(kNoGrant);
  const bool was = example.active_outcome == huiliu::v1::OUTCOME_RETURNED;
  const bool is = viewer.sees_draft && example.draft_outcome == huiliu::v1::OUTCOME_RETURNED;
  if (!was && !is) return sample->set_why_no_values(kNotReturned);
  const auto active = was ? Shown(example, example.active_payload, *viewer.plan) : std::nullopt;
  const auto draft = is ? Shown(example, example.draft_payload, *viewer.plan) : std::nullopt;
  if (!active.has_value() && !draft.has_value()) return sample->set_why_no_values(kHidden);
  for (const schema::Field* field : viewer.plan->visible_fields()) {
    DryRunSample::Value value;
    value.set_field(field->name);
    value.set_shown(viewer.plan->visibility(*field) == access::Visibility::kClear
                        ? DryRunSample::SHOWN_CLEAR
                        : DryRunSample::SHOWN_MASKED);
    value.set_active(TextOf(contract, *field, active));
    value.set_draft(TextOf(contract, *field, draft));
    value.set_draft_withheld(example.draft_outcome == huiliu::v1::OUTCOME_RETURNED &&
                             !draft.has_value());
    if (value.active().empty() && value.draft().empty()) continue;
    *sample->add_values() = std::move(value);
  }
}

void FoldElsewhere(const huiliu::v1::Receiver& receiver, const territory::Divisions& divisions,
                   huiliu::v1::DryRunReport* report) {
  const auto own = [&](const std::string& code) {
    return code.empty() ||
           std::any_of(receiver.divisions().begin(), receiver.divisions().end(),
                       [&](const std::string& area) { return divisions.Contains(area, code); });
  };
  google::protobuf::RepeatedPtrField<huiliu::v1::DryRunReport::Part> kept;
  std::map<huiliu::v1::DryRunCategory, int64_t> elsewhere;
  for (huiliu::v1::DryRunReport::Part& part : *report->mutable_divisions()) {
    if (own(part.name())) {
      *kept.Add() = std::move(part);
      continue;
    }
    for (const huiliu::v1::DryRunCount& count : part.counts())
      elsewhere[count.category()] += count.records();
  }
  if (!elsewhere.empty()) {
    huiliu::v1::DryRunReport::Part& folded = *kept.Add();
    folded.set_elsewhere(true);
    for (const auto& [category, records] : elsewhere) {
      huiliu::v1::DryRunCount* count = folded.add_counts();
      count->set_category(category);
      count->set_records(records);
    }
  }
  report->mutable_divisions()->Swap(&kept);
  for (huiliu::v1::DryRunSample& sample : *report->mutable_samples()) {
    if (!own(sample.division())) sample.clear_division();
  }
}

}  // namespace huiliu::pipeline
