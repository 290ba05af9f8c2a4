#include "broker/rpc/services.h"

#include "broker/rpc/publish_reactor.h"
#include "broker/rpc/stream_reactor.h"
#include "broker/rpc/unary.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.grpc.pb.h"
#include "huiliu/v1/catalog.grpc.pb.h"
#include "huiliu/v1/cluster.grpc.pb.h"
#include "huiliu/v1/delivery.grpc.pb.h"
#include "huiliu/v1/governance.grpc.pb.h"
#include "huiliu/v1/intake.grpc.pb.h"
#include "huiliu/v1/overrides.grpc.pb.h"
#include "huiliu/v1/registry.grpc.pb.h"
#include "huiliu/v1/rules.grpc.pb.h"

namespace huiliu::rpc {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

class RegistryRpc : public huiliu::v1::Registry::CallbackService {
 public:
  explicit RegistryRpc(const Handlers& h) : gateway_(h.gateway), service_(h.registry) {}
  HUILIU_UNARY(Registry, PutOrganisation)
  HUILIU_UNARY(Registry, ListOrganisations)
  HUILIU_UNARY(Registry, PutAccount)
  HUILIU_UNARY(Registry, ListAccounts)
  HUILIU_UNARY(Registry, PutReceiver)
  HUILIU_UNARY(Registry, ListReceivers)
  HUILIU_UNARY(Registry, PutSystem)
  HUILIU_UNARY(Registry, ListSystems)
  HUILIU_UNARY(Registry, PutSource)
  HUILIU_UNARY(Registry, ListSources)
  HUILIU_UNARY(Registry, PutDataset)
  HUILIU_UNARY(Registry, GetDataset)
  HUILIU_UNARY(Registry, ListDatasets)

 private:
  const Gateway gateway_;
  service::RegistryService& service_;
};

class RulesRpc : public huiliu::v1::Rules::CallbackService {
 public:
  explicit RulesRpc(const Handlers& h)
      : gateway_(h.gateway), service_(h.rules), trials_(h.rule_trials) {}
  HUILIU_UNARY(Rules, ProposeRuleSet)
  HUILIU_UNARY(Rules, DecideRuleSet)
  HUILIU_UNARY(Rules, GetRuleSet)
  HUILIU_UNARY(Rules, ListRuleSets)
  HUILIU_UNARY(Rules, CheckRuleSet)
  HUILIU_UNARY(Rules, GetRuleImpact)
  ServerUnaryReactor* RecordDryRun(CallbackServerContext* server_context,
                                   const huiliu::v1::RecordDryRunRequest* request,
                                   huiliu::v1::RecordDryRunResponse* response) override {
    return RunUnary(server_context, gateway_, "huiliu.v1.Rules/RecordDryRun", *request, response,
                    [&](const service::CallContext& context) {
                      return trials_.RecordDryRun(context, *request, response);
                    });
  }
  // It searches the log, which a thread of the library must not wait for.
  ServerUnaryReactor* Explain(CallbackServerContext* server_context,
                              const huiliu::v1::ExplainRequest* request,
                              huiliu::v1::ExplainResponse* response) override {
    ServerUnaryReactor* reactor = server_context->DefaultReactor();
    const auto context = ContextOf(*server_context, gateway_, "huiliu.v1.Rules/Explain");
    if (Elsewhere(gateway_, context, *request, response, reactor)) return reactor;
    std::thread([this, context, request, response, reactor] {
      reactor->Finish(ToGrpc(trials_.Explain(context, *request, response)));
    }).detach();
    return reactor;
  }
  grpc::ServerWriteReactor<huiliu::v1::DryRunResponse>* DryRun(
      CallbackServerContext* server_context, const huiliu::v1::DryRunRequest* request) override {
    return new StreamReactor<huiliu::v1::DryRunResponse>(
        ContextOf(*server_context, gateway_, "huiliu.v1.Rules/DryRun"),
        [this, asked = *request](const service::CallContext& context,
                                 const service::StreamSink& sink) -> absl::Status {
          if (gateway_.peering == nullptr) return trials_.DryRun(context, asked, sink);
          ASSIGN_OR_RETURN(const auto peer, gateway_.peering->Route(context, asked));
          if (!peer.has_value()) return trials_.DryRun(context, asked, sink);
          return gateway_.peering->StreamThere(
              *peer, context, asked, huiliu::v1::DryRunResponse::default_instance(), sink);
        });
  }

