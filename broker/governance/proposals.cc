// What a command must satisfy before it becomes a record of the control topic.
#include "absl/strings/str_cat.h"
#include "broker/governance/checks.h"
#include "broker/governance/proposal_checks.h"
#include "broker/governance/state.h"
#include "core/base/status.h"

namespace huiliu::governance {
namespace {

using absl::StrCat;
using Record = huiliu::v1::ControlRecord;

std::string TypeOf(const schema::Field& field) {
  constexpr const char* kNames[] = {"string", "bytes", "bool",      "int64",  "uint64",
                                    "double", "enum",  "timestamp", "message"};
  return StrCat(field.repeated ? "repeated " : "", kNames[static_cast<int>(field.type)]);
}

// The names of `fields` as the catalog shows them.
void FillCatalogEntry(const schema::Contract& contract, huiliu::v1::Dataset* dataset) {
  const huiliu::v1::DatasetOptions& options = contract.options();
  dataset->set_title(options.title());
  dataset->set_theme(options.theme());
  dataset->set_provider(options.provider());
  dataset->set_sharing(huiliu::v1::Sharing_Name(options.sharing()));
  dataset->set_update_cycle(huiliu::v1::UpdateCycle_Name(options.update_cycle()));
  dataset->set_catalog_code(options.catalog_code());
  dataset->set_grade(huiliu::v1::Grade_Name(contract.grade()));
  for (const schema::Field& field : contract.fields()) {
    huiliu::v1::DatasetField* out = dataset->add_fields();
    out->set_name(field.name);
    out->set_title(field.options.title());
    out->set_type(TypeOf(field));
    out->set_key(field.options.key());
    out->set_index(field.options.index());
    out->set_grade(huiliu::v1::Grade_Name(field.options.grade()));
    out->set_personal(field.options.personal());
  }
}

// Of the three; an account has one at most.
huiliu::v1::Role AdministratorRole(const huiliu::v1::Account& account) {
  for (const int role : account.roles()) {
    if (role == huiliu::v1::ROLE_SYSTEM_ADMINISTRATOR ||
        role == huiliu::v1::ROLE_SECURITY_ADMINISTRATOR ||
        role == huiliu::v1::ROLE_AUDIT_ADMINISTRATOR)
      return static_cast<huiliu::v1::Role>(role);
  }
  return huiliu::v1::ROLE_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<Record> State::Propose(const huiliu::v1::Organisation& organisation,
                                      uint64_t seen) const {
  RETURN_IF_ERROR(Check(organisation));
  absl::ReaderMutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckSeen("organisation", organisations_, organisation.id(), seen));
  if (!organisation.receiver().empty()) {
    RETURN_IF_ERROR(CheckKnown(StrCat("organisation ", organisation.id()), "receiver", receivers_,
                               organisation.receiver()));
  }
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_organisation() = organisation;
  record.mutable_organisation()->set_version(version_ + 1);
  return record;
}

absl::StatusOr<Record> State::Propose(const huiliu::v1::Account& account, uint64_t seen) const {
  RETURN_IF_ERROR(Check(account));
  absl::ReaderMutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckSeen("account", accounts_, account.id(), seen));
  RETURN_IF_ERROR(CheckKnown(StrCat("account ", account.id()), "organisation", organisations_,
                             account.organisation()));
  const auto taken = [&](const auto& owners, const std::string& credential) {
    const auto it = owners.find(credential);
    return it != owners.end() && it->second != account.id();
  };
  for (const std::string& c : account.certificate_sha256()) {
    if (taken(account_by_certificate_, c)) {
      return absl::AlreadyExistsError(
          StrCat("account ", account.id(),
                 ": 该证书已属于另一个账号 / the certificate belongs to another account"));
    }
  }
  for (const std::string& t : account.token_sha256()) {
    if (taken(account_by_token_, t)) {
      return absl::AlreadyExistsError(
          StrCat("account ", account.id(),
                 ": 该令牌已属于另一个账号 / the token belongs to another account"));
    }
  }
  huiliu::v1::Role administrator = AdministratorRole(account);
  const auto old = accounts_.find(account.id());
  if (old != accounts_.end()) {
    const huiliu::v1::Role was = old->second.administrator() != huiliu::v1::ROLE_UNSPECIFIED
                                     ? old->second.administrator()
                                     : AdministratorRole(old->second);
    if (was != huiliu::v1::ROLE_UNSPECIFIED) {
      if (administrator != huiliu::v1::ROLE_UNSPECIFIED && administrator != was) {
        return absl::InvalidArgumentError(StrCat(
            "account ", account.id(), " is or has been ", huiliu::v1::Role_Name(was),
            ": system, security and audit administrator (三员) never meet in one account, "
            "not one after the other either; make another account (三员不得先后由同一账号担任)"));
      }
      administrator = was;
    }
    RETURN_IF_ERROR(CheckSecurityRemains(account));
  }
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_account() = account;
  record.mutable_account()->set_administrator(administrator);
  record.mutable_account()->set_version(version_ + 1);
  return record;
}

// Who gives accounts and grants must go on being somebody: the bootstrap file is read once.
absl::Status State::CheckSecurityRemains(const huiliu::v1::Account& changed) const {
  const auto secures = [](const huiliu::v1::Account& account) {
    return !account.disabled() &&
           AdministratorRole(account) == huiliu::v1::ROLE_SECURITY_ADMINISTRATOR &&
           account.certificate_sha256_size() + account.token_sha256_size() > 0;
  };
  const auto old = accounts_.find(changed.id());
  if (old == accounts_.end() || !secures(old->second) || secures(changed)) return absl::OkStatus();
  for (const auto& [id, account] : accounts_) {
    if (id != changed.id() && secures(account)) return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      StrCat("account ", changed.id(),
             " is the last security administrator: without one nobody can give accounts or "
             "grants; appoint another first (这是最后一个安全管理员账号，请先设立另一个)"));
}

absl::StatusOr<Record> State::Propose(const huiliu::v1::Receiver& receiver, uint64_t seen) const {
  RETURN_IF_ERROR(Check(receiver));
  for (const std::string& division : receiver.divisions()) {
    if (divisions_ == nullptr) break;
    RETURN_IF_ERROR(Annotate(territory::CheckArea(*divisions_, division),
                             StrCat("接收方 ", receiver.id(), " / receiver ", receiver.id())));
  }
  absl::ReaderMutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckSeen("receiver", receivers_, receiver.id(), seen));
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_receiver() = receiver;
  record.mutable_receiver()->set_version(version_ + 1);
  return record;
}

