#include "broker/pipeline/query_plan.h"

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

}  // namespace

std::optional<IndexCondition> ChooseIndex(const cel::Predicate& filter,
                                          const schema::Contract& contract) {
  for (const cel::Conjunct& conjunct : filter.IndexableConjuncts()) {
    if (!IsEquality(conjunct) || conjunct.field < 0) continue;
    const schema::Field& field = contract.fields()[static_cast<size_t>(conjunct.field)];
    if (!field.options.index() || field.type != schema::FieldType::kString) continue;
    return EqualsOf(conjunct, conjunct.field);
  }
  return ChooseDivision(filter);
}

std::optional<IndexCondition> ChooseDivision(const cel::Predicate& filter) {
  for (const cel::Conjunct& conjunct : filter.IndexableConjuncts()) {
    if (IsEquality(conjunct) && conjunct.field == cel::Conjunct::kAttributedDivision)
      return EqualsOf(conjunct, IndexCondition::kDivision);
  }
  return std::nullopt;
}

}  // namespace huiliu::pipeline