 private:
  const Gateway gateway_;
  service::RulesService& service_;
  service::RuleTrialsService& trials_;
};

class OverridesRpc : public huiliu::v1::Overrides::CallbackService {
 public:
  explicit OverridesRpc(const Handlers& h) : gateway_(h.gateway), service_(h.overrides) {}
  HUILIU_UNARY(Overrides, ProposeOverride)
  HUILIU_UNARY(Overrides, DecideOverride)
  HUILIU_UNARY(Overrides, WithdrawOverride)
  HUILIU_UNARY(Overrides, ListOverrides)
  HUILIU_UNARY(Overrides, GetOverridesInForce)

 private:
  const Gateway gateway_;
  service::OverrideService& service_;
};

class GovernanceRpc : public huiliu::v1::Governance::CallbackService {
 public:
  explicit GovernanceRpc(const Handlers& h) : gateway_(h.gateway), service_(h.governance) {}
  HUILIU_UNARY(Governance, PutGrant)
  HUILIU_UNARY(Governance, RevokeGrant)
  HUILIU_UNARY(Governance, ListGrants)
  HUILIU_UNARY(Governance, WhoAmI)

 private:
  const Gateway gateway_;
  service::GovernanceService& service_;
};

// Reads answer when their lineage entry is durable: the reactor is finished from the recorder's
// thread.
#define HUILIU_READ(Method)                                                                      \
  ServerUnaryReactor* Method(CallbackServerContext* server_context,                              \
                             const huiliu::v1::Method##Request* request,                         \
                             huiliu::v1::Method##Response* response) override {                  \
    ServerUnaryReactor* reactor = server_context->DefaultReactor();                              \
    const auto context = ContextOf(*server_context, gateway_, "huiliu.v1.Catalog/" #Method);     \
    if (Elsewhere(gateway_, context, *request, response, reactor)) return reactor;               \
    service_.Method(context, *request, response,                                                 \
                    [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); }); \
    return reactor;                                                                              \
  }

class CatalogRpc : public huiliu::v1::Catalog::CallbackService {
 public:
  explicit CatalogRpc(const Handlers& h) : gateway_(h.gateway), service_(h.catalog) {}
  HUILIU_READ(Get)
  HUILIU_READ(MultiGet)
  HUILIU_READ(Query)
  HUILIU_UNARY(Catalog, Stats)

 private:
  const Gateway gateway_;
  service::CatalogService& service_;
};

class DeliveryRpc : public huiliu::v1::Delivery::CallbackService {
 public:
  explicit DeliveryRpc(const Handlers& h) : gateway_(h.gateway), service_(h.delivery) {}
  HUILIU_UNARY(Delivery, CommitCursor)
  grpc::ServerWriteReactor<huiliu::v1::SubscribeResponse>* Subscribe(
      CallbackServerContext* server_context, const huiliu::v1::SubscribeRequest* request) override {
    return new StreamReactor<huiliu::v1::SubscribeResponse>(
        ContextOf(*server_context, gateway_, "huiliu.v1.Delivery/Subscribe"),
        [this, asked = *request](const service::CallContext& context,
                                 const service::StreamSink& sink) -> absl::Status {
          if (gateway_.peering == nullptr) return service_.Subscribe(context, asked, sink);
          ASSIGN_OR_RETURN(const auto peer, gateway_.peering->Route(context, asked));
          if (!peer.has_value()) return service_.Subscribe(context, asked, sink);
          return gateway_.peering->StreamThere(
              *peer, context, asked, huiliu::v1::SubscribeResponse::default_instance(), sink);
        });
  }

