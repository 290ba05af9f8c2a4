// The state's part of territory overrides: what a command must satisfy beside what is registered.
#include "absl/strings/str_cat.h"
#include "broker/governance/overrides.h"
#include "broker/governance/state.h"
#include "core/base/status.h"
#include "core/rules/compiled_rules.h"
#include "core/rules/override_match.h"

namespace huiliu::governance {
namespace {

using absl::StrCat;
using huiliu::v1::TerritoryOverride;
using Record = huiliu::v1::ControlRecord;

bool WaitsOrHolds(const TerritoryOverride& one) {
  return one.state() == huiliu::v1::OVERRIDE_STATE_PROPOSED ||
         one.state() == huiliu::v1::OVERRIDE_STATE_APPROVED;
}
bool IsPattern(const TerritoryOverride& one) { return one.has_pattern() || one.has_condition(); }

// A condition's areas must be divisions; what it is else has been checked.
absl::Status CheckAreas(const TerritoryOverride& given, const schema::Contract& contract,
                        const std::shared_ptr<const territory::Divisions>& divisions) {
  if (divisions == nullptr || !given.has_condition()) return absl::OkStatus();
  cel::Environment environment = *rules::EnvironmentOf(divisions);
  environment.check_area = [&](absl::string_view area) {
    return territory::CheckArea(*divisions, area);
  };
  return rules::CompileOverride(given, contract, environment).status();
}

absl::Status Unknown(const std::string& id) {
  return absl::NotFoundError(StrCat("没有认领决定 / there is no override \"", id, "\""));
}

}  // namespace

absl::StatusOr<Record> State::ProposeOverride(const TerritoryOverride& given,
                                              const std::string& author) const {
  absl::ReaderMutexLock lock(&mutex_);
  const DatasetVersion* dataset = DatasetAt(given.dataset(), 0);
  if (dataset == nullptr)
    return absl::NotFoundError(
        StrCat("数据集未登记 / dataset \"", given.dataset(), "\" is not registered"));
  if (!receivers_.contains(given.receiver()))
    return absl::NotFoundError(
        StrCat("接收方未登记 / receiver \"", given.receiver(), "\" is not registered"));
  RETURN_IF_ERROR(CheckProposal(given, *dataset->contract));
  RETURN_IF_ERROR(CheckAreas(given, *dataset->contract, divisions_));
  int held = 0, patterns = 0;
  for (const auto& [id, one] : overrides_) {
    if (one.dataset() != given.dataset() || one.receiver() != given.receiver() ||
        !WaitsOrHolds(one))
      continue;
    if (SayTheSame(one, given)) {
      Record standing;
      *standing.mutable_territory_override() = one;
      return standing;
    }
    ++held;
    patterns += IsPattern(one) ? 1 : 0;
  }
  if (held >= kMaxOverridesHeld || (IsPattern(given) && patterns >= kMaxPatternsHeld)) {
    return absl::ResourceExhaustedError(StrCat(
        "认领决定至多 ", kMaxOverridesHeld, " 条（其中模式 ", kMaxPatternsHeld,
        " 条），请先撤回不用的 / at most ", kMaxOverridesHeld, " overrides (", kMaxPatternsHeld,
        " patterns) of a dataset and receiver; withdraw what is not needed"));
  }
  Record record;
  record.set_version(version_ + 1);
  TerritoryOverride& proposed = *record.mutable_territory_override();
  proposed = given;
  proposed.set_id(StrCat("ov", version_ + 1));
  proposed.set_state(huiliu::v1::OVERRIDE_STATE_PROPOSED);
  proposed.set_author(author);
  proposed.set_version(version_ + 1);
  return record;
}

absl::StatusOr<Record> State::ProposeOverrideDecision(
    const huiliu::v1::DecideOverrideRequest& decision, const std::string& officer,
    absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto given = overrides_.find(decision.id());
  if (given == overrides_.end()) return Unknown(decision.id());
  Record record;
  ASSIGN_OR_RETURN(*record.mutable_territory_override(),
                   Decide(given->second, decision, officer, now));
  const DatasetVersion* dataset = DatasetAt(given->second.dataset(), 0);
  // The contract may have changed since it was proposed.
  if (decision.approve() && dataset != nullptr)
    RETURN_IF_ERROR(CheckProposal(given->second, *dataset->contract));
  record.set_version(version_ + 1);
  record.mutable_territory_override()->set_version(version_ + 1);
  return record;
}

absl::StatusOr<Record> State::ProposeOverrideWithdrawal(
    const huiliu::v1::WithdrawOverrideRequest& request, const std::string& officer,
    absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto given = overrides_.find(request.id());
  if (given == overrides_.end()) return Unknown(request.id());
  Record record;
  ASSIGN_OR_RETURN(*record.mutable_territory_override(),
                   Withdraw(given->second, request, officer, now));
  record.set_version(version_ + 1);
  record.mutable_territory_override()->set_version(version_ + 1);
  return record;
}

std::optional<TerritoryOverride> State::FindOverride(const std::string& id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = overrides_.find(id);
  if (found == overrides_.end()) return std::nullopt;
  return found->second;
}

std::vector<TerritoryOverride> State::Overrides() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<TerritoryOverride> out;
  out.reserve(overrides_.size());
  for (const auto& [id, one] : overrides_) out.push_back(one);
  return out;
}

void State::ApplyOverride(const TerritoryOverride& given) {
  overrides_[given.id()] = given;
  const RuleSetKey key(given.dataset(), given.receiver());
  if (given.state() == huiliu::v1::OVERRIDE_STATE_APPROVED) {
    overrides_in_force_[key].insert(given.id());
  } else if (given.state() == huiliu::v1::OVERRIDE_STATE_WITHDRAWN) {
    overrides_in_force_[key].erase(given.id());
  }
}

std::vector<std::string> State::OverrideIdsInForce(const std::string& dataset,
                                                   const std::string& receiver) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto held = overrides_in_force_.find({dataset, receiver});
  if (held == overrides_in_force_.end()) return {};
  return {held->second.begin(), held->second.end()};
}

bool State::EverOverridden(const std::string& dataset, const std::string& receiver) const {
  absl::ReaderMutexLock lock(&mutex_);
  return overrides_in_force_.contains({dataset, receiver});
}

std::vector<TerritoryOverride> State::OverridesInForce(const std::string& dataset,
                                                       const std::string& receiver) const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<TerritoryOverride> out;
  const auto held = overrides_in_force_.find({dataset, receiver});
  if (held == overrides_in_force_.end()) return out;
  for (const std::string& id : held->second) out.push_back(overrides_.at(id));
  return out;
}

}  // namespace huiliu::governance
