#include "adapters/agent/reevaluation.h"

#include <algorithm>
#include <utility>

#include "adapters/agent/source_worker.h"
#include "adapters/agent/unmapped_rows.h"
#include "core/base/status.h"
#include "core/rules/rule_set.h"

namespace huiliu::agent {
namespace {

constexpr size_t kMaxFormers = 3;
// A file's last line without a line end comes when it has been still for a while (5 s by default).
constexpr absl::Duration kSettle = absl::Seconds(6);

}  // namespace

std::optional<Reevaluation> DueReevaluation(const huiliu::v1::RuleSet& rule_set,
                                            const huiliu::v1::Welcome& welcome) {
  if (!rule_set.reevaluate_history()) return std::nullopt;
  const bool begun = welcome.has_reread() && welcome.reread().version() == rule_set.version();
  if (begun && welcome.reread().done()) return std::nullopt;
  Reevaluation due;
  due.version = rule_set.version();
  if (begun) due.position = welcome.reread().position();
  due.nothing_before = welcome.sequence() == 0;
  return due;
}

std::vector<rules::FormerRules::Maker> FormerMakers(
    const std::vector<huiliu::v1::RuleSet>& versions, const huiliu::v1::RuleSet& current,
    const rules::Receiver& receiver, std::shared_ptr<const schema::Contract> contract,
    std::shared_ptr<const territory::Divisions> divisions) {
  std::vector<rules::FormerRules::Maker> makers;
  for (const huiliu::v1::RuleSet& version : versions) {
    if (version.version() == current.version() || !version.has_active_from()) continue;
    if (makers.size() == kMaxFormers) break;
    makers.push_back([version, receiver, contract,
                      divisions]() -> absl::StatusOr<std::unique_ptr<rules::ReturnEngine>> {
      std::vector<huiliu::v1::RuleError> errors;
      ASSIGN_OR_RETURN(const std::shared_ptr<const rules::RuleSet> parsed,
                       rules::ParseRuleSet(version.source_name(), version.yaml(), *contract,
                                           &errors, nullptr, rules::RuleAge::kStanding));
      return rules::ReturnEngine::Create({{receiver}}, contract, {parsed}, divisions);
    });
  }
  return makers;
}

absl::Status CountOutOfReach(DecisionStore& decisions, rules::ReturnEngine& engine, int64_t now_us,
                             absl::string_view receiver, rules::Impact* impact) {
  rules::PriorDecision decision;
  return decisions.ForEach([&](absl::string_view key, absl::string_view value) -> absl::Status {
    if (IsUnmappedKey(key)) return absl::OkStatus();
    RETURN_IF_ERROR(rules::DecodeDecision(value, &decision));
    if (rules::IsOutOfReach(decision, engine.RuleDigestFor(decision, now_us), 0, receiver))
      impact->AddOutOfReach();
    return absl::OkStatus();
  });
}

// ---- SourceWorker's part of it

absl::Status SourceWorker::BeginReevaluation(const huiliu_source& table) {
  if (!reevaluation_.has_value() || reevaluation_->nothing_before) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      reevaluation_->plugin,
      sdk::OpenSource::Open(table, &host_, source_config_.options_json, reevaluation_->position));
  RETURN_IF_ERROR(reevaluation_->plugin->Need(mapping_->needed_columns()));
  ASSIGN_OR_RETURN(const std::vector<huiliu::v1::RuleSet> versions,
                   node_->ListRuleSets(source_.dataset(), source_.receivers(0)));
  reevaluation_->former = std::make_unique<rules::FormerRules>(
      FormerMakers(versions, rule_set_, engine_->receivers()[0], contract_, divisions_));
  reevaluation_->former->SetOverrides(source_.system(), overrides_);
  status_.AddNotice(
      "新规则对历史重新判定：从头重读来源 / new rules re-evaluate history: the source is "
      "read again from its beginning");
  return absl::OkStatus();
}

absl::Status SourceWorker::Reevaluate(PublishStream& stream) {
  if (!reevaluation_.has_value()) return absl::OkStatus();
  if (reevaluation_->nothing_before) return EndReevaluation(stream);
  ASSIGN_OR_RETURN(const huiliu_rows* rows,
                   reevaluation_->plugin->Poll(static_cast<size_t>(source_config_.batch_rows), 0));
  reevaluation_->position = std::string(sdk::ToView(rows->position));
  if (rows->row_count > 0) {
    RETURN_IF_ERROR(BindHeader(*rows, reevaluation_->plugin->has_one_header()));
    ASSIGN_OR_RETURN(MadeBatch made,
                     maker_->MakeHistory(*rows, epoch_, sequence_ + 1, position_, &*reevaluation_));
    // What is decided as before is remembered so, though nothing leaves.
    if (made.empty() && made.decisions.empty()) return absl::OkStatus();
    reevaluation_->impact = {};
    RETURN_IF_ERROR(Send(stream, std::move(made)));
    return TakeAcks(stream, false);
  }
  if (rows->caught_up == 0) return absl::OkStatus();
  reevaluation_->caught_up = std::min(reevaluation_->caught_up, absl::Now());
  if (absl::Now() - reevaluation_->caught_up < kSettle) return absl::OkStatus();
  return EndReevaluation(stream);
}

absl::Status SourceWorker::EndReevaluation(PublishStream& stream) {
  RETURN_IF_ERROR(TakeAcks(stream, true));
  if (!in_flight_.empty()) return absl::OkStatus();  // it is stopping
  const std::string& receiver = source_.receivers(0);
  RETURN_IF_ERROR(CountOutOfReach(*decisions_, *engine_, absl::ToUnixMicros(absl::Now()), receiver,
                                  &reevaluation_->impact));
  ASSIGN_OR_RETURN(MadeBatch made,
                   maker_->MakeEndOfHistory(epoch_, sequence_ + 1, position_, &*reevaluation_));
  RETURN_IF_ERROR(Send(stream, std::move(made)));
  RETURN_IF_ERROR(TakeAcks(stream, true));
  if (in_flight_.empty()) reevaluation_.reset();
  return absl::OkStatus();
}

}  // namespace huiliu::agent
