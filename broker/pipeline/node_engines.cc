#include "broker/pipeline/node_engines.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/base/status.h"

namespace huiliu::pipeline {

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
  std::vector<std::string> digests;
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
    const auto rule_set = state_.FindRuleSet(engine.source.dataset(), id, now);
    absl::StrAppend(&made_of, ";", id, ":", receiver->version(), ":",
                    rule_set == nullptr ? 0 : rule_set->version);
    digests.push_back(rule_set == nullptr ? "" : absl::BytesToHexString(AsBytes(rule_set->digest)));
    if (rule_set != nullptr) rule_sets.push_back(rule_set);
  }
  if (engine.engine != nullptr && made_of == built->made_of) {
    TakeOverrides(false, &engine);
    return absl::OkStatus();
  }
  for (const auto& rule_set : rule_sets) {
    ASSIGN_OR_RETURN(compiled.emplace_back(), rules_.Find(engine.contract, rule_set));
  }
  ASSIGN_OR_RETURN(auto next, rules::ReturnEngine::Assemble(std::move(options), engine.contract,
                                                            compiled, rules_.divisions()));
  if (engine.engine != nullptr) next->TakeOver(engine.engine.get());
  engine.engine = std::move(next);
  engine.rule_sets = std::move(digests);
  built->made_of = std::move(made_of);
  TakeOverrides(true, &engine);
  return absl::OkStatus();
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
  engine->overrides = std::move(ids);
}

}  // namespace huiliu::pipeline
