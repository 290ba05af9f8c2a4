#include "broker/service/override_service.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/service/paging.h"
#include "broker/service/tenancy.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"

namespace huiliu::service {

using absl::StrCat;
using governance::Principal;
using huiliu::v1::TerritoryOverride;

absl::Status OverrideService::PlaceDivision(TerritoryOverride* given) const {
  const std::string& code = given->division();
  const auto refuse = [&](absl::string_view chinese, absl::string_view english) {
    return absl::InvalidArgumentError(
        StrCat("区划 ", code, "：", chinese, " / division ", code, ": ", english));
  };
  const territory::Division* division = divisions_->Find(code);
  if (code.size() != 6 || division == nullptr)
    return absl::InvalidArgumentError(
        "区划不是 GB/T 2260 的六位代码 / the division is no six-digit code of GB/T 2260");
  const std::string current = divisions_->Resolve(code);
  if (division->abolished || current != code) {
    return refuse(current.empty() ? std::string("不是现行代码") : StrCat("请用现行代码 ", current),
                  current.empty() ? std::string("not a current code")
                                  : StrCat("use the current code ", current));
  }
  if (absl::EndsWith(code, "0000"))
    return refuse("省级代码不能决定归属", "a province decides nothing");
  const auto receiver = state_.FindReceiver(given->receiver());
  if (!receiver.has_value()) return absl::OkStatus();  // the command says so
  given->set_outside(true);
  for (const std::string& area : receiver->divisions()) {
    if (divisions_->Contains(area, code)) {
      given->set_outside(false);
      return absl::OkStatus();
    }
  }
  for (const std::string& area : receiver->divisions()) {
    if (divisions_->Contains(code, area))
      return refuse("只有一部分属于本接收方，请写明县区",
                    "only part of it is the receiver's; name the county");
  }
  return absl::OkStatus();
}

absl::Status OverrideService::RequireOwn(const Principal& caller, const std::string& id) const {
  const auto given = state_.FindOverride(id);
  if (!given.has_value() || RequireReceiver(state_, caller, given->receiver()).ok())
    return absl::OkStatus();  // the command says what is wrong
  return absl::NotFoundError(StrCat("没有认领决定 / there is no override \"", id, "\""));
}

absl::Status OverrideService::ProposeOverride(const CallContext& context,
                                              const huiliu::v1::ProposeOverrideRequest& request,
                                              huiliu::v1::ProposeOverrideResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_DATA_OFFICER}, context.method));
  const TerritoryOverride& asked = request.territory_override();
  RETURN_IF_ERROR(RequireReceiver(state_, caller, asked.receiver()));
  // What is the node's to say is not taken from a caller.
  TerritoryOverride given = asked;
  given.clear_id();
  given.clear_approver();
  given.clear_decided();
  given.clear_decision_reason();
  given.clear_withdrawn_by();
  given.clear_withdrawn();
  given.clear_withdrawal_reason();
  given.clear_reach();
  RETURN_IF_ERROR(PlaceDivision(&given));
  // What is refused is not counted: counts tell of records.
  RETURN_IF_ERROR(state_.ProposeOverride(given, caller.account).status());
  *given.mutable_reach() = reach_.Count(given);
  ASSIGN_OR_RETURN(*response->mutable_territory_override(), commands_.Propose(caller, given));
  return absl::OkStatus();
}

absl::Status OverrideService::DecideOverride(const CallContext& context,
                                             const huiliu::v1::DecideOverrideRequest& request,
                                             huiliu::v1::DecideOverrideResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_DATA_OFFICER}, context.method));
  RETURN_IF_ERROR(RequireOwn(caller, request.id()));
  if (const auto given = state_.FindOverride(request.id());
      given.has_value() && request.approve()) {
    // The receiver's area may have changed since it was proposed.
    TerritoryOverride checked = *given;
    RETURN_IF_ERROR(PlaceDivision(&checked));
    if (checked.outside() != given->outside()) {
      return absl::FailedPreconditionError(
          StrCat(given->id(),
                 "：接收方的区划已变更，请重新提交 / the receiver's area has changed "
                 "since; propose it anew"));
    }
  }
  ASSIGN_OR_RETURN(*response->mutable_territory_override(), commands_.Decide(caller, request));
  return absl::OkStatus();
}

