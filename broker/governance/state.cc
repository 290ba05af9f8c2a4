#include "broker/governance/state.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace huiliu::governance {
namespace {

using absl::StrCat;
using Record = huiliu::v1::ControlRecord;

template <typename T>
std::optional<T> FindIn(const std::map<std::string, T>& map, const std::string& id) {
  const auto it = map.find(id);
  if (it == map.end()) return std::nullopt;
  return it->second;
}

template <typename T>
std::vector<T> ValuesOf(const std::map<std::string, T>& map) {
  std::vector<T> values;
  values.reserve(map.size());
  for (const auto& [id, value] : map) values.push_back(value);
  return values;
}

}  // namespace

bool Principal::Has(huiliu::v1::Role role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::string ControlKey(const Record& record) {
  switch (record.entity_case()) {
    case Record::kOrganisation:
      return StrCat("organisation/", record.organisation().id());
    case Record::kAccount:
      return StrCat("account/", record.account().id());
    case Record::kReceiver:
      return StrCat("receiver/", record.receiver().id());
    case Record::kSystem:
      return StrCat("system/", record.system().id());
    case Record::kSource:
      return StrCat("source/", record.source().id());
    case Record::kDataset:
      return StrCat("dataset/", record.dataset().id(), "/", record.dataset().version());
    case Record::kRuleSet:
      return StrCat("rules/", record.rule_set().dataset(), "/", record.rule_set().receiver(), "/",
                    record.rule_set().version());
    case Record::kGrant:
      return StrCat("grant/", record.grant().id());
    case Record::kPlacement:
      return "placement";
    case Record::kTerritoryOverride:
      return StrCat("override/", record.territory_override().id());
    case Record::ENTITY_NOT_SET:
      break;
  }
  return "";
}

State::State() = default;

absl::Status State::Apply(const Record& record) {
  // Thousands of rules take a while to parse: nobody waits for that.
  std::shared_ptr<const rules::RuleSet> rule_set;
  if (record.has_rule_set()) {
    ASSIGN_OR_RETURN(rule_set, RulesOf(record.rule_set()));
  }
  absl::MutexLock lock(&mutex_);
  switch (record.entity_case()) {
    case Record::kOrganisation:
      organisations_[record.organisation().id()] = record.organisation();
      break;
    case Record::kAccount:
      ApplyAccount(record.account());
      break;
    case Record::kReceiver:
      receivers_[record.receiver().id()] = record.receiver();
      break;
    case Record::kSystem:
      systems_[record.system().id()] = record.system();
      break;
    case Record::kSource:
      sources_[record.source().id()] = record.source();
      break;
    case Record::kDataset:
      RETURN_IF_ERROR(ApplyDataset(record.dataset()));
      break;
    case Record::kRuleSet:
      rule_sets_[{record.rule_set().dataset(), record.rule_set().receiver()}].Put(
          record.rule_set(), std::move(rule_set), record.version());
      break;
    case Record::kGrant:
      grants_[record.grant().id()] = record.grant();
      break;
    case Record::kPlacement:
      placement_ = record.placement();
      break;
    case Record::kTerritoryOverride:
      ApplyOverride(record.territory_override());
      break;
    case Record::ENTITY_NOT_SET:
      return absl::DataLossError(
          StrCat("control record ", record.version(), " holds no entity that this version knows"));
  }
  version_ = std::max(version_, record.version());
  return absl::OkStatus();
}

void State::ApplyAccount(const huiliu::v1::Account& account) {
  const auto old = accounts_.find(account.id());
  if (old != accounts_.end()) {
    for (const std::string& c : old->second.certificate_sha256()) account_by_certificate_.erase(c);
    for (const std::string& t : old->second.token_sha256()) account_by_token_.erase(t);
  }
  for (const std::string& c : account.certificate_sha256())
    account_by_certificate_[c] = account.id();
  for (const std::string& t : account.token_sha256()) account_by_token_[t] = account.id();
  accounts_[account.id()] = account;
}

absl::Status State::ApplyDataset(const huiliu::v1::Dataset& dataset) {
  auto contract =
      schema::Contract::Parse(dataset.source_name(), dataset.source_text(), dataset.version());
  if (!contract.ok()) {
    return absl::DataLossError(StrCat("dataset ", dataset.id(), " version ", dataset.version(),
                                      ": ", contract.status().message()));
  }
  std::vector<DatasetVersion>& versions = datasets_[dataset.id()];
  versions.push_back({dataset, *std::move(contract)});
  std::sort(versions.begin(), versions.end(), [](const DatasetVersion& a, const DatasetVersion& b) {
    return a.dataset.version() < b.dataset.version();
  });
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const rules::RuleSet>> State::RulesOf(
    const huiliu::v1::RuleSet& proto) const {
  std::shared_ptr<const schema::Contract> contract;
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto known = rule_sets_.find({proto.dataset(), proto.receiver()});
    const RuleVersions::Version* version =
        known == rule_sets_.end() ? nullptr : known->second.Find(proto.version());
    // What is decided about a version leaves its rules as they are.
    if (version != nullptr && version->proto.yaml() == proto.yaml() &&
        version->proto.source_name() == proto.source_name()) {
      return version->rules;
    }
    const DatasetVersion* dataset = DatasetAt(proto.dataset(), 0);
    if (dataset == nullptr) {
      return absl::DataLossError(
          StrCat("rule set ", proto.source_name(), ": dataset ", proto.dataset(), " is unknown"));
    }
    contract = dataset->contract;
  }
  std::vector<huiliu::v1::RuleError> errors;
  auto parsed = rules::ParseRuleSet(proto.source_name(), proto.yaml(), *contract, &errors, nullptr,
                                    rules::RuleAge::kStanding);
  if (!parsed.ok()) {
    return absl::DataLossError(StrCat("rule set ", proto.source_name(), " version ",
                                      proto.version(), ": ", parsed.status().message()));
  }
  return rules::WithVersion(**parsed, proto.version());
}

uint64_t State::version() const {
  absl::ReaderMutexLock lock(&mutex_);
  return version_;
}

std::optional<Principal> State::PrincipalOf(const std::string& id) const {
  const auto it = accounts_.find(id);
  if (it == accounts_.end() || it->second.disabled()) return std::nullopt;
  Principal principal{it->second.id(), it->second.organisation(), {}};
  for (int role : it->second.roles())
    principal.roles.push_back(static_cast<huiliu::v1::Role>(role));
  return principal;
}

std::optional<Principal> State::FindByCertificate(absl::string_view sha256) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = account_by_certificate_.find(sha256);
  if (it == account_by_certificate_.end()) return std::nullopt;
  return PrincipalOf(it->second);
}

