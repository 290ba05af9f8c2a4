#include "broker/server/methods.h"

namespace huiliu::server {

void FillMethodTable(const rpc::Handlers& handlers, service::MethodTable* methods) {
  using namespace service;  // NOLINT: one line a method
  const auto add = [methods](const char* service, auto& target, const char* method, auto handler) {
    methods->AddUnary(service, target, method, handler);
  };
  constexpr const char* kIntake = "huiliu.v1.Intake";
  add(kIntake, handlers.intake_service, "GetPosition", &IntakeService::GetPosition);
  add(kIntake, handlers.intake_service, "ListQuarantine", &IntakeService::ListQuarantine);
  add(kIntake, handlers.intake_service, "Redrive", &IntakeService::Redrive);
  constexpr const char* kRegistry = "huiliu.v1.Registry";
  add(kRegistry, handlers.registry, "PutOrganisation", &RegistryService::PutOrganisation);
  add(kRegistry, handlers.registry, "ListOrganisations", &RegistryService::ListOrganisations);
  add(kRegistry, handlers.registry, "PutAccount", &RegistryService::PutAccount);
  add(kRegistry, handlers.registry, "ListAccounts", &RegistryService::ListAccounts);
  add(kRegistry, handlers.registry, "PutReceiver", &RegistryService::PutReceiver);
  add(kRegistry, handlers.registry, "ListReceivers", &RegistryService::ListReceivers);
  add(kRegistry, handlers.registry, "PutSystem", &RegistryService::PutSystem);
  add(kRegistry, handlers.registry, "ListSystems", &RegistryService::ListSystems);
  add(kRegistry, handlers.registry, "PutSource", &RegistryService::PutSource);
  add(kRegistry, handlers.registry, "ListSources", &RegistryService::ListSources);
  add(kRegistry, handlers.registry, "PutDataset", &RegistryService::PutDataset);
  add(kRegistry, handlers.registry, "GetDataset", &RegistryService::GetDataset);
  add(kRegistry, handlers.registry, "ListDatasets", &RegistryService::ListDatasets);
  constexpr const char* kRules = "huiliu.v1.Rules";
  add(kRules, handlers.rules, "ProposeRuleSet", &RulesService::ProposeRuleSet);
  add(kRules, handlers.rules, "DecideRuleSet", &RulesService::DecideRuleSet);
  add(kRules, handlers.rules, "GetRuleSet", &RulesService::GetRuleSet);
  add(kRules, handlers.rules, "ListRuleSets", &RulesService::ListRuleSets);
  add(kRules, handlers.rules, "CheckRuleSet", &RulesService::CheckRuleSet);
  add(kRules, handlers.rules, "GetRuleImpact", &RulesService::GetRuleImpact);
  add(kRules, handlers.rule_trials, "RecordDryRun", &RuleTrialsService::RecordDryRun);
  add(kRules, handlers.rule_trials, "Explain", &RuleTrialsService::Explain);
  methods->AddStream(kRules, handlers.rule_trials, "DryRun",
                     huiliu::v1::DryRunResponse::default_instance(), &RuleTrialsService::DryRun);
  constexpr const char* kOverrides = "huiliu.v1.Overrides";
  add(kOverrides, handlers.overrides, "ProposeOverride", &OverrideService::ProposeOverride);
  add(kOverrides, handlers.overrides, "DecideOverride", &OverrideService::DecideOverride);
  add(kOverrides, handlers.overrides, "WithdrawOverride", &OverrideService::WithdrawOverride);
  add(kOverrides, handlers.overrides, "ListOverrides", &OverrideService::ListOverrides);
  add(kOverrides, handlers.overrides, "GetOverridesInForce", &OverrideService::GetOverridesInForce);
  constexpr const char* kGovernance = "huiliu.v1.Governance";
  add(kGovernance, handlers.governance, "PutGrant", &GovernanceService::PutGrant);
  add(kGovernance, handlers.governance, "RevokeGrant", &GovernanceService::RevokeGrant);
  add(kGovernance, handlers.governance, "ListGrants", &GovernanceService::ListGrants);
  add(kGovernance, handlers.governance, "WhoAmI", &GovernanceService::WhoAmI);
  constexpr const char* kCatalog = "huiliu.v1.Catalog";
  add(kCatalog, handlers.catalog, "Get", &CatalogService::GetAndWait);
  add(kCatalog, handlers.catalog, "MultiGet", &CatalogService::MultiGetAndWait);
  add(kCatalog, handlers.catalog, "Query", &CatalogService::QueryAndWait);
  add(kCatalog, handlers.catalog, "Stats", &CatalogService::Stats);
  add("huiliu.v1.Delivery", handlers.delivery, "CommitCursor", &DeliveryService::CommitCursor);
  methods->AddStream("huiliu.v1.Delivery", handlers.delivery, "Subscribe",
                     huiliu::v1::SubscribeResponse::default_instance(),
                     &DeliveryService::Subscribe);
  constexpr const char* kAudit = "huiliu.v1.Audit";
  add(kAudit, handlers.audit, "TraceRecord", &AuditService::TraceRecord);
  add(kAudit, handlers.audit, "GetCheckpoint", &AuditService::GetCheckpoint);
  add(kAudit, handlers.audit, "GetInclusionProof", &AuditService::GetInclusionProof);
  add(kAudit, handlers.audit, "GetConsistencyProof", &AuditService::GetConsistencyProof);
  add(kAudit, handlers.audit, "GetBalance", &AuditService::GetBalance);
  methods->AddStream(kAudit, handlers.audit, "ExportEntries",
                     huiliu::v1::ExportEntriesResponse::default_instance(),
                     &AuditService::ExportEntries);
  add("huiliu.v1.Cluster", handlers.cluster, "GetStatus", &ClusterService::GetStatus);
}

}  // namespace huiliu::server
