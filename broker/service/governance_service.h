// Governance and Rules: grants, their revocation, rule sets.
#ifndef HUILIU_BROKER_SERVICE_GOVERNANCE_SERVICE_H_
#define HUILIU_BROKER_SERVICE_GOVERNANCE_SERVICE_H_

#include "broker/pipeline/governance_commands.h"
#include "broker/pipeline/reevaluation_report.h"
#include "broker/service/call_context.h"
#include "core/base/clock.h"
#include "huiliu/v1/governance.pb.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::service {

// Thread-safe.
class GovernanceService {
 public:
  GovernanceService(const governance::State& state, pipeline::GovernanceCommands& commands)
      : state_(state), commands_(commands) {}

  absl::Status PutGrant(const CallContext& context, const huiliu::v1::PutGrantRequest& request,
                        huiliu::v1::PutGrantResponse* response);
  absl::Status RevokeGrant(const CallContext& context,
                           const huiliu::v1::RevokeGrantRequest& request,
                           huiliu::v1::RevokeGrantResponse* response);
  absl::Status ListGrants(const CallContext& context, const huiliu::v1::ListGrantsRequest& request,
                          huiliu::v1::ListGrantsResponse* response);
  absl::Status WhoAmI(const CallContext& context, const huiliu::v1::WhoAmIRequest& request,
                      huiliu::v1::WhoAmIResponse* response);

 private:
  const governance::State& state_;
  pipeline::GovernanceCommands& commands_;
};

// Thread-safe.
class RulesService {
 public:
  RulesService(const governance::State& state, pipeline::GovernanceCommands& commands, Clock& clock,
               pipeline::ReevaluationReport report)
      : state_(state), commands_(commands), clock_(clock), report_(report) {}

  absl::Status ProposeRuleSet(const CallContext& context,
                              const huiliu::v1::ProposeRuleSetRequest& request,
                              huiliu::v1::ProposeRuleSetResponse* response);
  absl::Status DecideRuleSet(const CallContext& context,
                             const huiliu::v1::DecideRuleSetRequest& request,
                             huiliu::v1::DecideRuleSetResponse* response);
  absl::Status GetRuleSet(const CallContext& context, const huiliu::v1::GetRuleSetRequest& request,
                          huiliu::v1::GetRuleSetResponse* response);
  absl::Status ListRuleSets(const CallContext& context,
                            const huiliu::v1::ListRuleSetsRequest& request,
                            huiliu::v1::ListRuleSetsResponse* response);
  absl::Status CheckRuleSet(const CallContext& context,
                            const huiliu::v1::CheckRuleSetRequest& request,
                            huiliu::v1::CheckRuleSetResponse* response);
  absl::Status GetRuleImpact(const CallContext& context,
                             const huiliu::v1::GetRuleImpactRequest& request,
                             huiliu::v1::GetRuleImpactResponse* response);

 private:
  // The version, or with 0 the one in force. NOT_FOUND.
  absl::StatusOr<huiliu::v1::RuleSet> Find(const std::string& dataset, const std::string& receiver,
                                           uint32_t version) const;

  const governance::State& state_;
  pipeline::GovernanceCommands& commands_;
  Clock& clock_;
  const pipeline::ReevaluationReport report_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_GOVERNANCE_SERVICE_H_
