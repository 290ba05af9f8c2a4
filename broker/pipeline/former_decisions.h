// Decisions as they were kept while each source had its own, before those of a system and dataset
// became one: they are read where they stand, and give way when their record is decided next.
// docs/formats/decision.md, "At the node".
#ifndef HUILIU_BROKER_PIPELINE_FORMER_DECISIONS_H_
#define HUILIU_BROKER_PIPELINE_FORMER_DECISIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/pipeline/node_decisions.h"

namespace huiliu::pipeline {

// A former key: source, 0x00, record key. A source's id has no 0x00, and the keys of now begin with
// one.
bool IsFormerKey(absl::string_view key);
std::string FormerKey(absl::string_view source, absl::string_view record_key);

// The decision under a key of either kind, as it is kept now. DATA_LOSS where it is none.
absl::Status DecodeStoredDecision(absl::string_view key, absl::string_view value,
                                  NodeDecision* decision);

// Two sources' former decisions of one record become one: the newer version stands, rows of both
// were counted, and who held the record by either may hold it.
void MergeFormer(NodeDecision other, NodeDecision* decision);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FORMER_DECISIONS_H_
