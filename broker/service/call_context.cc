#include "broker/service/call_context.h"

#include "broker/governance/roles.h"

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
  return governance::RequireAnyRole(caller, roles, what);
}

}  // namespace huiliu::service
