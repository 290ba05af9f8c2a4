// Grants: what an amendment keeps, and what ends it.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/governance/checks.h"
#include "broker/governance/proposal_checks.h"
#include "broker/governance/state.h"
#include "core/base/status.h"

namespace huiliu::governance {
namespace {

using absl::StrCat;
using huiliu::v1::Grant;
using huiliu::v1::PutGrantRequest;
using Record = huiliu::v1::ControlRecord;

bool Clears(const PutGrantRequest& request, const std::string& field) {
  const auto& cleared = request.clear_masks();
  return std::find(cleared.begin(), cleared.end(), field) != cleared.end();
}

// `old` may be nullptr.
absl::Status CheckCleared(const PutGrantRequest& request, const Grant* old) {
  const Grant& grant = request.grant();
  if (request.clear_row_filter() && !grant.row_filter().empty()) {
    return absl::InvalidArgumentError(
        StrCat("grant ", grant.id(),
               ": row_filter 与 clear_row_filter 只能给一个 / gives a row_filter and clears it; "
               "give one of the two"));
  }
  for (const std::string& field : request.clear_masks()) {
    if (grant.masks().contains(field)) {
      return absl::InvalidArgumentError(StrCat(
          "grant ", grant.id(), ": 字段 ", field, " 同时出现在 masks 与 clear_masks 中 / field ",
          field, " stands in masks and in clear_masks; name it in one of the two"));
    }
    if (old == nullptr || !old->masks().contains(field)) {
      return absl::InvalidArgumentError(
          StrCat("grant ", grant.id(), ": 授权中字段 ", field,
                 " 没有脱敏方式可撤，请核对字段名 / clear_masks names field ", field,
                 ", for which the grant has no mask; check the name"));
    }
  }
  return absl::OkStatus();
}

// What restricted the rows of one dataset says nothing of another's: each restriction is to be
// named for it, or cleared.
absl::Status CheckMoved(const Grant& old, const PutGrantRequest& request) {
  const Grant& grant = request.grant();
  if (old.dataset() == grant.dataset()) return absl::OkStatus();
  std::string what;
  if (!old.row_filter().empty() && grant.row_filter().empty() && !request.clear_row_filter())
    what = "row_filter";
  for (const auto& [field, mask] : old.masks()) {
    if (grant.masks().contains(field) || Clears(request, field)) continue;
    if (what.empty() || what > field) what = StrCat("masks[", field, "]");
  }
  if (what.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("grant ", grant.id(), ": 改为另一数据集，须写明或明确撤去原有的 ", what,
             "，否则请另行授权 / moves to another dataset: name ", what,
             " for it or clear it (clear_row_filter, clear_masks), or give a grant of its own"));
}

// An amendment widens nothing by leaving out: fields, row filter and masks that it does not name
// stay, the masks of fields that it goes on granting. What a later version of the contract added is
// opened by naming it.
void KeepRestrictions(const Grant& old, const PutGrantRequest& request, Grant* grant) {
  if (old.dataset() != grant->dataset()) return;
  if (grant->fields().empty()) *grant->mutable_fields() = old.fields();
  if (grant->row_filter().empty() && !request.clear_row_filter())
    grant->set_row_filter(old.row_filter());
  const auto& fields = grant->fields();
  for (const auto& [field, mask] : old.masks()) {
    const bool granted = std::find(fields.begin(), fields.end(), field) != fields.end();
    if (granted && !Clears(request, field) && !grant->masks().contains(field))
      (*grant->mutable_masks())[field] = mask;
  }
}

// A grant without fields names those of today: what a later version adds is opened by nobody
// unasked.
void NameFields(const schema::Contract& contract, Grant* grant) {
  if (!grant->fields().empty()) return;
  for (const schema::Field& field : contract.fields()) {
    if (grant->masks().contains(field.name) || !field.options.default_mask().drop())
      grant->add_fields(field.name);
  }
}

}  // namespace

absl::StatusOr<Record> State::Propose(const PutGrantRequest& request) const {
  const Grant& grant = request.grant();
  RETURN_IF_ERROR(Check(grant));
  absl::ReaderMutexLock lock(&mutex_);
  const std::string user = StrCat("grant ", grant.id());
  RETURN_IF_ERROR(CheckSeen("grant", grants_, grant.id(), request.seen_version()));
  RETURN_IF_ERROR(CheckKnown(user, "organisation", organisations_, grant.organisation()));
  RETURN_IF_ERROR(CheckKnown(user, "receiver", receivers_, grant.receiver()));
  RETURN_IF_ERROR(CheckKnown(user, "dataset", datasets_, grant.dataset()));
  const auto old = grants_.find(grant.id());
  if (old != grants_.end() && old->second.revoked()) {
    return absl::FailedPreconditionError(StrCat(
        user, " 已收回，请用另一编号重新授权 / was revoked; give a new grant under another id"));
  }
  RETURN_IF_ERROR(CheckCleared(request, old == grants_.end() ? nullptr : &old->second));
  if (old != grants_.end()) RETURN_IF_ERROR(CheckMoved(old->second, request));
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_grant() = grant;
  if (old != grants_.end()) KeepRestrictions(old->second, request, record.mutable_grant());
  NameFields(*datasets_.at(grant.dataset()).back().contract, record.mutable_grant());
  record.mutable_grant()->set_revoked(false);
  record.mutable_grant()->set_version(version_ + 1);
  return record;
}

absl::StatusOr<Record> State::ProposeRevocation(const std::string& id,
                                                const std::string& reason) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = grants_.find(id);
  if (it == grants_.end())
    return absl::NotFoundError(StrCat("没有这项授权 / grant \"", id, "\" does not exist"));
  if (it->second.revoked())
    return absl::FailedPreconditionError(StrCat("grant ", id, " 已经收回 / is revoked already"));
  if (reason.empty())
    return absl::InvalidArgumentError(
        StrCat("grant ", id, ": 收回授权须写明理由 / a revocation states its reason"));
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_grant() = it->second;
  record.mutable_grant()->set_revoked(true);
  record.mutable_grant()->set_revoked_reason(reason);
  record.mutable_grant()->set_version(version_ + 1);
  return record;
}

}  // namespace huiliu::governance
