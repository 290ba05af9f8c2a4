#include "broker/pipeline/prepared_rules.h"

#include <algorithm>

#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

// How soon a version that was proposed or approved begins to be prepared.
constexpr absl::Duration kLookEvery = absl::Milliseconds(200);

}  // namespace

PreparedRules::PreparedRules(const governance::State& state,
                             std::shared_ptr<const territory::Divisions> divisions,
                             PseudonymKey pseudonym_key, Clock& clock)
    : state_(state),
      divisions_(std::move(divisions)),
      environment_(rules::EnvironmentOf(divisions_)),
      pseudonym_key_(std::move(pseudonym_key)),
      clock_(clock) {}

PreparedRules::LineKey PreparedRules::KeyOf(const rules::RuleSet& rule_set) {
  return {rule_set.dataset.value(), rule_set.receiver.value()};
}

PreparedRules::Compiled PreparedRules::Known(
    const std::shared_ptr<const schema::Contract>& contract,
    const std::shared_ptr<const rules::RuleSet>& rule_set, const std::string& key) {
  absl::MutexLock lock(&mutex_);
  const Line& line = lines_[KeyOf(*rule_set)];
  const auto serves = [&](const Compiled& compiled) {
    return compiled != nullptr && &compiled->rule_set() == rule_set.get() &&
           compiled->with().contract == contract && compiled->with().pseudonym_key == key;
  };
  if (serves(line.in_use)) return line.in_use;
  if (serves(line.former)) return line.former;
  const auto found = std::find_if(line.prepared.begin(), line.prepared.end(), serves);
  return found == line.prepared.end() ? nullptr : *found;
}

absl::StatusOr<PreparedRules::Compiled> PreparedRules::KnownOrCompiled(
    const std::shared_ptr<const schema::Contract>& contract,
    const std::shared_ptr<const rules::RuleSet>& rule_set) {
  const std::string key = pseudonym_key_(rule_set->receiver.value());
  Compiled compiled = Known(contract, rule_set, key);
  if (compiled == nullptr) {
    absl::MutexLock one(&compiling_);
    compiled = Known(contract, rule_set, key);  // it was being prepared
    if (compiled == nullptr) {
      Compiled previous;
      {
        absl::MutexLock lock(&mutex_);
        previous = lines_[KeyOf(*rule_set)].in_use;
      }
      ASSIGN_OR_RETURN(compiled, rules::CompiledRules::Compile({contract, environment_, key},
                                                               rule_set, previous.get()));
    }
  }
  return compiled;
}

absl::StatusOr<PreparedRules::Compiled> PreparedRules::Find(
    const std::shared_ptr<const schema::Contract>& contract,
    const std::shared_ptr<const rules::RuleSet>& rule_set) {
  ASSIGN_OR_RETURN(Compiled compiled, KnownOrCompiled(contract, rule_set));
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[KeyOf(*rule_set)];
  if (line.in_use != compiled) {
    // Of another contract it serves nobody.
    const bool serves = line.in_use != nullptr && line.in_use->with().contract == contract;
    line.former = serves ? std::move(line.in_use) : nullptr;
  }
  line.in_use = compiled;
  return compiled;
}

absl::StatusOr<PreparedRules::Compiled> PreparedRules::FindFormer(
    const std::shared_ptr<const schema::Contract>& contract,
    const std::shared_ptr<const rules::RuleSet>& rule_set) {
  ASSIGN_OR_RETURN(Compiled compiled, KnownOrCompiled(contract, rule_set));
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[KeyOf(*rule_set)];
  if (line.in_use != compiled) line.former = compiled;
  return compiled;
}

void PreparedRules::Prepare() {
  std::map<LineKey, Compiled> in_use;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [key, line] : lines_) {
      if (line.in_use != nullptr) in_use.emplace(key, line.in_use);
    }
  }
  for (const auto& [key, previous] : in_use) {
    const auto contract = state_.FindContract(key.first);
    const std::string pseudonym_key = pseudonym_key_(key.second);
    const absl::Time now = clock_.Now();
    auto wanted = state_.ComingRuleSets(key.first, key.second, now);
    // One that has come into force and was not asked for yet.
    if (auto in_force = state_.FindRuleSet(key.first, key.second, now))
      wanted.push_back(std::move(in_force));
    std::vector<Compiled> prepared;
    for (const auto& rule_set : wanted) {
      Compiled compiled = Known(contract, rule_set, pseudonym_key);
      if (compiled == nullptr) {
        absl::MutexLock one(&compiling_);
        // What does not fit is said by whoever needs it: this version may never come into force.
        auto made = rules::CompiledRules::Compile({contract, environment_, pseudonym_key}, rule_set,
                                                  previous.get());
        if (made.ok()) compiled = *std::move(made);
      }
      if (compiled != nullptr) prepared.push_back(std::move(compiled));
    }
    absl::MutexLock lock(&mutex_);
    lines_[key].prepared = std::move(prepared);
  }
}

void PreparedRules::Start() {
  thread_ = std::thread([this] { Run(); });
}

void PreparedRules::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void PreparedRules::Run() {
  uint64_t seen = 0;
  absl::Time until = absl::InfinitePast();
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kLookEvery)) return;
    }
    const uint64_t version = state_.version();
    if (version == seen && clock_.Now() < until) continue;
    seen = version;
    until = state_.NextRuleChange(clock_.Now());
    Prepare();
  }
}

}  // namespace huiliu::pipeline
