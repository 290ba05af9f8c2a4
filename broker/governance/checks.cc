#include "broker/governance/checks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"

namespace huiliu::governance {
namespace {

using absl::InvalidArgumentError;
using absl::StrCat;

bool IsIdCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '_' || c == '-';
}

absl::Status Required(absl::string_view kind, absl::string_view id, absl::string_view what,
                      bool present) {
  if (present) return absl::OkStatus();
  return InvalidArgumentError(StrCat(kind, " ", id, ": ", what, " 必填 / is required"));
}

bool IsSixDigits(absl::string_view code) {
  return code.size() == 6 && std::all_of(code.begin(), code.end(), absl::ascii_isdigit);
}

int AdministratorRoles(const huiliu::v1::Account& account) {
  bool seen[3] = {};
  for (int role : account.roles()) {
    if (role == huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR) seen[0] = true;
    if (role == huiliu::v1::ROLE_SECURITY_ADMINISTRATOR) seen[1] = true;
    if (role == huiliu::v1::ROLE_AUDIT_ADMINISTRATOR) seen[2] = true;
  }
  return static_cast<int>(std::count(seen, seen + 3, true));
}

}  // namespace

absl::Status CheckTime(absl::string_view place, const google::protobuf::Timestamp& time) {
  constexpr int64_t kFirstSecond = -62135596800, kLastSecond = 253402300799;
  if (time.seconds() >= kFirstSecond && time.seconds() <= kLastSecond && time.nanos() >= 0 &&
      time.nanos() <= 999999999)
    return absl::OkStatus();
  return InvalidArgumentError(
      StrCat(place, " is no time of the years 1 to 9999 / 不是公元 1 至 9999 年的时间"));
}

absl::Status CheckId(absl::string_view kind, absl::string_view id) {
  const bool good = !id.empty() && id.size() <= 63 && absl::ascii_isalnum(id[0]) &&
                    std::all_of(id.begin(), id.end(), IsIdCharacter);
  if (good) return absl::OkStatus();
  return InvalidArgumentError(
      StrCat(kind, " id \"", id.size() <= 63 ? id : absl::string_view("…"),
             "\": 编号为 1 至 63 个 a-z 0-9 . _ - ，首字符为字母或数字 / 1 to 63 of a-z 0-9 . _ - "
             "are allowed, the first a letter or digit"));
}

absl::Status Check(const huiliu::v1::Organisation& organisation) {
  RETURN_IF_ERROR(CheckId("organisation", organisation.id()));
  return Required("organisation", organisation.id(), "title", !organisation.title().empty());
}

absl::Status Check(const huiliu::v1::Account& account) {
  RETURN_IF_ERROR(CheckId("account", account.id()));
  RETURN_IF_ERROR(Required("account", account.id(), "a role", account.roles_size() > 0));
  for (int role : account.roles()) {
    if (role == huiliu::v1::ROLE_UNSPECIFIED || !huiliu::v1::Role_IsValid(role)) {
      return InvalidArgumentError(
          StrCat("account ", account.id(), ": 没有这种角色 / role ", role, " is unknown"));
    }
  }
  if (AdministratorRoles(account) > 1) {
    return InvalidArgumentError(
        StrCat("account ", account.id(),
               ": system, security and audit administrator (三员) never meet in one account; "
               "make one account for each (系统管理员、安全管理员、审计管理员须由不同账号担任)"));
  }
  const bool admin = AdministratorRoles(account) == 1;
  for (int role : account.roles()) {
    if (admin && role == huiliu::v1::ROLE_CONSUMER) {
      return InvalidArgumentError(StrCat("account ", account.id(),
                                         ": an administrator reads no data; make another account "
                                         "for reading (管理员账号不得读取数据)"));
    }
  }
  const auto right_size = [](const std::string& s) { return s.size() == 32; };
  if (!std::all_of(account.certificate_sha256().begin(), account.certificate_sha256().end(),
                   right_size) ||
      !std::all_of(account.token_sha256().begin(), account.token_sha256().end(), right_size)) {
    return InvalidArgumentError(
        StrCat("account ", account.id(),
               ": 凭据须是 SHA-256 的 32 个字节 / a credential is the 32 bytes of a SHA-256"));
  }
  return absl::OkStatus();
}

