// Chooses the index that a query's filter can use.
#ifndef HUILIU_BROKER_PIPELINE_QUERY_PLAN_H_
#define HUILIU_BROKER_PIPELINE_QUERY_PLAN_H_

#include <optional>

#include "broker/catalog/catalog.h"
#include "core/cel/program.h"

namespace huiliu::pipeline {

// An equality or `in` on an indexed text field, else on the attributed division, or inDivision of
// a county or less; nullopt: all rows are looked at. `environment` outlives the condition.
std::optional<IndexCondition> ChooseIndex(const cel::Predicate& filter,
                                          const schema::Contract& contract,
                                          const cel::Environment& environment);
// On the attributed division alone.
std::optional<IndexCondition> ChooseDivision(const cel::Predicate& filter,
                                             const cel::Environment& environment);

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_QUERY_PLAN_H_