 private:
  const Gateway gateway_;
  service::DeliveryService& service_;
};

class AuditRpc : public huiliu::v1::Audit::CallbackService {
 public:
  explicit AuditRpc(const Handlers& h) : gateway_(h.gateway), service_(h.audit) {}
  HUILIU_UNARY(Audit, TraceRecord)
  HUILIU_UNARY(Audit, GetCheckpoint)
  HUILIU_UNARY(Audit, GetInclusionProof)
  HUILIU_UNARY(Audit, GetConsistencyProof)
  HUILIU_UNARY(Audit, GetBalance)
  grpc::ServerWriteReactor<huiliu::v1::ExportEntriesResponse>* ExportEntries(
      CallbackServerContext* server_context,
      const huiliu::v1::ExportEntriesRequest* request) override {
    return new StreamReactor<huiliu::v1::ExportEntriesResponse>(
        ContextOf(*server_context, gateway_, "huiliu.v1.Audit/ExportEntries"),
        [this, asked = *request](const service::CallContext& context,
                                 const service::StreamSink& sink) {
          return service_.ExportEntries(context, asked, sink);
        });
  }

 private:
  const Gateway gateway_;
  service::AuditService& service_;
};

class ClusterRpc : public huiliu::v1::Cluster::CallbackService {
 public:
  explicit ClusterRpc(const Handlers& h) : gateway_(h.gateway), service_(h.cluster) {}
  ServerUnaryReactor* GetStatus(CallbackServerContext* server_context,
                                const huiliu::v1::GetClusterStatusRequest* request,
                                huiliu::v1::GetClusterStatusResponse* response) override {
    return RunUnary(server_context, gateway_, "huiliu.v1.Cluster/GetStatus", *request, response,
                    [&](const service::CallContext& context) {
                      return service_.GetStatus(context, *request, response);
                    });
  }

 private:
  const Gateway gateway_;
  service::ClusterService& service_;
};

class IntakeRpc : public huiliu::v1::Intake::CallbackService {
 public:
  explicit IntakeRpc(const Handlers& h)
      : gateway_(h.gateway), intake_(h.intake), service_(h.intake_service) {}
  grpc::ServerBidiReactor<huiliu::v1::PublishRequest, huiliu::v1::PublishResponse>* Publish(
      CallbackServerContext* server_context) override {
    return new PublishReactor(intake_, gateway_.peering,
                              ContextOf(*server_context, gateway_, "huiliu.v1.Intake/Publish"));
  }
  HUILIU_UNARY(Intake, GetPosition)
  HUILIU_UNARY(Intake, ListQuarantine)
  HUILIU_UNARY(Intake, Redrive)

 private:
  const Gateway gateway_;
  pipeline::Intake& intake_;
  service::IntakeService& service_;
};

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Handlers& handlers) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<RegistryRpc>(handlers));
  services.push_back(std::make_unique<RulesRpc>(handlers));
  services.push_back(std::make_unique<OverridesRpc>(handlers));
  services.push_back(std::make_unique<GovernanceRpc>(handlers));
  services.push_back(std::make_unique<CatalogRpc>(handlers));
  services.push_back(std::make_unique<DeliveryRpc>(handlers));
  services.push_back(std::make_unique<AuditRpc>(handlers));
  services.push_back(std::make_unique<IntakeRpc>(handlers));
  services.push_back(std::make_unique<ClusterRpc>(handlers));
  return services;
}

std::vector<std::string> ServiceNames() {
  using namespace huiliu::v1;
  return {Registry::service_full_name(),   Rules::service_full_name(),
          Governance::service_full_name(), huiliu::v1::Catalog::service_full_name(),
          Delivery::service_full_name(),   Audit::service_full_name(),
          Intake::service_full_name(),     huiliu::v1::Cluster::service_full_name(),
          Overrides::service_full_name()};
}

}  // namespace huiliu::rpc
