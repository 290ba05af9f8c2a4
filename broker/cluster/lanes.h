// The lanes (泳道) that this node holds: the work is divided among the nodes through a consumer
// group, and the backbone refuses commits of a lane by anyone but its holder.
#ifndef HUILIU_BROKER_CLUSTER_LANES_H_
#define HUILIU_BROKER_CLUSTER_LANES_H_

#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/pipeline/fence.h"
#include "broker/pipeline/worker_errors.h"

namespace huiliu::cluster {

// Legal calls: Start Stop; the others at any time. One thread of its own.
//
// A topic without records has a partition for each lane; who has the partition in the group holds
// the lane. A commit carries the partition's offset, so that the broker checks the member and its
// generation (KIP-447).
class Lanes : public pipeline::Fence {
 public:
  static constexpr char kTopic[] = "lanes";
  // Who holds this one is the leader: it takes governance commands and places the catalogs.
  static constexpr int32_t kLeading = 0;

  struct Hooks {
    // Before its former holder's commits are waited for: ends what a silent one left open.
    std::function<absl::Status(int32_t lane)> end_former = nullptr;
    // Before a lane counts as held; its former holder's commits have all ended. Again until OK.
    std::function<absl::Status(int32_t lane)> take;
    // The lanes are held no more; returns when no commit of them is under way.
    std::function<void(const std::set<int32_t>& lanes)> release;
    // After either.
    std::function<void()> changed;
  };

  Lanes(Backbone& backbone, int32_t count, pipeline::WorkerErrors errors)
      : backbone_(backbone), count_(count), errors_(std::move(errors)) {}
  ~Lanes() override { Stop(); }

  static TopicSpec Topic(int32_t count);
  void Start(Hooks hooks);
  // Leaves the group: others take over at once.
  void Stop();

  int32_t count() const { return count_; }
  int32_t LaneOf(absl::string_view key) const;
  bool Holds(int32_t lane) const;
  std::set<int32_t> Held() const;

  absl::StatusOr<std::vector<ConsumedOffset>> Of(absl::string_view key) const override;
  absl::StatusOr<std::vector<ConsumedOffset>> OfGovernance() const override;

 private:
  void Run();
  absl::Status Step();
  absl::Status TakeAssigned();
  void OnAssigned(absl::Span<const TopicPartition> partitions);
  void OnRevoked(absl::Span<const TopicPartition> partitions);
  void Release(std::set<int32_t> lanes);
  absl::StatusOr<std::vector<ConsumedOffset>> FenceOf(int32_t lane) const;

  Backbone& backbone_;
  const int32_t count_;
  const pipeline::WorkerErrors errors_;
  Hooks hooks_;
  std::unique_ptr<BackboneReader> reader_;  // own thread only
  std::set<int32_t> assigned_;              // own thread only
  absl::Duration looked_;                   // own thread only; after the topic, since boot
  mutable absl::Mutex mutex_;
  std::set<int32_t> held_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace huiliu::cluster

#endif  // HUILIU_BROKER_CLUSTER_LANES_H_
