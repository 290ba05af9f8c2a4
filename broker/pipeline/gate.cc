#include "broker/pipeline/gate.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "broker/catalog/row_key.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

// Names that a caller made up go into lineage with its refusal, as far as they could be real ones.
void Cut(std::string* text) {
  constexpr size_t kMaxBytes = 200;
  if (text->size() <= kMaxBytes) return;
  size_t end = kMaxBytes;
  while (end > 0 && (static_cast<uint8_t>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
}

absl::Status Moving(absl::string_view receiver) {
  return absl::UnavailableError(
      absl::StrCat("接收方 ", receiver, " 的目录正在转移，请稍后重试 / the catalog of ", receiver,
                   " is moving to another node; try again shortly"));
}

}  // namespace

access::Authorised Gate::Ask(const governance::Principal& caller,
                             const huiliu::v1::ReadContext& context,
                             const std::shared_ptr<const schema::Contract>& contract) const {
  // All grants of the organisation for the dataset: a refusal explains what nearly fitted.
  std::vector<huiliu::v1::Grant> grants;
  for (huiliu::v1::Grant& grant : state_.GrantsOf(caller.organisation, context.dataset()))
    grants.push_back(std::move(grant));
  std::vector<const huiliu::v1::Grant*> views;
  for (const huiliu::v1::Grant& grant : grants) views.push_back(&grant);
  access::Request request;
  request.account = caller.account;
  request.organisation = caller.organisation;
  request.receiver = context.receiver();
  request.dataset = context.dataset();
  request.purpose = context.purpose();
  request.now = clock_.Now();
  return authoriser_.Authorise(request, views, contract);
}

access::Authorised Gate::AskOnce(const governance::Principal& caller,
                                 const huiliu::v1::ReadContext& context,
                                 const std::shared_ptr<const schema::Contract>& contract,
                                 uint64_t version, huiliu::v1::Quota* quota) {
  DecisionKey key(caller.organisation, context.receiver(), context.dataset(), context.purpose());
  const absl::Time now = clock_.Now();
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto kept = decisions_.find(key);
    if (kept != decisions_.end() && kept->second.version == version && now < kept->second.until &&
        kept->second.plan->ValidAt(now)) {
      *quota = kept->second.quota;
      return {kept->second.plan, {}};
    }
  }
  access::Authorised authorised = Ask(caller, context, contract);
  if (const auto receiver = state_.FindReceiver(context.receiver())) *quota = receiver->quota();
  // Contract and grants are of one version, or the decision is not kept.
  if (authorised.plan != nullptr && state_.version() == version) {
    absl::MutexLock lock(&mutex_);
    if (decisions_.size() >= kMaxDecisions) decisions_.clear();
    decisions_.insert_or_assign(std::move(key),
                                Decision{version, now + kDecisionAge, authorised.plan, *quota});
  }
  return authorised;
}

lineage::Reader Gate::Registered(lineage::Reader reader) const {
  if (!state_.FindReceiver(reader.receiver).has_value()) reader.receiver.clear();
  if (state_.FindContract(reader.dataset) == nullptr) reader.dataset.clear();
  const std::vector<huiliu::v1::Grant> grants = state_.Grants();
  const bool known = std::any_of(grants.begin(), grants.end(), [&](const huiliu::v1::Grant& grant) {
    return grant.organisation() == reader.organisation && grant.purpose() == reader.purpose;
  });
  if (!known) reader.purpose.clear();
  return reader;
}

absl::StatusOr<Admission> Gate::Admit(const governance::Principal& caller,
                                      const huiliu::v1::ReadContext& context,
                                      absl::string_view method, huiliu::v1::Role role) {
  Admission admission;
  admission.reader = {caller.account,
                      caller.organisation,
                      context.receiver(),
                      context.dataset(),
                      0,
                      context.purpose(),
                      "",
                      std::string(method)};
  const auto refuse = [&](const std::string& why) -> absl::Status {
    lineage::Reader reader = Registered(admission.reader);
    for (std::string* name : {&reader.receiver, &reader.dataset, &reader.purpose}) Cut(name);
    huiliu::v1::LineageEntry entry = lineage::RefusedEntry(reader, why, clock_.Now());
    RETURN_IF_ERROR(lineage::Bound(&entry));
    RETURN_IF_ERROR(recorder_.RecordAndWait(lineage::Encode(entry)));
    return absl::PermissionDeniedError(why);
  };
  if (!caller.Has(role)) {
    const bool consumer = role == huiliu::v1::ROLE_CONSUMER;
    return refuse(absl::StrCat("no_role: 账号未获", consumer ? "需求部门" : "数据专员",
                               "角色，请向安全管理员申请 / account ", caller.account,
                               " lacks the role ", consumer ? "CONSUMER" : "DATA_OFFICER",
                               "; ask the security administrator"));
  }
  const uint64_t version = admission.version = state_.version();
  if (lease_ != nullptr && (admission.term = lease_->Term()) == 0) return LeaseRanOut();
  const auto contract = state_.FindContract(context.dataset());
  admission.catalog = catalogs_.Find(context.receiver());
  if (admission.catalog == nullptr && contract != nullptr &&
      state_.FindReceiver(context.receiver()).has_value()) {
    return Moving(context.receiver());
  }
  if (contract == nullptr || admission.catalog == nullptr) {
    return refuse(absl::StrCat(
        "no_grant: 没有该数据集的授权，请提出共享申请 / no grant for this dataset; apply for it"));
  }
  admission.reader.dataset_version = contract->version();
  access::Authorised authorised = AskOnce(caller, context, contract, version, &admission.quota);
  if (authorised.plan == nullptr) {
    admission.reader.grant = authorised.refusal.grant;
    return refuse(authorised.refusal.message());
  }
  admission.plan = std::move(authorised.plan);
  admission.reader.grant = admission.plan->grant().id();
  RETURN_IF_ERROR(quotas_.TakeCall(context.receiver(), admission.quota));
  return admission;
}

