#include "broker/service/rule_trials_service.h"

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "broker/service/tenancy.h"
#include "core/base/status.h"

namespace huiliu::service {
namespace {

using governance::Principal;
using huiliu::v1::DryRunReport;

}  // namespace

absl::Status RuleTrialsService::DryRun(const CallContext& context,
                                       const huiliu::v1::DryRunRequest& request,
                                       const StreamSink& sink) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_DATA_OFFICER}, context.method));
  // Whose rules are tried is asked before anything of them is said.
  std::string receiver = request.receiver();
  if (!request.yaml().empty()) {
    ASSIGN_OR_RETURN(const rules::RuleSetHead head,
                     rules::ParseRuleSetHead(request.source_name(), request.yaml()));
    receiver = head.receiver.value();
  }
  RETURN_IF_ERROR(RequireReceiver(state_, caller, receiver));
  ASSIGN_OR_RETURN(const pipeline::DryRuns::Draft draft, dry_runs_.FindDraft(request));
  huiliu::v1::DryRunResponse response;
  const auto progress = [&](int64_t read, int64_t total) {
    if (context.gone && context.gone()) return false;
    response.mutable_progress()->set_read(read);
    response.mutable_progress()->set_total(total);
    return sink(response);
  };
  const bool sees_outside = !BoundTo(state_, caller).has_value();
  ASSIGN_OR_RETURN(DryRunReport report,
                   dry_runs_.Run(caller, draft, request, progress, sees_outside));
  // Another area is no part of the version: what it came to would mislead its approver.
  if (draft.kept.has_value() && draft.kept->state() == huiliu::v1::RULE_SET_STATE_PROPOSED &&
      request.divisions_size() == 0) {
    const absl::Status recorded = commands_.RecordDryRun(caller, rules::RecordOf(report)).status();
    response.set_recorded(recorded.ok());
    if (!recorded.ok()) {
      absl::StrAppend(
          report.mutable_note(), report.note().empty() ? "" : "; ",
          "未能记在该版本上 / it could not be kept with the version: ", recorded.message());
    }
  }
  *response.mutable_report() = std::move(report);
  sink(response);
  return absl::OkStatus();
}

absl::Status RuleTrialsService::RecordDryRun(const CallContext& context,
                                             const huiliu::v1::RecordDryRunRequest& request,
                                             huiliu::v1::RecordDryRunResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_AGENT, huiliu::v1::ROLE_DATA_OFFICER},
                                 context.method));
  const auto source = state_.FindSource(request.summary().source());
  if (!source.has_value() || source->organisation() != caller.organisation) {
    // Whether another department's source exists is none of the caller's business.
    return absl::PermissionDeniedError(absl::StrCat(
        "数据源 ", request.summary().source(), " 不属于 ", caller.organisation, " / source ",
        request.summary().source(), " does not belong to ", caller.organisation));
  }
  if (source->dataset() != request.dataset() ||
      std::find(source->receivers().begin(), source->receivers().end(), request.receiver()) ==
          source->receivers().end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("数据源 ", source->id(), " 不向该接收方回流该数据集 / source ", source->id(),
                     " does not return this dataset to this receiver"));
  }
  ASSIGN_OR_RETURN(*response->mutable_rule_set(), commands_.RecordDryRun(caller, request));
  return absl::OkStatus();
}

absl::Status RuleTrialsService::Explain(const CallContext& context,
                                        const huiliu::v1::ExplainRequest& request,
                                        huiliu::v1::ExplainResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_DATA_OFFICER}, context.method));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.context().receiver()));
  const absl::Cleanup done = [this] { --explaining_; };
  if (++explaining_ > kExplainingAtOnce) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "本节点同时最多说明 ", kExplainingAtOnce, " 条记录，请稍后再试 / this node explains ",
        kExplainingAtOnce, " records at once; try again shortly"));
  }
  const bool sees_outside = !BoundTo(state_, caller).has_value();
  ASSIGN_OR_RETURN(*response->mutable_explanation(),
                   explanations_.Explain(caller, request, sees_outside));
  return absl::OkStatus();
}

}  // namespace huiliu::service
