#include "broker/pipeline/node_engines.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr size_t kMaxFormers = 4;  // engines of former rules, of one source

}  // namespace

absl::StatusOr<NodeEngine*> NodeEngines::Find(const std::string& id) {
  Built& built = built_[id];
  // Read first: what changes meanwhile is looked at again.
  const uint64_t version = state_.version();
  const absl::Time now = clock_.Now();
  if (built.engine.engine != nullptr && built.state_version == version && now < built.rules_until)
    return &built.engine;
  built.rules_until = state_.NextRuleChange(now);
  const auto source = state_.FindSource(id);
  if (!source.has_value() || source->placement() != huiliu::v1::PLACEMENT_NODE) {
    return absl::DataLossError(
        absl::StrCat("source \"", id, "\" is none that is decided at the node"));
  }
  built.engine.source = *source;
  RETURN_IF_ERROR(Annotate(Build(&built, now), absl::StrCat("source ", id)));
  built.state_version = version;
  return &built.engine;
}

absl::Status NodeEngines::Build(Built* built, absl::Time now) {
  NodeEngine& engine = built->engine;
  engine.contract = state_.FindContract(engine.source.dataset());
  if (engine.contract == nullptr)
    return absl::DataLossError(absl::StrCat("dataset ", engine.source.dataset(), " is unknown"));
  std::string made_of = absl::StrCat(engine.contract->version());
  rules::ReturnEngine::Options options;
  std::vector<std::shared_ptr<const rules::CompiledRules>> compiled;
  std::vector<std::shared_ptr<const rules::RuleSet>> rule_sets;
  std::vector<governance::State::ActiveRules> active;
  std::vector<std::string> digests, labels;
  for (const std::string& id : engine.source.receivers()) {
    const auto receiver = state_.FindReceiver(id);
    if (!receiver.has_value())
      return absl::DataLossError(absl::StrCat("receiver ", id, " is unknown"));
    rules::Receiver area;
    area.id = ReceiverId(id);
    area.title = receiver->title();
    area.divisions.assign(receiver->divisions().begin(), receiver->divisions().end());
    area.pseudonym_key = rules_.KeyOf(id);
    options.receivers.push_back(std::move(area));
    active.push_back(state_.FindActiveRules(engine.source.dataset(), id, now)
                         .value_or(governance::State::ActiveRules()));
    const std::shared_ptr<const rules::RuleSet>& rule_set = active.back().rules;
    absl::StrAppend(&made_of, ";", id, ":", receiver->version(), ":",
                    rule_set == nullptr ? 0 : rule_set->version);
    digests.push_back(rule_set == nullptr ? "" : absl::BytesToHexString(AsBytes(rule_set->digest)));
    labels.push_back(rule_set == nullptr ? "" : rules::LabelOf(*rule_set));
    if (rule_set != nullptr) rule_sets.push_back(rule_set);
  }
  if (engine.engine != nullptr && made_of == built->made_of) {
    TakeOverrides(false, &engine);
    return absl::OkStatus();
  }
  engine.former = FormerOf(options.receivers, engine.contract, active);
  for (const auto& rule_set : rule_sets) {
    ASSIGN_OR_RETURN(compiled.emplace_back(), rules_.Find(engine.contract, rule_set));
  }
  ASSIGN_OR_RETURN(auto next, rules::ReturnEngine::Assemble(std::move(options), engine.contract,
                                                            compiled, rules_.divisions()));
  if (engine.engine != nullptr) next->TakeOver(engine.engine.get());
  engine.engine = std::move(next);
  engine.rule_sets = std::move(digests);
  engine.rule_labels = std::move(labels);
  built->made_of = std::move(made_of);
  TakeOverrides(true, &engine);
  return absl::OkStatus();
}