bool Gate::StillValid(const access::AccessPlan& plan) const {
  const auto grant = state_.FindGrant(plan.grant().id());
  return grant.has_value() && grant->version() == plan.grant().version() &&
         plan.ValidAt(clock_.Now());
}

absl::Status Gate::MayLeave(const Admitted& admitted) const {
  if (lease_ != nullptr && (admitted.term == 0 || lease_->Term() != admitted.term))
    return LeaseRanOut();
  if (lease_ != nullptr && catalogs_.Find(admitted.plan->grant().receiver()) != admitted.catalog)
    return Moving(admitted.plan->grant().receiver());
  const bool unchanged = state_.version() == admitted.version;
  if (unchanged ? admitted.plan->ValidAt(clock_.Now()) : StillValid(*admitted.plan))
    return absl::OkStatus();
  return absl::PermissionDeniedError(
      "revoked: 授权已收回、变更或到期 / the grant was revoked, changed or has expired");
}

void Gate::Record(const Admission& admission, huiliu::v1::Step step,
                  const std::vector<std::string>& keys, ReadRecorder::Done done) {
  quotas_.TakeRows(admission.reader.receiver, admission.quota, static_cast<int64_t>(keys.size()));
  std::vector<std::string> digests;
  digests.reserve(keys.size());
  for (const std::string& key : keys) {
    digests.push_back(KeyDigest(admission.reader.receiver, admission.reader.dataset, key));
  }
  std::vector<std::string> entries;
  for (const huiliu::v1::LineageEntry& entry :
       lineage::ReadEntries(step, admission.reader, digests, clock_.Now())) {
    entries.push_back(lineage::Encode(entry));
  }
  recorder_.Record(std::move(entries), [this, admitted = Admitted(admission),
                                        done = std::move(done)](const absl::Status& recorded) {
    done(recorded.ok() ? MayLeave(admitted) : recorded);
  });
}

absl::Status Gate::RecordAndWait(const Admission& admission, huiliu::v1::Step step,
                                 const std::vector<std::string>& keys) {
  absl::Notification recorded;
  absl::Status result;
  Record(admission, step, keys, [&](const absl::Status& status) {
    result = status;
    recorded.Notify();
  });
  recorded.WaitForNotification();
  return result;
}

absl::Status Gate::RecordQuestion(const governance::Principal& caller, absl::string_view receiver,
                                  const schema::Contract& contract, absl::string_view method) {
  const lineage::Reader reader = {caller.account,
                                  caller.organisation,
                                  std::string(receiver),
                                  contract.id().value(),
                                  contract.version(),
                                  "",
                                  "",
                                  std::string(method)};
  const std::vector<huiliu::v1::LineageEntry> entries =
      lineage::ReadEntries(huiliu::v1::STEP_READ, reader, {}, clock_.Now());
  return recorder_.RecordAndWait(lineage::Encode(entries[0]));
}

absl::StatusOr<std::string> Gate::KeyOf(const huiliu::v1::ReadContext& context,
                                        const schema::Contract& contract,
                                        const huiliu::v1::RowKey& key) const {
  const std::vector<std::string> values(key.values().begin(), key.values().end());
  ASSIGN_OR_RETURN(const std::string contract_key, contract.KeyFromValues(values));
  if (!key.system().empty()) return RowKey(key.system(), contract_key);
  std::set<std::string> systems;
  for (const huiliu::v1::Source& source : state_.Sources()) {
    const auto& receivers = source.receivers();
    if (source.dataset() == context.dataset() &&
        std::find(receivers.begin(), receivers.end(), context.receiver()) != receivers.end()) {
      systems.insert(source.system());
    }
  }
  if (systems.size() == 1) return RowKey(*systems.begin(), contract_key);
  return absl::InvalidArgumentError(
      absl::StrCat("数据集 ", context.dataset(), " 来自 ", systems.size(),
                   " 个系统，请指明系统：命令行用 --system，接口用 key.system / dataset ",
                   context.dataset(), " comes from ", systems.size(),
                   " systems; say which: --system on the command line, key.system in the API"));
}

}  // namespace huiliu::pipeline
