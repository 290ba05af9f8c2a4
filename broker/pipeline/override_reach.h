// How many records a proposed territory override (认领决定) would claim, for whoever approves it.
#ifndef HUILIU_BROKER_PIPELINE_OVERRIDE_REACH_H_
#define HUILIU_BROKER_PIPELINE_OVERRIDE_REACH_H_

#include <memory>

#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "core/base/clock.h"
#include "core/territory/territory.h"
#include "huiliu/v1/overrides.pb.h"

namespace huiliu::pipeline {

// Thread-safe. Reads the log of the dataset from its end, without a group; keeps nothing.
class OverrideReach {
 public:
  static constexpr int64_t kMaxRecords = 200'000;               // log records looked at
  static constexpr absl::Duration kMaxTime = absl::Seconds(5);  // then it says that there are more
  static constexpr int64_t kBlock = 16'384;                     // read at once

  struct Parts {
    const governance::State& state;
    Backbone& backbone;
    std::shared_ptr<const territory::Divisions> divisions;
    Clock& clock;
  };
  explicit OverrideReach(Parts parts) : parts_(std::move(parts)) {}

  // Counts what the node has of its own sources of the dataset for the receiver, each record by
  // what the log has last of it. Never fails: what cannot be read is not counted, and `partial`
  // says so.
  huiliu::v1::OverrideReach Count(const huiliu::v1::TerritoryOverride& given) const;

 private:
  const Parts parts_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_OVERRIDE_REACH_H_
