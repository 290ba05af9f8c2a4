// The leaves of one batch, as its records stand in the log: a batch is split over its topic's
// partitions, and the root that its lineage entry states is over all of them.
// docs/formats/lineage.md, "Records".
#ifndef HUILIU_BROKER_PIPELINE_BATCH_LEAVES_H_
#define HUILIU_BROKER_PIPELINE_BATCH_LEAVES_H_

#include <cstdint>
#include <functional>
#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "core/base/digest.h"

namespace huiliu::pipeline {

// What a leaf is computed from. Views; valid during the call.
struct LeafParts {
  absl::string_view key;
  absl::string_view envelope;  // as it was signed
  Digest payload;              // SHA-256 of it
};

struct BatchLeaves {
  std::map<uint32_t, Digest> by_index;  // leaf hashes by place in the batch
  bool searched = true;  // false: `limit` ran out, what is missing may be there all the same
};

struct BatchSearch {
  TopicPartition from;  // of one of its records
  Offset offset{0};
  absl::string_view envelope;  // of that record, as it stands in the log
  absl::Duration limit = absl::Seconds(10);
  // Asked after each partition; true ends the search.
  std::function<bool(const std::map<uint32_t, Digest>& by_index)> complete;
  // Called with that record's parts.
  std::function<void(const LeafParts&)> found;
};

// Begins with the record's own partition, where as a rule the batch's records follow one another;
// of the others, and then of its own, it reads what was appended within a minute of it. Records
// that compaction or retention took are not among them. DATA_LOSS where the envelope or a batch
// cannot be read.
absl::StatusOr<BatchLeaves> FindBatchLeaves(Backbone& backbone, const BatchSearch& search);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_BATCH_LEAVES_H_