absl::StatusOr<Record> State::Propose(const huiliu::v1::System& system, uint64_t seen) const {
  RETURN_IF_ERROR(Check(system));
  absl::ReaderMutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckSeen("system", systems_, system.id(), seen));
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_system() = system;
  record.mutable_system()->set_version(version_ + 1);
  return record;
}

absl::StatusOr<Record> State::Propose(const huiliu::v1::Source& source, uint64_t seen) const {
  RETURN_IF_ERROR(Check(source));
  absl::ReaderMutexLock lock(&mutex_);
  const std::string user = StrCat("source ", source.id());
  RETURN_IF_ERROR(CheckSeen("source", sources_, source.id(), seen));
  RETURN_IF_ERROR(CheckKnown(user, "system", systems_, source.system()));
  RETURN_IF_ERROR(CheckKnown(user, "organisation", organisations_, source.organisation()));
  RETURN_IF_ERROR(CheckKnown(user, "dataset", datasets_, source.dataset()));
  for (const std::string& receiver : source.receivers()) {
    RETURN_IF_ERROR(CheckKnown(user, "receiver", receivers_, receiver));
  }
  // Its agent judges for a receiver whose rules and divisions it may see.
  const std::string& bound = organisations_.at(source.organisation()).receiver();
  if (source.placement() == huiliu::v1::PLACEMENT_EDGE && !bound.empty() &&
      source.receivers(0) != bound) {
    return absl::FailedPreconditionError(
        StrCat(user, ": 该机构已绑定另一接收方，不能在前置机为此接收方判定 / organisation \"",
               source.organisation(), "\" is bound to receiver ", bound,
               " and cannot judge at the edge for ", source.receivers(0), "; register it for ",
               bound, ", or under an organisation bound to none"));
  }
  const auto old = sources_.find(source.id());
  if (old != sources_.end() &&
      (old->second.system() != source.system() || old->second.dataset() != source.dataset() ||
       old->second.placement() != source.placement())) {
    return absl::FailedPreconditionError(
        StrCat(user,
               ": 数据源的系统、数据集与判定位置不可更改，请另行登记 / system, dataset and "
               "placement of a source never change; register another source"));
  }
  if (old != sources_.end()) RETURN_IF_ERROR(CheckReceiversGrow(old->second, source));
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_source() = source;
  record.mutable_source()->set_version(version_ + 1);
  return record;
}

absl::StatusOr<std::optional<Record>> State::ProposeDataset(const std::string& source_name,
                                                            const std::string& source_text) const {
  absl::ReaderMutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(std::shared_ptr<const schema::Contract> contract,
                   schema::Contract::Parse(source_name, source_text));
  const DatasetVersion* previous = DatasetAt(contract->id().value(), 0);
  if (previous != nullptr) {
    if (previous->dataset.source_text() == source_text) return std::nullopt;
    RETURN_IF_ERROR(schema::CheckEvolution(*previous->contract, *contract));
  }
  Record record;
  record.set_version(version_ + 1);
  huiliu::v1::Dataset* dataset = record.mutable_dataset();
  dataset->set_id(contract->id().value());
  dataset->set_version(previous == nullptr ? 1 : previous->dataset.version() + 1);
  dataset->set_source_name(source_name);
  dataset->set_source_text(source_text);
  dataset->set_control_version(version_ + 1);
  FillCatalogEntry(*contract, dataset);
  return record;
}

