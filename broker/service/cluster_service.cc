#include "broker/service/cluster_service.h"

#include "broker/service/tenancy.h"
#include "core/base/status.h"

namespace huiliu::service {

absl::Status ClusterService::GetStatus(const CallContext& context,
                                       const huiliu::v1::GetClusterStatusRequest&,
                                       huiliu::v1::GetClusterStatusResponse* response) {
  constexpr char kWhat[] = "Cluster.GetStatus";
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(
      caller,
      {huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR,
       huiliu::v1::ROLE_AUDIT_ADMINISTRATOR},
      kWhat));
  RETURN_IF_ERROR(RequireUnbound(state_, caller, kWhat));
  if (cluster_ == nullptr) {
    return absl::FailedPreconditionError(
        "本节点未加入集群（配置中没有 cluster 一节） / this node is no member of a cluster: its "
        "configuration has no section cluster");
  }
  *response = cluster_->Status();
  return absl::OkStatus();
}

}  // namespace huiliu::service
