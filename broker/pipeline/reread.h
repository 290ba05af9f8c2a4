// A re-evaluation of history at the edge, as the node hears of it: batch by batch.
#ifndef HUILIU_BROKER_PIPELINE_REREAD_H_
#define HUILIU_BROKER_PIPELINE_REREAD_H_

#include <string>

#include "huiliu/v1/control.pb.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::pipeline {

// What the log says of a part that is through.
std::string InWords(const huiliu::v1::ReevaluationCounts& counts);

// A source at the edge is read again: how far, and what came of it, is summed up beside its
// position; another version begins anew. MarkOf: the same as its part of that version.
void TakeReread(const huiliu::v1::Reread& told, huiliu::v1::SourcePosition* position);
huiliu::v1::ReevaluationMark MarkOf(const huiliu::v1::SourcePosition& position);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_REREAD_H_
