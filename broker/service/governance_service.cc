#include "broker/service/governance_service.h"

#include "absl/strings/str_cat.h"
#include "broker/service/paging.h"
#include "broker/service/tenancy.h"
#include "core/base/status.h"

namespace huiliu::service {

using governance::Principal;

absl::Status GovernanceService::PutGrant(const CallContext& context,
                                         const huiliu::v1::PutGrantRequest& request,
                                         huiliu::v1::PutGrantResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.grant().receiver()));
  if (const auto old = state_.FindGrant(request.grant().id());
      old.has_value() && !RequireReceiver(state_, caller, old->receiver()).ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat("授权编号 ", request.grant().id(), " 已被使用，请换一个 / grant id ",
                     request.grant().id(), " is taken; choose another"));
  }
  ASSIGN_OR_RETURN(*response->mutable_grant(), commands_.Put(caller, request));
  return absl::OkStatus();
}

absl::Status GovernanceService::RevokeGrant(const CallContext& context,
                                            const huiliu::v1::RevokeGrantRequest& request,
                                            huiliu::v1::RevokeGrantResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  // Whether another receiver has such a grant is none of the caller's business.
  if (const auto old = state_.FindGrant(request.id());
      old.has_value() && !RequireReceiver(state_, caller, old->receiver()).ok()) {
    return absl::NotFoundError(
        absl::StrCat("没有这项授权 / grant \"", request.id(), "\" does not exist"));
  }
  ASSIGN_OR_RETURN(*response->mutable_grant(), commands_.Revoke(caller, request));
  return absl::OkStatus();
}

absl::Status GovernanceService::ListGrants(const CallContext& context,
                                           const huiliu::v1::ListGrantsRequest& request,
                                           huiliu::v1::ListGrantsResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  const bool all = caller.Has(huiliu::v1::ROLE_SECURITY_ADMINISTRATOR) ||
                   caller.Has(huiliu::v1::ROLE_AUDIT_ADMINISTRATOR) ||
                   caller.Has(huiliu::v1::ROLE_DATA_OFFICER);
  // Others see their own organisation's; one that reads nothing has none to see.
  if (!all) {
    RETURN_IF_ERROR(
        RequireAnyRole(caller,
                       {huiliu::v1::ROLE_CONSUMER, huiliu::v1::ROLE_SECURITY_ADMINISTRATOR,
                        huiliu::v1::ROLE_AUDIT_ADMINISTRATOR, huiliu::v1::ROLE_DATA_OFFICER},
                       context.method));
  }
  std::vector<huiliu::v1::Grant> grants;
  for (huiliu::v1::Grant& grant : state_.Grants()) {
    if (grant.organisation() != caller.organisation &&
        (!all || !RequireReceiver(state_, caller, grant.receiver()).ok())) {
      continue;
    }
    if (!request.organisation().empty() && grant.organisation() != request.organisation()) continue;
    if (!request.dataset().empty() && grant.dataset() != request.dataset()) continue;
    if (grant.revoked() && !request.include_revoked()) continue;
    grants.push_back(std::move(grant));
  }
  return Page(
      grants, [](const huiliu::v1::Grant& g) { return g.id(); }, request.page_size(),
      request.page_token(), response->mutable_grants(), response->mutable_next_page_token());
}

absl::Status GovernanceService::WhoAmI(const CallContext& context, const huiliu::v1::WhoAmIRequest&,
                                       huiliu::v1::WhoAmIResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  response->set_account(caller.account);
  response->set_organisation(caller.organisation);
  for (huiliu::v1::Role role : caller.roles) response->add_roles(huiliu::v1::Role_Name(role));
  return absl::OkStatus();
}

absl::Status RulesService::ProposeRuleSet(const CallContext& context,
                                          const huiliu::v1::ProposeRuleSetRequest& request,
                                          huiliu::v1::ProposeRuleSetResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  if (BoundTo(state_, caller).has_value()) {
    ASSIGN_OR_RETURN(const rules::RuleSetHead head,
                     rules::ParseRuleSetHead(request.source_name(), request.yaml()));
    RETURN_IF_ERROR(RequireReceiver(state_, caller, head.receiver.value()));
  }
  ASSIGN_OR_RETURN(*response->mutable_rule_set(), commands_.Propose(caller, request));
  return absl::OkStatus();
}

