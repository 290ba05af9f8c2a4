#include "broker/pipeline/query_plan.h"

#include "core/cel/conjuncts.h"

namespace huiliu::pipeline {

std::optional<IndexCondition> ChooseIndex(const cel::Predicate& filter,
                                          const schema::Contract& contract) {
  for (const cel::Conjunct& conjunct : filter.IndexableConjuncts()) {
    if (conjunct.kind != cel::Conjunct::Kind::kEquals && conjunct.kind != cel::Conjunct::Kind::kIn)
      continue;
    if (conjunct.field < 0) continue;
    const schema::Field& field = contract.fields()[static_cast<size_t>(conjunct.field)];
    if (!field.options.index() || field.type != schema::FieldType::kString) continue;
    IndexCondition condition;
    condition.field = conjunct.field;
    for (const cel::Constant& value : conjunct.values) {
      const std::string* text = std::get_if<std::string>(&value);
      // An absent field counts as "": the index does not hold it.
      if (text == nullptr || text->empty()) return std::nullopt;
      condition.equals.push_back(*text);
    }
    if (!condition.equals.empty()) return condition;
  }
  return std::nullopt;
}

}  // namespace huiliu::pipeline
