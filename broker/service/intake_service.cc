#include "broker/service/intake_service.h"

#include "absl/strings/str_cat.h"
#include "broker/service/paging.h"
#include "core/base/status.h"

namespace huiliu::service {

absl::Status IntakeService::GetPosition(const CallContext& context,
                                        const huiliu::v1::GetPositionRequest& request,
                                        huiliu::v1::GetPositionResponse* response) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_AGENT, huiliu::v1::ROLE_DATA_OFFICER},
                                 context.method));
  RETURN_IF_ERROR(OwnSource(caller, request.source()).status());
  return intake_.GetPosition(caller, request, response);
}

absl::StatusOr<huiliu::v1::Source> IntakeService::OwnSource(const governance::Principal& caller,
                                                            const std::string& id) const {
  auto source = state_.FindSource(id);
  if (source.has_value() && source->organisation() == caller.organisation) {
    return *std::move(source);
  }
  // Whether another department's source exists is none of the caller's business.
  return absl::PermissionDeniedError(absl::StrCat("数据源 ", id, " 不属于 ", caller.organisation,
                                                  " / source ", id, " does not belong to ",
                                                  caller.organisation));
}

absl::StatusOr<governance::Principal> IntakeService::RequireDepartment(
    const CallContext& context, const std::string& id) const {
  ASSIGN_OR_RETURN(governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_AGENT, huiliu::v1::ROLE_DATA_OFFICER},
                                 context.method));
  ASSIGN_OR_RETURN(const huiliu::v1::Source source, OwnSource(caller, id));
  if (source.placement() != huiliu::v1::PLACEMENT_NODE) {
    return absl::FailedPreconditionError(absl::StrCat(
        "数据源 ", id, " 的问题数据只在部门侧保存，请用 huiliu-agent quarantine / source ", id,
        " keeps its problem rows with the department: huiliu-agent quarantine"));
  }
  return caller;
}

absl::StatusOr<std::shared_ptr<pipeline::ReturnWorker>> IntakeService::WorkerOf(
    const std::string& id) const {
  const auto source = state_.FindSource(id);
  auto worker = source.has_value() ? find_worker_(source->dataset()) : nullptr;
  if (worker != nullptr) return worker;
  return absl::UnavailableError(
      absl::StrCat("数据源 ", id, " 的处理正在转移到另一节点，请稍后重试 / the work on source ", id,
                   " is moving to another node; try again shortly"));
}

absl::Status IntakeService::ListQuarantine(const CallContext& context,
                                           const huiliu::v1::ListQuarantineRequest& request,
                                           huiliu::v1::ListQuarantineResponse* response) {
  ASSIGN_OR_RETURN(const governance::Principal caller,
                   RequireDepartment(context, request.source()));
  RETURN_IF_ERROR(PageSize(request.page_size()).status());
  ASSIGN_OR_RETURN(const auto worker, WorkerOf(request.source()));
  return worker->ListKept(caller, request, response);
}

absl::Status IntakeService::Redrive(const CallContext& context,
                                    const huiliu::v1::RedriveRequest& request,
                                    huiliu::v1::RedriveResponse* response) {
  ASSIGN_OR_RETURN(const governance::Principal caller,
                   RequireDepartment(context, request.source()));
  ASSIGN_OR_RETURN(const auto worker, WorkerOf(request.source()));
  return worker->Redrive(caller, request, response);
}

}  // namespace huiliu::service
