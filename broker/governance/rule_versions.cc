#include "broker/governance/rule_versions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/governance/checks.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/codes/citizen_ids.h"
#include "core/codes/phone_numbers.h"
#include "core/model/proto_time.h"
#include "core/text/trim.h"

namespace huiliu::governance {
namespace {

using absl::StrCat;
using huiliu::v1::RuleSet;

constexpr size_t kMaxUntriedReasonBytes = 1000;

bool IsApproved(const RuleSet& version) {
  return version.state() == huiliu::v1::RULE_SET_STATE_APPROVED;
}

std::string NameOf(const RuleSet& version) {
  return StrCat("rules ", version.dataset(), " → ", version.receiver(), " version ",
                version.version());
}

// Which of two approved versions, whose dates have come, goes before the other.
bool GoesBefore(const RuleVersions::Version& a, const RuleVersions::Version& b) {
  return a.control_version > b.control_version;
}

// A run over no record has tried nothing.
bool IsHollow(const huiliu::v1::DryRunSummary& run) { return run.records() == 0; }
bool WasTried(const RuleSet& version) {
  return !std::all_of(version.dry_runs().begin(), version.dry_runs().end(), IsHollow);
}

// No rule of it will ever hold again.
bool HasExpired(const rules::RuleSet& rules, absl::Time now) {
  return !rules.rules.empty() &&
         std::all_of(rules.rules.begin(), rules.rules.end(),
                     [&](const rules::Rule& rule) { return rule.valid_to <= now; });
}

void AddNotices(const rules::RuleSet& rules, RuleSet* version) {
  for (const huiliu::v1::RuleError& notice : rules.notices)
    version->add_notices(StrCat(notice.rule(), "：", notice.message()));
}

void AddLegalBases(const rules::RuleSet& rules, RuleSet* version) {
  std::set<absl::string_view> named;
  for (const rules::Rule& rule : rules.rules) {
    if (named.insert(rule.legal_basis).second) version->add_legal_bases(rule.legal_basis);
  }
}

absl::string_view StateWord(const RuleSet& version) {
  switch (version.state()) {
    case huiliu::v1::RULE_SET_STATE_PROPOSED:
      return "待审批 / proposed";
    case huiliu::v1::RULE_SET_STATE_REJECTED:
      return "已退回 / rejected";
    default:
      return "已审批 / approved";
  }
}

// Nobody approves what nobody has tried, unless he says why.
absl::Status CheckTried(const RuleSet& version, const huiliu::v1::DecideRuleSetRequest& decision) {
  const absl::string_view reason = text::Trimmed(decision.untried_reason());
  if (!decision.approve() || WasTried(version)) return absl::OkStatus();
  if (reason.empty()) {
    const std::string which = StrCat(" --dataset ", version.dataset(), " --receiver ",
                                     version.receiver(), " --version ", version.version());
    return absl::FailedPreconditionError(StrCat(
        NameOf(version), "：此版本未经试运行，不能审批通过；请先执行 huiliu rules dry-run", which,
        "（部门侧判定的数据源：huiliu-agent rules dry-run --version ", version.version(),
        "），确需直接审批，用 --untried 写明原因 / this version was never tried, so it is not "
        "approved: run huiliu rules dry-run",
        which, " (at the edge huiliu-agent rules dry-run --version ", version.version(),
        "), or state with --untried why it goes without"));
  }
  if (reason.size() > kMaxUntriedReasonBytes || codes::HoldsCitizenId(reason) ||
      codes::HoldsMobileNumber(reason)) {
    return absl::InvalidArgumentError(
        StrCat(NameOf(version), "：未试运行的原因至多 ", kMaxUntriedReasonBytes,
               " 字节，不得含身份证号或手机号码 / why it was not tried has at most ",
               kMaxUntriedReasonBytes, " bytes and no citizen or mobile number"));
  }
  return absl::OkStatus();
}

}  // namespace

void RuleVersions::Put(RuleSet proto, std::shared_ptr<const rules::RuleSet> rules,
                       uint64_t control_version) {
  const auto at = std::lower_bound(
      versions_.begin(), versions_.end(), proto.version(),
      [](const Version& v, uint32_t version) { return v.proto.version() < version; });
  if (at != versions_.end() && at->proto.version() == proto.version()) {
    *at = {std::move(proto), std::move(rules), control_version};
  } else {
    versions_.insert(at, {std::move(proto), std::move(rules), control_version});
  }
}

const RuleVersions::Version* RuleVersions::Find(uint32_t version) const {
  for (const Version& v : versions_) {
    if (v.proto.version() == version) return &v;
  }
  return nullptr;
}

const RuleVersions::Version* RuleVersions::InForce(absl::Time now) const {
  const Version* found = nullptr;
  for (const Version& v : versions_) {
    if (!IsApproved(v.proto) || FromProto(v.proto.active_from()) > now) continue;
    if (found == nullptr || GoesBefore(v, *found)) found = &v;
  }
  return found;
}

const RuleVersions::Version* RuleVersions::NewerApproved(uint32_t version) const {
  for (auto it = versions_.rbegin(); it != versions_.rend(); ++it) {
    if (it->proto.version() <= version) break;
    if (IsApproved(it->proto)) return &*it;
  }
  return nullptr;
}

const RuleVersions::Version* RuleVersions::BeforeInForce(absl::Time now) const {
  const Version* current = InForce(now);
  const Version* found = nullptr;
  for (const Version& v : versions_) {
    if (current == nullptr || &v == current || !IsApproved(v.proto)) continue;
    if (FromProto(v.proto.active_from()) > FromProto(current->proto.active_from())) continue;
    if (found == nullptr || GoesBefore(v, *found)) found = &v;
  }
  return found;
}

bool RuleVersions::WasInForce(uint32_t version, absl::Time now) const {
  const Version* found = Find(version);
  return found != nullptr && IsApproved(found->proto) &&
         FromProto(found->proto.active_from()) <= now && WillHold(*found);
}

absl::Time RuleVersions::NextChange(absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  for (const Version& v : versions_) {
    const absl::Time from = FromProto(v.proto.active_from());
    if (IsApproved(v.proto) && from > now && WillHold(v)) next = std::min(next, from);
  }
  return next;
}

std::vector<const RuleVersions::Version*> RuleVersions::Coming(absl::Time now) const {
  std::vector<const Version*> coming;
  for (const Version& v : versions_) {
    const bool later = IsApproved(v.proto) && FromProto(v.proto.active_from()) > now && WillHold(v);
    const bool waits =
        v.proto.state() == huiliu::v1::RULE_SET_STATE_PROPOSED && &v == &versions_.back();
    if (later || waits) coming.push_back(&v);
  }
  return coming;
}

std::vector<RuleSet> RuleVersions::At(absl::Time now) const {
  const Version* in_force = InForce(now);
  std::vector<RuleSet> versions;
  for (auto it = versions_.rbegin(); it != versions_.rend(); ++it) {
    RuleSet& version = versions.emplace_back(it->proto);
    if (it->rules != nullptr) {
      AddLegalBases(*it->rules, &version);
      AddNotices(*it->rules, &version);
    }
    if (&*it == in_force) {
      const bool expired = it->rules != nullptr && HasExpired(*it->rules, now);
      version.set_state(expired ? huiliu::v1::RULE_SET_STATE_EXPIRED
                                : huiliu::v1::RULE_SET_STATE_IN_FORCE);
    } else if (IsApproved(version) && (FromProto(version.active_from()) <= now || !WillHold(*it))) {
      version.set_state(huiliu::v1::RULE_SET_STATE_SUPERSEDED);
    }
  }
  return versions;
}

absl::StatusOr<RuleSet> Decide(const RuleSet& version,
                               const huiliu::v1::DecideRuleSetRequest& decision,
                               const std::string& officer, absl::Time now) {
  const bool waits = version.state() == huiliu::v1::RULE_SET_STATE_PROPOSED;
  const bool scheduled = IsApproved(version) && FromProto(version.active_from()) > now;
  if (!waits && !(scheduled && !decision.approve())) {
    return absl::FailedPreconditionError(StrCat(NameOf(version), ": ", StateWord(version),
                                                "；只有待审批或尚未生效的版本可以审批，请另提新版本"
                                                " / only a version that waits or is not yet "
                                                "in force is decided; propose another"));
  }
  if (officer == version.author()) {
    return absl::PermissionDeniedError(StrCat(
        NameOf(version), "：提交人 ", officer,
        " 不能审批自己的规则，请由另一名数据专员审批 / its author does not decide it; another "
        "data officer does"));
  }
  if (!decision.approve() && text::Trimmed(decision.reason()).empty()) {
    return absl::InvalidArgumentError(
        StrCat(NameOf(version), "：退回须写明理由 / a rejection states its reason"));
  }
  RETURN_IF_ERROR(CheckTried(version, decision));
  RETURN_IF_ERROR(CheckTime(StrCat(NameOf(version), ": active_from"), decision.active_from()));
  if (decision.approve() && decision.has_active_from()) {
    const absl::TimeZone zone = ShanghaiTimeZone();
    const absl::CivilDay day = absl::ToCivilDay(FromProto(decision.active_from()), zone);
    if (day < absl::ToCivilDay(now, zone)) {
      return absl::InvalidArgumentError(StrCat(
          NameOf(version), "：生效日期 ", absl::FormatCivilTime(day),
          " 已过，规则不能追溯生效；不写生效时间即自现在起，历史可用重新判定（reevaluate） / ",
          "the date has passed and rules do not come into force in the past: leave the date out "
          "for now; history is decided again with reevaluate"));
    }
  }
  RuleSet decided = version;
  decided.set_state(decision.approve() ? huiliu::v1::RULE_SET_STATE_APPROVED
                                       : huiliu::v1::RULE_SET_STATE_REJECTED);
  decided.set_approver(officer);
  decided.set_reason(decision.reason());
  *decided.mutable_decided() = ToProto(now);
  decided.clear_active_from();
  decided.clear_untried_reason();
  if (decision.approve() && !WasTried(version))
    decided.set_untried_reason(decision.untried_reason());
  decided.set_reevaluate_history(decision.approve() && decision.reevaluate_history());
  if (decision.approve()) {
    *decided.mutable_active_from() = ToProto(
        std::max(now, decision.has_active_from() ? FromProto(decision.active_from()) : now));
  }
  return decided;
}

absl::StatusOr<RuleSet> WithDryRun(const RuleSet& version,
                                   const huiliu::v1::RecordDryRunRequest& request) {
  if (version.state() != huiliu::v1::RULE_SET_STATE_PROPOSED) {
    return absl::FailedPreconditionError(
        StrCat(NameOf(version), ": ", StateWord(version),
               "；只记录待审批版本的试运行 / dry runs are kept with versions that wait only"));
  }
  if (version.digest() != request.digest()) {
    return absl::FailedPreconditionError(
        StrCat(NameOf(version),
               "：试运行的不是这一版的原文 / what was tried is not the text of this version"));
  }
  const huiliu::v1::DryRunSummary& summary = request.summary();
  RETURN_IF_ERROR(CheckTime(StrCat(NameOf(version), ": from"), summary.from()));
  RETURN_IF_ERROR(CheckTime(StrCat(NameOf(version), ": to"), summary.to()));
  int64_t least = summary.records();
  for (const huiliu::v1::DryRunCount& count : summary.counts())
    least = std::min(least, count.records());
  if (least < 0 || summary.counts_size() > huiliu::v1::DryRunCategory_ARRAYSIZE) {
    return absl::InvalidArgumentError(
        StrCat(NameOf(version),
               "：试运行的计数无效 / a dry run's counts are not negative, one for "
               "each category at most"));
  }
  RuleSet tried = version;
  *tried.add_dry_runs() = summary;
  auto& runs = *tried.mutable_dry_runs();
  while (runs.size() > kMaxDryRuns) {
    const auto hollow = std::find_if(runs.begin(), runs.end(), IsHollow);
    runs.erase(hollow == runs.end() ? runs.begin() : hollow);
  }
  return tried;
}

}  // namespace huiliu::governance
