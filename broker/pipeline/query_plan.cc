#include "broker/pipeline/query_plan.h"

#include "absl/strings/match.h"
#include "core/cel/conjuncts.h"

namespace huiliu::pipeline {
namespace {

// The texts of an equality or a set; nullopt where one is absent or "": the index does not hold it.
std::optional<IndexCondition> EqualsOf(const cel::Conjunct& conjunct, int field) {
  IndexCondition condition;
  condition.field = field;
  for (const cel::Constant& value : conjunct.values) {
    const std::string* text = std::get_if<std::string>(&value);
    if (text == nullptr || text->empty()) return std::nullopt;
    condition.equals.push_back(*text);
  }
  if (condition.equals.empty()) return std::nullopt;
  return condition;
}

bool IsEquality(const cel::Conjunct& conjunct) {
  return conjunct.kind == cel::Conjunct::Kind::kEquals || conjunct.kind == cel::Conjunct::Kind::kIn;
}

// Of a city or a province nearly every row may be: the rows themselves are the shorter way.
bool IsCountyOrLess(absl::string_view area) {
  return area.size() >= 6 && !absl::EndsWith(area.substr(0, 6), "00");
}

}  // namespace

std::optional<IndexCondition> ChooseIndex(const cel::Predicate& filter,
                                          const schema::Contract& contract,
                                          const cel::Environment& environment) {
  for (const cel::Conjunct& conjunct : filter.IndexableConjuncts()) {
    if (!IsEquality(conjunct) || conjunct.field < 0) continue;
    const schema::Field& field = contract.fields()[static_cast<size_t>(conjunct.field)];
    if (!field.options.index() || field.type != schema::FieldType::kString) continue;
    return EqualsOf(conjunct, conjunct.field);
  }
  return ChooseDivision(filter, environment);
}

std::optional<IndexCondition> ChooseDivision(const cel::Predicate& filter,
                                             const cel::Environment& environment) {
  for (const cel::Conjunct& conjunct : filter.IndexableConjuncts()) {
    if (conjunct.field != cel::Conjunct::kAttributedDivision) continue;
    if (IsEquality(conjunct)) return EqualsOf(conjunct, IndexCondition::kDivision);
    if (conjunct.kind != cel::Conjunct::Kind::kInDivision) continue;
    std::optional<IndexCondition> condition = EqualsOf(conjunct, IndexCondition::kDivision);
    if (!condition.has_value() || !IsCountyOrLess(condition->equals[0])) continue;
    condition->lies_in = [&environment, area = condition->equals[0]](absl::string_view division) {
      return environment.contains(area, division);
    };
    return condition;
  }
  return std::nullopt;
}

}  // namespace huiliu::pipeline
