// Cluster: what an operator sees of several nodes.
#ifndef HUILIU_BROKER_SERVICE_CLUSTER_SERVICE_H_
#define HUILIU_BROKER_SERVICE_CLUSTER_SERVICE_H_

#include "broker/cluster/cluster.h"
#include "broker/service/call_context.h"
#include "huiliu/v1/cluster.pb.h"

namespace huiliu::service {

// Thread-safe.
class ClusterService {
 public:
  // `cluster`: null where this is the only node.
  ClusterService(const governance::State& state, const cluster::Cluster* cluster)
      : state_(state), cluster_(cluster) {}

  // FAILED_PRECONDITION on a node that is no member of a cluster.
  absl::Status GetStatus(const CallContext& context,
                         const huiliu::v1::GetClusterStatusRequest& request,
                         huiliu::v1::GetClusterStatusResponse* response);

 private:
  const governance::State& state_;
  const cluster::Cluster* const cluster_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_CLUSTER_SERVICE_H_
