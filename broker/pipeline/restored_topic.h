// Notices that a returned.* topic was deleted, or made anew by others, and restores it.
#ifndef HUILIU_BROKER_PIPELINE_RESTORED_TOPIC_H_
#define HUILIU_BROKER_PIPELINE_RESTORED_TOPIC_H_

#include <functional>
#include <string>

#include "broker/catalog/catalog.h"
#include "broker/pipeline/returned_standing.h"
#include "broker/pipeline/set_aside.h"
#include "broker/pipeline/topics.h"

namespace huiliu::pipeline {

// One thread. The catalog keeps its rows whatever becomes of the topic. Its owner makes the topic
// again, publishes the rows into it and begins to read it anew; a standby waits for that and is
// then built anew: what it had and the owner had not is in no topic. A crash at any point is made
// up for by the next Check.
class RestoredTopic {
 public:
  struct Parts {
    const std::string& receiver;
    Catalog& catalog;
    Backbone& backbone;
    BackboneWriter* writer;  // null of a standby
    TopicSettings topics;
    std::function<void(const absl::Status&)> report;  // while it lasts; then OK
    SetAside& notes;                                  // what stays to be said
  };
  explicit RestoredTopic(Parts parts) : parts_(std::move(parts)) {}

  // Before the dataset's topic is read from where the catalog stands. On a standby UNAVAILABLE
  // while the owner restores it, NOT_FOUND while it has not begun to. Where the catalog has rows
  // and is of another generation than the answer, it is of a former topic: to be built anew.
  absl::StatusOr<ReturnedStanding> Check(const schema::Contract& contract);
  // While it is read: DATA_LOSS where the topic ends below what the catalog has of it. Then, and
  // where it is gone, Check makes up for it.
  static absl::Status CheckStill(const TopicPartition& tp, const PartitionBounds& bounds,
                                 Offset applied);

 private:
  struct Look {
    ReturnedStanding standing;
    bool gone = false;
    int64_t lost = 0;  // offsets that were applied once and are in the catalog no more
  };
  absl::StatusOr<Look> LookAt(const schema::Contract& contract, uint64_t generation);
  absl::StatusOr<PartitionBounds> BoundsOf(const TopicSpec& spec, const TopicPartition& tp);
  absl::StatusOr<ReturnedStanding> Restore(const schema::Contract& contract, Look look);
  void NoteLost(const std::string& topic, int64_t lost);

  const Parts parts_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_RESTORED_TOPIC_H_
