#include "broker/governance/roles.h"

#include "absl/strings/str_cat.h"

namespace huiliu::governance {
namespace {

using huiliu::v1::Role;

absl::string_view Chinese(Role role) {
  switch (role) {
    case huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR:
      return "系统管理员";
    case huiliu::v1::ROLE_SECURITY_ADMINISTRATOR:
      return "安全管理员";
    case huiliu::v1::ROLE_AUDIT_ADMINISTRATOR:
      return "审计管理员";
    case huiliu::v1::ROLE_DATA_OFFICER:
      return "数据专员";
    case huiliu::v1::ROLE_CONSUMER:
      return "需求部门";
    case huiliu::v1::ROLE_AGENT:
      return "采集程序";
    default:
      return "其他";
  }
}

}  // namespace

absl::Status RequireAnyRole(const Principal& caller, std::initializer_list<Role> roles,
                            absl::string_view what) {
  std::string chinese, english;
  for (const Role role : roles) {
    if (caller.Has(role)) return absl::OkStatus();
    absl::StrAppend(&chinese, chinese.empty() ? "" : "或", Chinese(role));
    absl::StrAppend(&english, english.empty() ? "" : " or ", huiliu::v1::Role_Name(role));
  }
  return absl::PermissionDeniedError(absl::StrCat(
      what, " 需要角色", chinese, "，账号 ", caller.account, " 没有；请向安全管理员申请 / ", what,
      " needs the role ", english, ", which account \"", caller.account,
      "\" does not have; ask the security administrator"));
}

}  // namespace huiliu::governance