absl::Status Check(const huiliu::v1::Receiver& receiver) {
  RETURN_IF_ERROR(CheckId("receiver", receiver.id()));
  RETURN_IF_ERROR(Required("receiver", receiver.id(), "title", !receiver.title().empty()));
  RETURN_IF_ERROR(Required("receiver", receiver.id(), "a division", receiver.divisions_size() > 0));
  for (const std::string& division : receiver.divisions()) {
    if (!IsSixDigits(division)) {
      return InvalidArgumentError(StrCat("receiver ", receiver.id(),
                                         ": 不是 GB/T 2260 六位区划代码 / division \"", division,
                                         "\" is not a six-digit code of GB/T 2260"));
    }
  }
  const huiliu::v1::Quota& quota = receiver.quota();
  if (quota.calls_per_second() < 0 || quota.rows_per_second() < 0 || quota.streams() < 0)
    return InvalidArgumentError(
        StrCat("receiver ", receiver.id(), ": 配额不能小于 0 / a quota is not below 0"));
  return absl::OkStatus();
}

absl::Status Check(const huiliu::v1::System& system) {
  RETURN_IF_ERROR(CheckId("system", system.id()));
  RETURN_IF_ERROR(Required("system", system.id(), "title", !system.title().empty()));
  RETURN_IF_ERROR(
      Required("system", system.id(), "tier", system.tier() != huiliu::v1::TIER_UNSPECIFIED));
  RETURN_IF_ERROR(CheckTime(StrCat("system ", system.id(), ": last_batch"), system.last_batch()));
  return Required("system", system.id(), "status",
                  system.status() != huiliu::v1::SYSTEM_STATUS_UNSPECIFIED);
}

absl::Status Check(const huiliu::v1::Source& source) {
  RETURN_IF_ERROR(CheckId("source", source.id()));
  RETURN_IF_ERROR(Required("source", source.id(), "a receiver", source.receivers_size() > 0));
  RETURN_IF_ERROR(CheckTime(StrCat("source ", source.id(), ": last_batch"), source.last_batch()));
  RETURN_IF_ERROR(CheckTime(StrCat("source ", source.id(), ": registered"), source.registered()));
  for (int i = 1; i < source.receivers_size(); ++i) {
    const auto end = source.receivers().begin() + i;
    if (std::find(source.receivers().begin(), end, source.receivers(i)) != end) {
      return InvalidArgumentError(StrCat("source ", source.id(), ": 接收方重复 / receiver ",
                                         source.receivers(i), " is named twice"));
    }
  }
  switch (source.placement()) {
    case huiliu::v1::PLACEMENT_EDGE:
      if (source.receivers_size() != 1) {
        return InvalidArgumentError(StrCat("source ", source.id(),
                                           ": 在前置机判定的数据源恰有一个接收方 / at the edge a "
                                           "source has exactly one receiver"));
      }
      break;
    case huiliu::v1::PLACEMENT_NODE:
      break;
    default:
      return InvalidArgumentError(StrCat(
          "source ", source.id(), ": placement 为 EDGE 或 NODE / placement is EDGE or NODE"));
  }
  return Required("source", source.id(), "batch_public_key (32 bytes, Ed25519)",
                  source.batch_public_key().size() == 32);
}

absl::Status CheckReceiversGrow(const huiliu::v1::Source& old, const huiliu::v1::Source& source) {
  if (source.placement() != huiliu::v1::PLACEMENT_NODE) return absl::OkStatus();
  bool grows = source.receivers_size() >= old.receivers_size();
  for (int i = 0; grows && i < old.receivers_size(); ++i)
    grows = source.receivers(i) == old.receivers(i);
  if (grows) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat("source ", source.id(),
             ": 在节点判定的数据源只能在末尾增加接收方 / receivers of a source that is decided at "
             "the node can only ",
             "be added, at the end: what was counted for ", absl::StrJoin(old.receivers(), ", "),
             " stays theirs; register another source"));
}

absl::Status Check(const huiliu::v1::Grant& grant) {
  RETURN_IF_ERROR(CheckId("grant", grant.id()));
  RETURN_IF_ERROR(Required("grant", grant.id(), "purpose", !grant.purpose().empty()));
  RETURN_IF_ERROR(Required("grant", grant.id(), "legal_basis", !grant.legal_basis().empty()));
  RETURN_IF_ERROR(Required("grant", grant.id(), "valid_to", grant.has_valid_to()));
  RETURN_IF_ERROR(CheckTime(StrCat("grant ", grant.id(), ": valid_to"), grant.valid_to()));
  RETURN_IF_ERROR(CheckTime(StrCat("grant ", grant.id(), ": valid_from"), grant.valid_from()));
  if (grant.has_valid_from() && grant.valid_from().seconds() >= grant.valid_to().seconds()) {
    return InvalidArgumentError(StrCat(
        "grant ", grant.id(), ": 截止时间须晚于开始时间 / valid_to is not after valid_from"));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::governance
