#include "broker/governance/overrides.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"
#include "core/codes/phone_numbers.h"
#include "core/model/proto_time.h"
#include "core/rules/override_match.h"
#include "core/rules/override_probes.h"
#include "core/text/trim.h"

namespace huiliu::governance {
namespace {

using absl::StrCat;
using huiliu::v1::TerritoryOverride;

constexpr size_t kMaxReasonBytes = 1000;

absl::string_view StateWord(const TerritoryOverride& given) {
  switch (given.state()) {
    case huiliu::v1::OVERRIDE_STATE_PROPOSED:
      return "待审批 / proposed";
    case huiliu::v1::OVERRIDE_STATE_APPROVED:
      return "已生效 / approved";
    case huiliu::v1::OVERRIDE_STATE_REJECTED:
      return "已退回 / rejected";
    default:
      return "已撤回 / withdrawn";
  }
}

// Reasons stand in the control topic and in what departments read.
absl::Status CheckReason(absl::string_view what, const std::string& reason, bool required) {
  if (text::Trimmed(reason).empty() && required) {
    return absl::InvalidArgumentError(StrCat(what, "：须写明理由 / a reason is required"));
  }
  if (reason.size() > kMaxReasonBytes || codes::HoldsCitizenId(reason) ||
      codes::HoldsMobileNumber(reason)) {
    return absl::InvalidArgumentError(
        StrCat(what, "：理由至多 ", kMaxReasonBytes,
               " 字节，不得含身份证号或手机号码 / a reason has at most ", kMaxReasonBytes,
               " bytes and no citizen or mobile number"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckProposal(const TerritoryOverride& given, const schema::Contract& contract) {
  RETURN_IF_ERROR(rules::CheckOverrideMatch(given, contract));
  RETURN_IF_ERROR(rules::CheckTellsApart(given, contract));
  const std::string& text = given.has_name()      ? given.name().text()
                            : given.has_pattern() ? given.pattern().text()
                                                  : given.condition();
  if (codes::HoldsMobileNumber(text)) {
    return absl::InvalidArgumentError(
        "匹配内容含手机号码，请改用记录摘要（--record-key）/ what is to be matched holds a mobile "
        "number; name the record by its digest (--record-key)");
  }
  if (given.has_name() && rules::MeansNothing(given.name().text())) {
    return absl::InvalidArgumentError(StrCat(
        "“", given.name().text(),
        "”表示没有值，会认领所有未填此字段的记录；请用能区分的字段、条件"
        "或记录摘要 / that text stands for no value and would claim every record that lacks one; "
        "match another field, a condition or a record"));
  }
  const std::string& division = given.division();
  if (division.size() != 6 || !std::all_of(division.begin(), division.end(), absl::ascii_isdigit)) {
    return absl::InvalidArgumentError(
        "区划须为六位代码（GB/T 2260）/ the division is a six-digit code of GB/T 2260");
  }
  return CheckReason("认领决定 / override", given.reason(), true);
}

bool SayTheSame(const TerritoryOverride& a, const TerritoryOverride& b) {
  const auto same = [](const TerritoryOverride::FieldText& x,
                       const TerritoryOverride::FieldText& y) {
    return x.field() == y.field() && x.text() == y.text();
  };
  return a.dataset() == b.dataset() && a.receiver() == b.receiver() &&
         a.division() == b.division() && a.match_case() == b.match_case() &&
         a.record() == b.record() && same(a.name(), b.name()) && same(a.pattern(), b.pattern()) &&
         a.condition() == b.condition();
}

absl::StatusOr<TerritoryOverride> Decide(const TerritoryOverride& given,
                                         const huiliu::v1::DecideOverrideRequest& decision,
                                         const std::string& officer, absl::Time now) {
  if (given.state() != huiliu::v1::OVERRIDE_STATE_PROPOSED) {
    return absl::FailedPreconditionError(
        StrCat(given.id(), ": ", StateWord(given),
               "；只有待审批的认领决定可以审批 / only one that waits is decided"));
  }
  if (officer == given.author()) {
    return absl::PermissionDeniedError(
        StrCat(given.id(), "：提交人 ", officer,
               " 不能审批自己的认领决定，请由另一名数据专员审批 / its author does not decide it; "
               "another data officer does"));
  }
  RETURN_IF_ERROR(CheckReason(given.id(), decision.reason(), !decision.approve()));
  TerritoryOverride decided = given;
  decided.set_state(decision.approve() ? huiliu::v1::OVERRIDE_STATE_APPROVED
                                       : huiliu::v1::OVERRIDE_STATE_REJECTED);
  decided.set_approver(officer);
  decided.set_decision_reason(decision.reason());
  *decided.mutable_decided() = ToProto(now);
  return decided;
}

absl::StatusOr<TerritoryOverride> Withdraw(const TerritoryOverride& given,
                                           const huiliu::v1::WithdrawOverrideRequest& request,
                                           const std::string& officer, absl::Time now) {
  if (given.state() != huiliu::v1::OVERRIDE_STATE_PROPOSED &&
      given.state() != huiliu::v1::OVERRIDE_STATE_APPROVED) {
    return absl::FailedPreconditionError(
        StrCat(given.id(), ": ", StateWord(given),
               "；无可撤回 / it neither waits nor holds: there is nothing to withdraw"));
  }
  RETURN_IF_ERROR(CheckReason(given.id(), request.reason(), true));
  TerritoryOverride withdrawn = given;
  withdrawn.set_state(huiliu::v1::OVERRIDE_STATE_WITHDRAWN);
  withdrawn.set_withdrawn_by(officer);
  withdrawn.set_withdrawal_reason(request.reason());
  *withdrawn.mutable_withdrawn() = ToProto(now);
  return withdrawn;
}

}  // namespace huiliu::governance