absl::Status OverrideService::WithdrawOverride(const CallContext& context,
                                               const huiliu::v1::WithdrawOverrideRequest& request,
                                               huiliu::v1::WithdrawOverrideResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_DATA_OFFICER}, context.method));
  RETURN_IF_ERROR(RequireOwn(caller, request.id()));
  ASSIGN_OR_RETURN(*response->mutable_territory_override(), commands_.Withdraw(caller, request));
  return absl::OkStatus();
}

bool OverrideService::MaySee(const Principal& caller, const std::string& dataset,
                             const std::string& receiver) const {
  if (!RequireReceiver(state_, caller, receiver).ok()) return false;
  if (caller.Has(huiliu::v1::ROLE_DATA_OFFICER) || caller.Has(huiliu::v1::ROLE_AUDIT_ADMINISTRATOR))
    return true;
  const std::vector<huiliu::v1::Source> sources = state_.Sources();
  return std::any_of(sources.begin(), sources.end(), [&](const huiliu::v1::Source& source) {
    return source.organisation() == caller.organisation && source.dataset() == dataset &&
           std::find(source.receivers().begin(), source.receivers().end(), receiver) !=
               source.receivers().end();
  });
}

absl::Status OverrideService::ListOverrides(const CallContext& context,
                                            const huiliu::v1::ListOverridesRequest& request,
                                            huiliu::v1::ListOverridesResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(
      caller,
      {huiliu::v1::ROLE_DATA_OFFICER, huiliu::v1::ROLE_AGENT, huiliu::v1::ROLE_AUDIT_ADMINISTRATOR},
      context.method));
  std::vector<TerritoryOverride> found;
  for (TerritoryOverride& one : state_.Overrides()) {
    if (!request.dataset().empty() && one.dataset() != request.dataset()) continue;
    if (!request.receiver().empty() && one.receiver() != request.receiver()) continue;
    if (!request.id().empty() && one.id() != request.id()) continue;
    if (request.state() != huiliu::v1::OVERRIDE_STATE_UNSPECIFIED && one.state() != request.state())
      continue;
    if (MaySee(caller, one.dataset(), one.receiver())) found.push_back(std::move(one));
  }
  return Page(
      found, [](const TerritoryOverride& one) { return one.id(); }, request.page_size(),
      request.page_token(), response->mutable_territory_overrides(),
      response->mutable_next_page_token());
}

absl::Status OverrideService::GetOverridesInForce(
    const CallContext& context, const huiliu::v1::GetOverridesInForceRequest& request,
    huiliu::v1::GetOverridesInForceResponse* response) {
  ASSIGN_OR_RETURN(const Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(
      caller,
      {huiliu::v1::ROLE_DATA_OFFICER, huiliu::v1::ROLE_AGENT, huiliu::v1::ROLE_AUDIT_ADMINISTRATOR},
      context.method));
  if (!MaySee(caller, request.dataset(), request.receiver())) {
    return absl::NotFoundError(
        "本单位没有此数据集、此接收方的数据源 / this organisation has no source of that dataset "
        "for "
        "that receiver");
  }
  std::vector<TerritoryOverride> held =
      state_.OverridesInForce(request.dataset(), request.receiver());
  const Digest digest = rules::DigestOfOverrides(held);
  response->set_digest(ToString(digest));
  response->set_unchanged(request.unless_digest() == response->digest());
  if (response->unchanged()) return absl::OkStatus();
  for (TerritoryOverride& one : held) *response->add_territory_overrides() = std::move(one);
  return absl::OkStatus();
}

}  // namespace huiliu::service
