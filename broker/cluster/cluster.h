// This node among the nodes that share a backbone: which lanes and catalogs are its own, who has
// the others, how long it may answer.
#ifndef HUILIU_BROKER_CLUSTER_CLUSTER_H_
#define HUILIU_BROKER_CLUSTER_CLUSTER_H_

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "broker/cluster/lanes.h"
#include "broker/cluster/members.h"
#include "broker/governance/state.h"
#include "broker/pipeline/control_log.h"
#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/lease.h"
#include "broker/pipeline/topics.h"
#include "huiliu/v1/cluster.pb.h"

namespace huiliu::cluster {

struct ClusterOptions {
  std::string name;         // of the cluster
  std::string node;         // of this node, unlike any other's
  std::string version;      // of the program
  std::string keys_digest;  // of the keys that all nodes share
  int32_t lanes = 16;
  int standbys = 1;                              // of each catalog, besides its owner
  absl::Duration lease = absl::Seconds(3);       // how long a node answers without having looked
  absl::Duration dead_after = absl::Seconds(6);  // of silence
  pipeline::TopicSettings topics;
};

// Where a call is to be answered.
struct Peer {
  std::string node;
  std::string address;
};

// Legal calls: Open, Start, then the others from any thread, Stop.
class Cluster {
 public:
  struct Parts {
    governance::State& state;
    Backbone& backbone;
    BackboneWriter& writer;
    pipeline::ControlLog& log;
    pipeline::WorkerErrors errors;
  };
  struct Hooks {
    // The lane's former holder has ended: what this node keeps of the lane begins here.
    std::function<absl::Status(int32_t lane)> take;
    // Returns when nothing of these lanes is being committed.
    std::function<void(const std::set<int32_t>& lanes)> release;
    // The catalogs that this node holds now.
    std::function<std::vector<huiliu::v1::MemberRecord::Catalog>()> catalogs;
    // Governance, and with it maybe the map, has changed. Must not wait.
    std::function<void()> changed;
  };

  // A position: stands where a cluster has ever been at home.
  static constexpr char kKeysPosition[] = "cluster/keys";

  Cluster(ClusterOptions options, Parts parts);
  ~Cluster() { Stop(); }

  // Topics and keys. FAILED_PRECONDITION: the keys are not the cluster's.
  absl::Status Open();
  // Joins: lanes, lease and placement begin. `grpc_address`: where the others reach this node.
  absl::Status Start(const std::string& grpc_address, pipeline::GovernanceCommands& commands,
                     Hooks hooks);
  // Leaves; the others take over without waiting for silence.
  void Stop();

  const pipeline::Fence& fence() const { return lanes_; }
  const pipeline::Lease& lease() const { return lease_; }
  const ClusterOptions& options() const { return options_; }
  int32_t LaneOf(absl::string_view key) const { return lanes_.LaneOf(key); }
  bool Leads() const { return lanes_.Holds(Lanes::kLeading); }
  // What this node says of itself has changed.
  void Say() { members_.Say(); }
  // After a command: returns when no node answers from before it.
  void AwaitSeen(uint64_t version) { members_.AwaitSeen(version, options_.lease + kDrift); }

  // nullopt: here. UNAVAILABLE: nobody has it at this moment.
  absl::StatusOr<std::optional<Peer>> Leader() const;
  absl::StatusOr<std::optional<Peer>> HolderOf(absl::string_view key) const;
  absl::StatusOr<std::optional<Peer>> OwnerOf(const std::string& receiver) const;

  // Without brokers the lags are missing, see lag_unknown; the rest is known here. At most a second
  // old: the brokers are asked several times for each partition, however many ask.
  huiliu::v1::GetClusterStatusResponse Status() const;

 private:
  // By how much clocks of two machines may drift apart within a lease.
  static constexpr absl::Duration kDrift = absl::Milliseconds(100);

  huiliu::v1::MemberRecord Describe() const;
  absl::Status CheckKeys();
  absl::Status EndFormer(int32_t lane);
  void Follow();
  void Place();
  absl::Status PlaceOnce();
  absl::StatusOr<std::optional<Peer>> HolderOfLane(int32_t lane) const;
  bool AwaitStopping(absl::Duration timeout);
  huiliu::v1::GetClusterStatusResponse StatusNow() const;
  absl::Status FillLag(huiliu::v1::GetClusterStatusResponse* response) const;

  const ClusterOptions options_;
  const Parts parts_;
  const std::string incarnation_;
  std::string grpc_address_;
  pipeline::GovernanceCommands* commands_ = nullptr;
  Hooks hooks_;
  pipeline::Lease lease_;
  std::set<std::string> ended_;  // incarnations; the thread of lanes_ only
  Lanes lanes_;
  Members members_;
  mutable absl::Mutex telling_;
  mutable huiliu::v1::GetClusterStatusResponse told_ ABSL_GUARDED_BY(telling_);
  mutable std::optional<absl::Duration> told_at_ ABSL_GUARDED_BY(telling_);  // since boot
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread follower_;
  std::thread placer_;
};

}  // namespace huiliu::cluster

#endif  // HUILIU_BROKER_CLUSTER_CLUSTER_H_