std::optional<Principal> State::FindByToken(absl::string_view sha256) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = account_by_token_.find(sha256);
  if (it == account_by_token_.end()) return std::nullopt;
  return PrincipalOf(it->second);
}

std::optional<Principal> State::FindByAccount(const std::string& account) const {
  absl::ReaderMutexLock lock(&mutex_);
  return PrincipalOf(account);
}

huiliu::v1::CatalogPlacement State::PlacedCatalogs() const {
  absl::ReaderMutexLock lock(&mutex_);
  return placement_;
}

std::optional<huiliu::v1::Organisation> State::FindOrganisation(const std::string& id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return FindIn(organisations_, id);
}

std::optional<huiliu::v1::Receiver> State::FindReceiver(const std::string& id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return FindIn(receivers_, id);
}

std::optional<huiliu::v1::System> State::FindSystem(const std::string& id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return FindIn(systems_, id);
}

std::optional<huiliu::v1::Source> State::FindSource(const std::string& id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return FindIn(sources_, id);
}

std::optional<huiliu::v1::Grant> State::FindGrant(const std::string& id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return FindIn(grants_, id);
}

const State::DatasetVersion* State::DatasetAt(const std::string& id, uint32_t version) const {
  const auto it = datasets_.find(id);
  if (it == datasets_.end() || it->second.empty()) return nullptr;
  if (version == 0) return &it->second.back();
  for (const DatasetVersion& v : it->second) {
    if (v.dataset.version() == version) return &v;
  }
  return nullptr;
}

std::shared_ptr<const schema::Contract> State::FindContract(const std::string& dataset,
                                                            uint32_t version) const {
  absl::ReaderMutexLock lock(&mutex_);
  const DatasetVersion* found = DatasetAt(dataset, version);
  return found == nullptr ? nullptr : found->contract;
}

std::optional<huiliu::v1::Dataset> State::FindDataset(const std::string& dataset,
                                                      uint32_t version) const {
  absl::ReaderMutexLock lock(&mutex_);
  const DatasetVersion* found = DatasetAt(dataset, version);
  if (found == nullptr) return std::nullopt;
  return found->dataset;
}

