#include "broker/service/tenancy.h"

#include "absl/strings/str_cat.h"

namespace huiliu::service {

using absl::StrCat;

std::optional<std::string> BoundTo(const governance::State& state,
                                   const governance::Principal& caller) {
  if (state.Receivers().size() < 2) return std::nullopt;
  const auto organisation = state.FindOrganisation(caller.organisation);
  if (!organisation.has_value()) return "";
  if (organisation->receiver().empty()) return std::nullopt;
  return organisation->receiver();
}

absl::Status RequireReceiver(const governance::State& state, const governance::Principal& caller,
                             const std::string& receiver) {
  const auto bound = BoundTo(state, caller);
  if (!bound.has_value() || *bound == receiver) return absl::OkStatus();
  return absl::PermissionDeniedError(
      StrCat("账号 ", caller.account, " 属于接收方 ", *bound, "，无权处理接收方 ", receiver,
             " 的事务；请由该接收方或上级的管理员办理 / account ", caller.account,
             " belongs to receiver ", *bound, " and has no say over receiver ", receiver,
             "; an administrator of that receiver or of the upper level can do it"));
}

absl::Status RequireUnbound(const governance::State& state, const governance::Principal& caller,
                            absl::string_view what) {
  const auto bound = BoundTo(state, caller);
  if (!bound.has_value()) return absl::OkStatus();
  return absl::PermissionDeniedError(StrCat(
      what, "：涉及本节点的全部接收方，账号 ", caller.account, " 只属于接收方 ", *bound,
      "；请由上级的管理员办理 / ", what, " concerns all receivers of this node, and account ",
      caller.account, " belongs to receiver ", *bound,
      " alone; an administrator of the upper level can do it"));
}

}  // namespace huiliu::service
