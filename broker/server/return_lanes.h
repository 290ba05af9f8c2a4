// The return engines of this node (placement NODE): one on the only node; of a cluster's node one
// for each lane that it holds and that has something to judge.
#ifndef HUILIU_BROKER_SERVER_RETURN_LANES_H_
#define HUILIU_BROKER_SERVER_RETURN_LANES_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/cluster/cluster.h"
#include "broker/pipeline/prepared_rules.h"
#include "broker/pipeline/return_worker.h"
#include "broker/server/config.h"

namespace huiliu::server {

// Thread-safe.
class ReturnLanes {
 public:
  struct Parts {
    const Config& config;
    const governance::State& state;
    Backbone& backbone;
    BackboneWriter& writer;
    Clock& clock;
    std::shared_ptr<const territory::Divisions> divisions;
    pipeline::NodeEngines::PseudonymKey pseudonym_key;
    pipeline::WorkerErrors errors;
    pipeline::SetAside* set_aside = nullptr;  // null: nobody else writes to the topics
    pipeline::ControlLog* control = nullptr;  // null: there is no other node
  };
  // `cluster`: null on the only node.
  ReturnLanes(Parts parts, const cluster::Cluster* cluster)
      : parts_(std::move(parts)),
        cluster_(cluster),
        rules_(parts_.state, parts_.divisions, parts_.pseudonym_key, parts_.clock) {
    rules_.Start();
  }
  ~ReturnLanes() { Stop(); }

  // The datasets as governance has them, the lanes as they are held.
  absl::Status Reconcile();
  // Returns when nothing of these lanes is being judged; their datasets are another node's.
  void Release(const std::set<int32_t>& lanes);
  // Null where another node judges the dataset.
  std::shared_ptr<pipeline::ReturnWorker> For(const std::string& dataset) const;
  void Stop();

 private:
  static constexpr int32_t kOnly = -1;
  struct Lane {
    std::unique_ptr<DecisionStore> decisions;
    std::unique_ptr<QuarantineStore> kept;
    std::shared_ptr<pipeline::ReturnWorker> worker;
    std::set<std::string> datasets;
  };
  absl::Status Open(int32_t number, Lane* lane);
  bool JudgedHere(const std::string& dataset) const;

  const Parts parts_;
  const cluster::Cluster* const cluster_;
  pipeline::PreparedRules rules_;  // of all lanes
  mutable absl::Mutex mutex_;
  std::map<int32_t, Lane> lanes_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_RETURN_LANES_H_