std::shared_ptr<const rules::RuleSet> State::FindRuleSet(const std::string& dataset,
                                                         const std::string& receiver,
                                                         absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = rule_sets_.find({dataset, receiver});
  if (it == rule_sets_.end()) return nullptr;
  const RuleVersions::Version* version = it->second.InForce(now);
  return version == nullptr ? nullptr : version->rules;
}

bool State::WasInForce(const std::string& dataset, const std::string& receiver, uint32_t version,
                       absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = rule_sets_.find({dataset, receiver});
  return it != rule_sets_.end() && it->second.WasInForce(version, now);
}

std::optional<State::ActiveRules> State::FindActiveRules(const std::string& dataset,
                                                         const std::string& receiver,
                                                         absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = rule_sets_.find({dataset, receiver});
  if (it == rule_sets_.end()) return std::nullopt;
  const RuleVersions::Version* version = it->second.InForce(now);
  if (version == nullptr) return std::nullopt;
  const RuleVersions::Version* before = it->second.BeforeInForce(now);
  return ActiveRules{version->rules, before == nullptr ? nullptr : before->rules,
                     version->proto.reevaluate_history()};
}

std::vector<std::shared_ptr<const rules::RuleSet>> State::ComingRuleSets(
    const std::string& dataset, const std::string& receiver, absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<std::shared_ptr<const rules::RuleSet>> coming;
  const auto it = rule_sets_.find({dataset, receiver});
  if (it == rule_sets_.end()) return coming;
  for (const RuleVersions::Version* version : it->second.Coming(now))
    coming.push_back(version->rules);
  return coming;
}

absl::Time State::NextRuleChange(absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [key, versions] : rule_sets_) next = std::min(next, versions.NextChange(now));
  return next;
}

std::vector<huiliu::v1::Organisation> State::Organisations() const {
  absl::ReaderMutexLock lock(&mutex_);
  return ValuesOf(organisations_);
}

std::vector<huiliu::v1::Account> State::Accounts() const {
  absl::ReaderMutexLock lock(&mutex_);
  return ValuesOf(accounts_);
}

std::vector<huiliu::v1::Receiver> State::Receivers() const {
  absl::ReaderMutexLock lock(&mutex_);
  return ValuesOf(receivers_);
}

std::vector<huiliu::v1::System> State::Systems() const {
  absl::ReaderMutexLock lock(&mutex_);
  return ValuesOf(systems_);
}

std::vector<huiliu::v1::Source> State::Sources() const {
  absl::ReaderMutexLock lock(&mutex_);
  return ValuesOf(sources_);
}

std::vector<huiliu::v1::Dataset> State::Datasets() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<huiliu::v1::Dataset> out;
  for (const auto& [id, versions] : datasets_) out.push_back(versions.back().dataset);
  return out;
}

std::vector<huiliu::v1::Dataset> State::DatasetVersions(const std::string& dataset) const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<huiliu::v1::Dataset> out;
  const auto it = datasets_.find(dataset);
  if (it == datasets_.end()) return out;
  for (const DatasetVersion& version : it->second) out.push_back(version.dataset);
  return out;
}

uint32_t State::SchemaId(absl::string_view dataset, int* message_index) const {
  absl::ReaderMutexLock lock(&mutex_);
  const DatasetVersion* newest = DatasetAt(std::string(dataset), 0);
  if (newest == nullptr) return 0;
  *message_index = newest->contract->descriptor()->index();
  return static_cast<uint32_t>(newest->dataset.control_version());
}

bool State::HasSchema(absl::string_view dataset, uint32_t id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = datasets_.find(std::string(dataset));
  return it != datasets_.end() &&
         std::any_of(it->second.begin(), it->second.end(), [&](const DatasetVersion& version) {
           return static_cast<uint32_t>(version.dataset.control_version()) == id;
         });
}

std::vector<huiliu::v1::RuleSet> State::RuleSets(absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<huiliu::v1::RuleSet> out;
  for (const auto& [key, versions] : rule_sets_) {
    for (huiliu::v1::RuleSet& version : versions.At(now)) out.push_back(std::move(version));
  }
  return out;
}

std::vector<huiliu::v1::Grant> State::Grants() const {
  absl::ReaderMutexLock lock(&mutex_);
  return ValuesOf(grants_);
}

std::vector<huiliu::v1::Grant> State::GrantsOf(const std::string& organisation,
                                               const std::string& dataset) const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<huiliu::v1::Grant> out;
  for (const auto& [id, grant] : grants_) {
    if (grant.organisation() == organisation && grant.dataset() == dataset) out.push_back(grant);
  }
  return out;
}

}  // namespace huiliu::governance
