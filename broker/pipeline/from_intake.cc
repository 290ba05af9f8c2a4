#include "broker/pipeline/from_intake.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/pipeline/envelope_bytes.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"
#include "core/schema/record_check.h"

namespace huiliu::pipeline {

FromIntake::Known FromIntake::Look(const std::string& source) const {
  const auto found = state_.FindSource(source);
  if (!found.has_value() || found->placement() != huiliu::v1::PLACEMENT_NODE) return {};
  return {found->system(), found->dataset(), state_.FindContract(found->dataset())};
}

const FromIntake::Known& FromIntake::Find(const std::string& source) {
  const auto [it, fresh] = known_.try_emplace(source);
  if (!fresh) return it->second;
  it->second = Look(source);
  if (it->second.contract != nullptr || control_ == nullptr) return it->second;
  // Whoever took rows of it had its registration, which is in the topic then.
  if (!caught_up_ && behind_.ok()) {
    behind_ = control_->CatchUp();
    caught_up_ = behind_.ok();
  }
  it->second = Look(source);
  return it->second;
}

std::string FromIntake::WhyNot(absl::string_view dataset, const RecordView& record) {
  if (record.header.empty()) return "no envelope";
  const absl::StatusOr<EnvelopeGlance> glance = GlanceAt(record.header);
  if (!glance.ok()) return "its envelope cannot be read";
  const Known& source = Find(std::string(glance->source));
  if (source.contract == nullptr) return "its envelope names no source that is decided at the node";
  if (absl::string_view(source.dataset) != dataset) return "its source is another dataset's";
  const absl::string_view system = source.system;
  if (glance->system != system || record.key.size() <= system.size() + 1 ||
      !absl::StartsWith(record.key, system) || record.key[system.size()] != '\0')
    return "its key or envelope has another system than its source";
  if (record.tombstone || schema::CheckRecord(*source.contract, record.value).ok()) return "";
  return absl::StrCat("its value is no message of dataset ", dataset);
}

absl::Status FromIntake::Sift(SetAside* set_aside, std::vector<StoredBatch>* batches) {
  for (StoredBatch& batch : *batches) {
    const absl::string_view dataset = DatasetOfSource(batch.from.topic);
    ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
    bool all = true;
    view.ForEach(
        [&](int, const RecordView& record) { all = all && WhyNot(dataset, record).empty(); });
    // Only where it is sure is anything counted.
    RETURN_IF_ERROR(behind_);
    if (all) continue;
    const auto why_not = [&](const RecordView& record) { return WhyNot(dataset, record); };
    RETURN_IF_ERROR(pipeline::Sift(why_not, set_aside, &batch));
    RETURN_IF_ERROR(behind_);
  }
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
