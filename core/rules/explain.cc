#include "core/rules/explain.h"

#include "absl/strings/match.h"
#include "core/base/status.h"
#include "core/rules/condition_words.h"
#include "core/rules/record_facts.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

struct Asked {
  const schema::Contract& contract;
  const cel::Environment& environment;
  const cel::Activation& activation;
  const territory::Divisions& divisions;
};

absl::StatusOr<ExplainedClause> ExplainClause(const cel::Clause& clause, const Asked& asked) {
  ExplainedClause out;
  out.joint = clause.joint;
  out.text = clause.text;
  ASSIGN_OR_RETURN(
      const std::unique_ptr<const cel::Predicate> predicate,
      cel::Predicate::Compile(clause.text, asked.contract, asked.environment, nullptr));
  out.truth = predicate->Evaluate(asked.activation);
  if (out.truth == cel::Truth::kError) out.error = predicate->ExplainError(asked.activation);
  if (clause.parts.empty()) {
    out.words_chinese = ConditionInWords(clause.text, asked.contract, asked.divisions, false);
    out.words_english = ConditionInWords(clause.text, asked.contract, asked.divisions, true);
    for (const int index : predicate->fields()) {
      const schema::Field& field = asked.contract.fields()[static_cast<size_t>(index)];
      ASSIGN_OR_RETURN(std::string text,
                       schema::FieldToText(asked.contract, field, asked.activation.record));
      out.fields.emplace_back(&field, std::move(text));
    }
  }
  for (const cel::Clause& part : clause.parts) {
    ASSIGN_OR_RETURN(ExplainedClause explained, ExplainClause(part, asked));
    out.parts.push_back(std::move(explained));
  }
  return out;
}

bool InForce(const Rule& rule, int64_t now_us) {
  if (now_us == 0) return true;
  const absl::Time now = absl::FromUnixMicros(now_us);
  return rule.valid_from <= now && now < rule.valid_to;
}

}  // namespace

absl::StatusOr<Explanation> ExplainRecord(std::shared_ptr<const schema::Contract> contract,
                                          std::shared_ptr<const RuleSet> rule_set,
                                          const Receiver& receiver,
                                          std::shared_ptr<const territory::Divisions> divisions,
                                          absl::string_view record, int64_t now_us,
                                          const HeldOverrides& held) {
  Explanation out;
  ASSIGN_OR_RETURN(const std::unique_ptr<ReturnEngine> engine,
                   ReturnEngine::Create({{receiver}}, contract, {rule_set}, divisions));
  if (!held.overrides.empty()) engine->SetOverrides(held.system, held.overrides);
  SourceChange change;
  auto key = contract->KeyOf(record);
  if (key.ok()) change.key = *key;
  change.payload = record;
  change.row_id = "1";
  change.now_us = now_us;
  engine->Decide(change, nullptr, &out.decision);
  const int decides = out.decision.rules[0];
  const absl::string_view reason = out.decision.reasons[0];
  // The rules were asked where one decided, or none did in the end.
  if (decides < 0 && reason != "rule.none") return out;

  ASSIGN_OR_RETURN(const std::unique_ptr<RecordFacts> facts,
                   RecordFacts::Create(*contract, divisions));
  territory::Attribution attribution;
  std::vector<std::string> findings;
  bool masked_at_source = false;
  if (!facts->Read(record, &attribution, &findings, &masked_at_source)) return out;
  // Where a territory override decided, the rules see its division.
  attribution.division = out.decision.attribution.division;
  const cel::Environment environment{
      [&](absl::string_view area, absl::string_view code) {
        return divisions->Contains(area, code);
      },
      [&](absl::string_view code) { return divisions->Resolve(code); }};
  const cel::Activation activation{facts->slots(), attribution.division, record,
                                   attribution.conflict};
  const Asked asked{*contract, environment, activation, *divisions};
  for (size_t i = 0; i < rule_set->rules.size(); ++i) {
    ExplainedRule explained;
    explained.rule = &rule_set->rules[i];
    explained.in_force = InForce(*explained.rule, now_us);
    explained.decides = static_cast<int>(i) == decides;
    explained.always = explained.rule->when.empty();
    if (explained.in_force && !explained.always) {
      ASSIGN_OR_RETURN(explained.when, ExplainClause(cel::ClausesOf(explained.rule->when), asked));
    }
    out.rules.push_back(std::move(explained));
    if (out.rules.back().decides) break;
  }
  return out;
}

}  // namespace huiliu::rules
