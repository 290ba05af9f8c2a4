// The control topic as this node has taken it over: every node replays it, and follows it.
#ifndef HUILIU_BROKER_PIPELINE_CONTROL_LOG_H_
#define HUILIU_BROKER_PIPELINE_CONTROL_LOG_H_

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/set_aside.h"

namespace huiliu::pipeline {

// Thread-safe.
class ControlLog {
 public:
  using Record = huiliu::v1::ControlRecord;

  // `set_aside`: where messages of others in the topic are counted; may be null.
  ControlLog(governance::State& state, Backbone& backbone, SetAside* set_aside = nullptr)
      : state_(state), backbone_(backbone), set_aside_(set_aside) {}

  // Called for each change that was taken over after the first CatchUp, in the order of the topic.
  // Must not come back to this log.
  void OnChange(std::function<void(const Record&)> listener) { listener_ = std::move(listener); }

  // Takes over what the topic holds now. DATA_LOSS names the record of ours that cannot be
  // understood; what none of ours wrote is set aside.
  absl::Status CatchUp();
  // Takes over what comes within `timeout`.
  absl::Status Follow(absl::Duration timeout);
  // A record that this node has just made durable; nothing where it was read back already.
  absl::Status TakeOver(const Record& record);

 private:
  absl::Status Take(const StoredBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reading_);
  absl::Status ReadTo(Offset end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reading_);
  absl::Status Step(absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reading_);

  governance::State& state_;
  Backbone& backbone_;
  SetAside* const set_aside_;
  std::function<void(const Record&)> listener_;
  absl::Mutex reading_;
  std::unique_ptr<BackboneReader> reader_ ABSL_GUARDED_BY(reading_);
  Offset next_ ABSL_GUARDED_BY(reading_) = Offset(0);
  bool replayed_ ABSL_GUARDED_BY(reading_) = false;
  absl::Mutex applying_ ABSL_ACQUIRED_AFTER(reading_);
  bool announcing_ ABSL_GUARDED_BY(applying_) = false;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_CONTROL_LOG_H_
