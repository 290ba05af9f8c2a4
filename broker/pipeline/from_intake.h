// Whether a record of source.* came from intake: asked before it is judged, for a record that names
// a source nobody registered would stop judging for every receiver.
#ifndef HUILIU_BROKER_PIPELINE_FROM_INTAKE_H_
#define HUILIU_BROKER_PIPELINE_FROM_INTAKE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/control_log.h"
#include "broker/pipeline/set_aside.h"

namespace huiliu::pipeline {

// Made for one round of batches, then dropped: what governance says is asked once a source. One
// thread.
class FromIntake {
 public:
  // `control` lets a node that is behind learn of a source which another node has taken rows of;
  // null: `state` is all that there is. Both outlive this.
  FromIntake(const governance::State& state, ControlLog* control)
      : state_(state), control_(control) {}

  // Takes out of the batches of source.* what is not from intake (Sift). UNAVAILABLE and whatever
  // else the backbone answers where it cannot be told yet: nothing is set aside then.
  absl::Status Sift(SetAside* set_aside, std::vector<StoredBatch>* batches);

 private:
  struct Known {
    std::string system;
    std::string dataset;
    std::shared_ptr<const schema::Contract> contract;  // null: no source that is decided here
  };
  const Known& Find(const std::string& source);
  Known Look(const std::string& source) const;
  std::string WhyNot(absl::string_view dataset, const RecordView& record);

  const governance::State& state_;
  ControlLog* const control_;
  std::map<std::string, Known> known_;
  absl::Status behind_;  // governance could not be read to its end
  bool caught_up_ = false;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_FROM_INTAKE_H_
