// Which of many rules may hold for a record: found by its fields, so that only these are evaluated.
#ifndef HUILIU_CORE_RULES_PREDICATE_INDEX_H_
#define HUILIU_CORE_RULES_PREDICATE_INDEX_H_

#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/rules/index_level.h"
#include "core/schema/contract.h"

namespace huiliu::rules {

// Each rule stands under one of its conjuncts, the one that the fewest records are expected to
// satisfy: equality and `in` in hash tables, prefixes in one hash table per field with the lengths
// that occur, ranges in a sorted array or an interval tree, areas by division (remembered per
// code), has by field. Where many stand under one value, their other conjuncts tell them apart one
// level below. What the way to a rule has shown of it need not be tested again. Immutable,
// thread-safe.
class PredicateIndex {
 public:
  // Of a rule; nullptr: it always holds.
  using When = std::shared_ptr<const cel::Predicate>;

  PredicateIndex(const schema::Contract& contract,
                 std::shared_ptr<const cel::Environment> environment, std::vector<When> rules);
  PredicateIndex(const PredicateIndex&) = delete;
  PredicateIndex& operator=(const PredicateIndex&) = delete;

  // The rules that may hold for any record, ascending.
  absl::Span<const int> always() const { return always_; }
  // Gives `visit` all others that may hold, once each and in no order. The activation's slots are
  // the contract's. `memory` has served no other index.
  void Find(const cel::Activation& activation, AreaMemory* memory,
            absl::FunctionRef<void(Candidate)> visit) const;

  size_t size() const { return rules_.size(); }

 private:
  // By which conjuncts the levels above tell rules apart.
  using Used = std::vector<std::pair<int, cel::Conjunct::Kind>>;
  class Builder;

  void DivideLater(const Used& used, Bucket* bucket) const;

  const std::shared_ptr<const cel::Environment> environment_;
  const std::vector<When> rules_;
  std::vector<cel::FieldAccess> fields_;  // by Field::index
  Level root_;
  std::vector<int> always_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_PREDICATE_INDEX_H_
