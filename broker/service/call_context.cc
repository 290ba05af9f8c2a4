#include "broker/service/call_context.h"

#include "absl/strings/str_cat.h"

namespace huiliu::service {

absl::StatusOr<governance::Principal> RequireCaller(const CallContext& context) {
  if (context.caller.has_value()) return *context.caller;
  return absl::UnauthenticatedError(context.english
                                        ? "no known client certificate or bearer token; ask the "
                                          "security administrator for an account"
                                        : "未识别的客户端证书或令牌；请向安全管理员申请账号 (no "
                                          "known client certificate or bearer token)");
}

absl::Status RequireAnyRole(const governance::Principal& caller,
                            std::initializer_list<huiliu::v1::Role> roles, absl::string_view what) {
  std::string names;
  for (huiliu::v1::Role role : roles) {
    if (caller.Has(role)) return absl::OkStatus();
    absl::StrAppend(&names, names.empty() ? "" : " or ", huiliu::v1::Role_Name(role));
  }
  return absl::PermissionDeniedError(
      absl::StrCat("账号 ", caller.account, " 没有 ", what, " 所需的角色，请向安全管理员申请 / ",
                   what, " needs the role ", names, ", which account \"", caller.account,
                   "\" does not have; ask the security administrator"));
}

}  // namespace huiliu::service