absl::StatusOr<std::optional<Record>> State::ProposeRuleSet(const std::string& source_name,
                                                            const std::string& yaml,
                                                            const std::string& author) const {
  ASSIGN_OR_RETURN(const rules::RuleSetHead head, rules::ParseRuleSetHead(source_name, yaml));
  std::shared_ptr<const schema::Contract> contract;
  {
    absl::ReaderMutexLock lock(&mutex_);
    const DatasetVersion* dataset = DatasetAt(head.dataset.value(), 0);
    if (dataset == nullptr) {
      return absl::NotFoundError(StrCat(source_name, ": 数据集未登记，请先登记其契约 / dataset \"",
                                        head.dataset.value(),
                                        "\" is not registered; register its contract first"));
    }
    RETURN_IF_ERROR(CheckKnown(source_name, "receiver", receivers_, head.receiver.value()));
    contract = dataset->contract;
  }
  // Thousands of rules take a while: nobody waits for them.
  std::vector<huiliu::v1::RuleError> errors;
  ASSIGN_OR_RETURN(std::shared_ptr<const rules::RuleSet> parsed,
                   rules::ParseRuleSet(source_name, yaml, *contract, &errors, divisions_.get()));
  absl::ReaderMutexLock lock(&mutex_);
  uint32_t version = 1;
  const auto old = rule_sets_.find({head.dataset.value(), head.receiver.value()});
  if (old != rule_sets_.end() && old->second.Newest() != nullptr) {
    const huiliu::v1::RuleSet& newest = old->second.Newest()->proto;
    if (newest.yaml() == yaml && newest.state() != huiliu::v1::RULE_SET_STATE_REJECTED)
      return std::nullopt;
    version = newest.version() + 1;
  }
  Record record;
  record.set_version(version_ + 1);
  huiliu::v1::RuleSet* rule_set = record.mutable_rule_set();
  rule_set->set_dataset(head.dataset.value());
  rule_set->set_receiver(head.receiver.value());
  rule_set->set_version(version);
  rule_set->set_source_name(source_name);
  rule_set->set_yaml(yaml);
  rule_set->set_digest(ToString(parsed->digest));
  rule_set->set_author(author);
  rule_set->set_state(huiliu::v1::RULE_SET_STATE_PROPOSED);
  return record;
}

absl::StatusOr<Record> State::ProposeDryRun(const huiliu::v1::RecordDryRunRequest& request) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto versions = rule_sets_.find({request.dataset(), request.receiver()});
  const RuleVersions::Version* version =
      versions == rule_sets_.end() ? nullptr : versions->second.Find(request.version());
  if (version == nullptr) {
    return absl::NotFoundError(StrCat("规则没有这个版本 / no version ", request.version(),
                                      " of the rules for dataset ", request.dataset(),
                                      " to receiver ", request.receiver(),
                                      "; huiliu rules history lists them"));
  }
  Record record;
  record.set_version(version_ + 1);
  ASSIGN_OR_RETURN(*record.mutable_rule_set(), WithDryRun(version->proto, request));
  return record;
}

absl::StatusOr<Record> State::ProposeDecision(const huiliu::v1::DecideRuleSetRequest& decision,
                                              const std::string& officer, absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto versions = rule_sets_.find({decision.dataset(), decision.receiver()});
  const RuleVersions::Version* version =
      versions == rule_sets_.end() ? nullptr : versions->second.Find(decision.version());
  if (version == nullptr) {
    return absl::NotFoundError(StrCat("规则没有这个版本 / no version ", decision.version(),
                                      " of the rules for dataset ", decision.dataset(),
                                      " to receiver ", decision.receiver(),
                                      "; huiliu rules history lists them"));
  }
  const RuleVersions::Version* newer = versions->second.NewerApproved(decision.version());
  if (decision.approve() && newer != nullptr &&
      version->proto.state() == huiliu::v1::RULE_SET_STATE_PROPOSED) {
    return absl::FailedPreconditionError(StrCat(
        "rules ", decision.dataset(), " → ", decision.receiver(), " version ", decision.version(),
        "：较新的第 ", newer->proto.version(),
        " 版已审批，旧版不能再审批通过；要改用这一版的规则，请把原文作为新版本重新提交 / version ",
        newer->proto.version(),
        ", which is newer, is approved: an older one does not take its place; to return to these "
        "rules propose their text anew, as the newest version"));
  }
  // Proposed under an earlier release: what stands goes on holding, but nothing new comes into
  // force.
  if (decision.approve() && version->rules != nullptr && !version->rules->undisclosed.empty()) {
    return absl::FailedPreconditionError(
        StrCat("规则 / rules ", decision.dataset(), " → ", decision.receiver(), " version ",
               decision.version(), ": ", version->rules->undisclosed));
  }
  Record record;
  record.set_version(version_ + 1);
  ASSIGN_OR_RETURN(*record.mutable_rule_set(), Decide(version->proto, decision, officer, now));
  return record;
}

Record State::ProposePlacement(const huiliu::v1::CatalogPlacement& placement) const {
  absl::ReaderMutexLock lock(&mutex_);
  Record record;
  record.set_version(version_ + 1);
  *record.mutable_placement() = placement;
  record.mutable_placement()->set_version(version_ + 1);
  return record;
}

}  // namespace huiliu::governance