absl::Status RulesService::DecideRuleSet(const CallContext& context,
                                         const huiliu::v1::DecideRuleSetRequest& request,
                                         huiliu::v1::DecideRuleSetResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.receiver()));
  ASSIGN_OR_RETURN(*response->mutable_rule_set(), commands_.Decide(caller, request));
  return absl::OkStatus();
}

absl::StatusOr<huiliu::v1::RuleSet> RulesService::Find(const std::string& dataset,
                                                       const std::string& receiver,
                                                       uint32_t version) const {
  for (huiliu::v1::RuleSet& kept : state_.RuleSets(clock_.Now())) {
    if (kept.dataset() != dataset || kept.receiver() != receiver) continue;
    if (version != 0 ? kept.version() != version
                     : kept.state() != huiliu::v1::RULE_SET_STATE_IN_FORCE &&
                           kept.state() != huiliu::v1::RULE_SET_STATE_EXPIRED) {
      continue;
    }
    return std::move(kept);
  }
  if (version != 0) {
    return absl::NotFoundError(absl::StrCat("规则没有这个版本 / no version ", version,
                                            " of the rules for dataset ", dataset, " to receiver ",
                                            receiver));
  }
  return absl::NotFoundError(absl::StrCat(
      "没有生效的规则集：由一名数据专员提出（huiliu rules propose），另一名批准 / no rule set in "
      "force returns dataset ",
      dataset, " to receiver ", receiver,
      "; one data officer proposes it with huiliu rules propose, another approves it"));
}

absl::Status RulesService::GetRuleSet(const CallContext& context,
                                      const huiliu::v1::GetRuleSetRequest& request,
                                      huiliu::v1::GetRuleSetResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.receiver()));
  ASSIGN_OR_RETURN(*response->mutable_rule_set(),
                   Find(request.dataset(), request.receiver(), request.version()));
  return absl::OkStatus();
}

absl::Status RulesService::GetRuleImpact(const CallContext& context,
                                         const huiliu::v1::GetRuleImpactRequest& request,
                                         huiliu::v1::GetRuleImpactResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.receiver()));
  ASSIGN_OR_RETURN(huiliu::v1::RuleSet version,
                   Find(request.dataset(), request.receiver(), request.version()));
  RETURN_IF_ERROR(report_.AddTo(&version, true));
  if (version.has_reevaluation())
    *response->mutable_reevaluation() = std::move(*version.mutable_reevaluation());
  version.clear_reevaluation();
  version.clear_yaml();
  *response->mutable_rule_set() = std::move(version);
  return absl::OkStatus();
}

absl::Status RulesService::ListRuleSets(const CallContext& context,
                                        const huiliu::v1::ListRuleSetsRequest& request,
                                        huiliu::v1::ListRuleSetsResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  for (huiliu::v1::RuleSet& kept : state_.RuleSets(clock_.Now())) {
    if (!RequireReceiver(state_, caller, kept.receiver()).ok()) continue;
    if (!request.dataset().empty() && kept.dataset() != request.dataset()) continue;
    if (!request.receiver().empty() && kept.receiver() != request.receiver()) continue;
    RETURN_IF_ERROR(report_.AddTo(&kept, false));
    *response->add_rule_sets() = std::move(kept);
  }
  return absl::OkStatus();
}

absl::Status RulesService::CheckRuleSet(const CallContext& context,
                                        const huiliu::v1::CheckRuleSetRequest& request,
                                        huiliu::v1::CheckRuleSetResponse* response) {
  RETURN_IF_ERROR(RequireCaller(context).status());
  ASSIGN_OR_RETURN(const rules::RuleSetHead head,
                   rules::ParseRuleSetHead(request.source_name(), request.yaml()));
  const auto contract = state_.FindContract(head.dataset.value());
  if (contract == nullptr) {
    return absl::NotFoundError(absl::StrCat(request.source_name(), ": 数据集未登记 / dataset \"",
                                            head.dataset.value(), "\" is not registered"));
  }
  std::vector<huiliu::v1::RuleError> errors;
  const auto parsed = rules::ParseRuleSet(request.source_name(), request.yaml(), *contract, &errors,
                                          state_.divisions());
  for (huiliu::v1::RuleError& error : errors) *response->add_errors() = std::move(error);
  if (parsed.ok()) {
    for (const huiliu::v1::RuleError& notice : (*parsed)->notices)
      *response->add_notices() = notice;
  }
  return parsed.ok() || response->errors_size() > 0 ? absl::OkStatus() : parsed.status();
}

}  // namespace huiliu::service
