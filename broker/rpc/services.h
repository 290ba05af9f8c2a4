// The gRPC services: one line a unary method, a reactor a stream.
#ifndef HUILIU_BROKER_RPC_SERVICES_H_
#define HUILIU_BROKER_RPC_SERVICES_H_

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <vector>

#include "broker/pipeline/intake.h"
#include "broker/rpc/caller.h"
#include "broker/service/audit_service.h"
#include "broker/service/catalog_service.h"
#include "broker/service/cluster_service.h"
#include "broker/service/governance_service.h"
#include "broker/service/intake_service.h"
#include "broker/service/override_service.h"
#include "broker/service/registry_service.h"
#include "broker/service/rule_trials_service.h"

namespace huiliu::rpc {

// What the services call.
struct Handlers {
  Gateway gateway;
  pipeline::Intake& intake;
  service::IntakeService& intake_service;
  service::RegistryService& registry;
  service::RulesService& rules;
  service::OverrideService& overrides;
  service::GovernanceService& governance;
  service::CatalogService& catalog;
  service::DeliveryService& delivery;
  service::AuditService& audit;
  service::ClusterService& cluster;
  service::RuleTrialsService& rule_trials;
};

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Handlers& handlers);
// Their full names, as health checks ask for them.
std::vector<std::string> ServiceNames();

}  // namespace huiliu::rpc

#endif  // HUILIU_BROKER_RPC_SERVICES_H_