const rules::PriorDecision& NodeEngines::AsSeenBy(const NodeEngine& engine,
                                                  const rules::PriorDecision& prior) {
  if (prior.source == engine.source.id()) return prior;
  const auto teller = state_.FindSource(prior.source);
  const auto& ours = engine.source.receivers();
  if (!teller.has_value() ||
      std::equal(ours.begin(), ours.end(), teller->receivers().begin(), teller->receivers().end()))
    return prior;
  const auto& theirs = teller->receivers();
  seen_ = prior;
  seen_.outcomes.assign(static_cast<size_t>(ours.size()), huiliu::v1::OUTCOME_UNSPECIFIED);
  for (int i = 0; i < ours.size(); ++i) {
    const auto at = std::find(theirs.begin(), theirs.end(), ours[i]);
    const auto r = static_cast<size_t>(at - theirs.begin());
    if (r < prior.outcomes.size()) seen_.outcomes[static_cast<size_t>(i)] = prior.outcomes[r];
  }
  return seen_;
}

std::vector<std::string> NodeEngines::SourcesOf(absl::string_view dataset,
                                                absl::string_view system) const {
  std::vector<std::string> ids;
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (source.dataset() == dataset && source.system() == system) ids.push_back(source.id());
  }
  return ids;
}

std::unique_ptr<rules::FormerRules> NodeEngines::FormerOf(
    const std::vector<rules::Receiver>& receivers,
    const std::shared_ptr<const schema::Contract>& contract,
    const std::vector<governance::State::ActiveRules>& active) {
  std::vector<size_t> changed;
  for (size_t i = 0; i < active.size(); ++i) {
    if (active[i].reevaluates) changed.push_back(i);
  }
  std::vector<rules::FormerRules::Maker> makers;
  // `back`: whose rules are taken back.
  const auto add = [&](const std::vector<size_t>& back) {
    std::vector<std::shared_ptr<const rules::RuleSet>> rule_sets;
    for (size_t i = 0; i < active.size(); ++i) {
      const bool former = std::find(back.begin(), back.end(), i) != back.end();
      const auto& rule_set = former ? active[i].before : active[i].rules;
      if (rule_set != nullptr) rule_sets.push_back(rule_set);
    }
    makers.push_back([&rules = rules_, receivers, contract,
                      rule_sets]() -> absl::StatusOr<std::unique_ptr<rules::ReturnEngine>> {
      std::vector<std::shared_ptr<const rules::CompiledRules>> compiled;
      for (const auto& rule_set : rule_sets) {
        ASSIGN_OR_RETURN(compiled.emplace_back(), rules.FindFormer(contract, rule_set));
      }
      return rules::ReturnEngine::Assemble({receivers}, contract, compiled, rules.divisions());
    });
  };
  if (!changed.empty()) add(changed);
  for (size_t i = 0; changed.size() > 1 && i < changed.size() && makers.size() < kMaxFormers; ++i)
    add({changed[i]});
  return std::make_unique<rules::FormerRules>(std::move(makers));
}

// In place: overrides come and go while the rules, which are dear to compile, stay.
void NodeEngines::TakeOverrides(bool fresh, NodeEngine* engine) const {
  const std::string& dataset = engine->source.dataset();
  absl::flat_hash_set<std::string> ids;
  for (const std::string& receiver : engine->source.receivers()) {
    for (std::string& id : state_.OverrideIdsInForce(dataset, receiver)) ids.insert(std::move(id));
  }
  if (!fresh && ids == engine->overrides) return;
  std::vector<huiliu::v1::TerritoryOverride> held;
  for (const std::string& receiver : engine->source.receivers()) {
    for (auto& one : state_.OverridesInForce(dataset, receiver)) held.push_back(std::move(one));
  }
  // What was withdrawn in between is told by the next version.
  ids.clear();
  for (const auto& one : held) ids.insert(one.id());
  engine->engine->SetOverrides(engine->source.system(), held);
  engine->former->SetOverrides(engine->source.system(), std::move(held));
  engine->overrides = std::move(ids);
}

}  // namespace huiliu::pipeline
