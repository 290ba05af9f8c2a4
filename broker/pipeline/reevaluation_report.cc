#include "broker/pipeline/reevaluation_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/reevaluation.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/rules/impact.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::pipeline {

std::vector<std::string> ReevaluationReport::PlacesOf(const huiliu::v1::RuleSet& version) const {
  std::vector<std::string> places;
  if (NodeReceivers(state_, version.dataset()).contains(version.receiver())) {
    for (int32_t p = 0; p < partitions_; ++p) places.push_back(absl::StrCat("node/", p));
    places.push_back(kRestOfNode);
  }
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (source.dataset() == version.dataset() && source.placement() == huiliu::v1::PLACEMENT_EDGE &&
        source.receivers(0) == version.receiver()) {
      places.push_back(absl::StrCat("source/", source.id()));
    }
  }
  return places;
}

absl::Status ReevaluationReport::AddTo(huiliu::v1::RuleSet* version, bool with_parts) const {
  if (!version->reevaluate_history()) return absl::OkStatus();
  const bool superseded = version->state() == huiliu::v1::RULE_SET_STATE_SUPERSEDED;
  if (!superseded && version->state() != huiliu::v1::RULE_SET_STATE_IN_FORCE &&
      version->state() != huiliu::v1::RULE_SET_STATE_EXPIRED) {
    return absl::OkStatus();
  }
  huiliu::v1::Reevaluation& told = *version->mutable_reevaluation();
  told.set_done(true);
  int64_t started = 0, ended = 0;
  for (const std::string& place : PlacesOf(*version)) {
    huiliu::v1::ReevaluationMark mark;
    ASSIGN_OR_RETURN(const std::optional<std::string> stored,
                     backbone_.Position(ReevaluationPosition(
                         version->dataset(), version->receiver(), version->version(), place)));
    if (stored.has_value() && !mark.ParseFromString(*stored))
      return absl::DataLossError(absl::StrCat("the progress at ", place, " cannot be read"));
    if (mark.started_us() != 0)
      started = started == 0 ? mark.started_us() : std::min(started, mark.started_us());
    ended = std::max(ended, mark.ended_us());
    told.set_done(told.done() && mark.done());
    told.set_to_read(told.to_read() + std::max<int64_t>(0, mark.end() - mark.first()));
    rules::AddCounts(mark.counts(), told.mutable_counts());
    if (!with_parts) continue;
    huiliu::v1::Reevaluation::Part* part = told.add_parts();
    part->set_place(place);
    part->set_done(mark.done());
    *part->mutable_counts() = mark.counts();
  }
  told.set_abandoned(superseded && !told.done());
  if (started != 0) *told.mutable_started() = ToProto(absl::FromUnixMicros(started));
  if (told.done() && ended != 0) *told.mutable_ended() = ToProto(absl::FromUnixMicros(ended));
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
