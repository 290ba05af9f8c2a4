// What of the work is this node's where several nodes share a backbone.
#ifndef HUILIU_BROKER_PIPELINE_FENCE_H_
#define HUILIU_BROKER_PIPELINE_FENCE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/backbone/backbone.h"

namespace huiliu::pipeline {

// Thread-safe. Work is divided into lanes, each held by one node at a time. What a fence gives is
// put into the commit: the backbone refuses it where the lane has gone to another node meanwhile.
// UNAVAILABLE where another node holds the lane.
class Fence {
 public:
  virtual ~Fence() = default;
  // Of the lane that a source, or a dataset to be judged, belongs to.
  virtual absl::StatusOr<std::vector<ConsumedOffset>> Of(absl::string_view key) const = 0;
  // Of governance: one node takes commands.
  virtual absl::StatusOr<std::vector<ConsumedOffset>> OfGovernance() const = 0;
};

// One node: everything is its own.
class NoFence : public Fence {
 public:
  absl::StatusOr<std::vector<ConsumedOffset>> Of(absl::string_view) const override {
    return std::vector<ConsumedOffset>();
  }
  absl::StatusOr<std::vector<ConsumedOffset>> OfGovernance() const override {
    return std::vector<ConsumedOffset>();
  }
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FENCE_H_
