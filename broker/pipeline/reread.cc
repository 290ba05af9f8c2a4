#include "broker/pipeline/reread.h"

#include "absl/strings/str_cat.h"
#include "core/rules/impact.h"

namespace huiliu::pipeline {

std::string InWords(const huiliu::v1::ReevaluationCounts& counts) {
  return absl::StrCat("history re-evaluated: out of reach ", counts.out_of_reach());
}

void TakeReread(const huiliu::v1::Reread& told, huiliu::v1::SourcePosition* position) {
  const bool begun = position->has_reread() && position->reread().version() == told.version() &&
                     !position->reread().done();
  if (!begun) {
    position->clear_reread();
    position->set_reread_started_us(position->time_us());
  }
  huiliu::v1::Reread* sum = position->mutable_reread();
  sum->set_version(told.version());
  sum->set_position(told.position());
  sum->set_done(told.done());
  rules::AddCounts(told.counts(), sum->mutable_counts());
}

huiliu::v1::ReevaluationMark MarkOf(const huiliu::v1::SourcePosition& position) {
  huiliu::v1::ReevaluationMark mark;
  mark.set_done(position.reread().done());
  mark.set_started_us(position.reread_started_us());
  if (mark.done()) mark.set_ended_us(position.time_us());
  *mark.mutable_counts() = position.reread().counts();
  return mark;
}

}  // namespace huiliu::pipeline
