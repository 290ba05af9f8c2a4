// Which of many rules may hold for a record: found by its fields, so that only these are evaluated.
#ifndef HUILIU_CORE_RULES_PREDICATE_INDEX_H_
#define HUILIU_CORE_RULES_PREDICATE_INDEX_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/field_access.h"
#include "core/cel/program.h"
#include "core/rules/interval_tree.h"
#include "core/schema/contract.h"

namespace huiliu::rules {

// Each rule stands under one of its conjuncts, the one that the fewest records are expected to
// satisfy: equality and `in` in hash tables, prefixes in one hash table per field with the lengths
// that occur, ranges in an interval tree, areas by division (remembered per code), has by field. A
// rule without an indexable conjunct is a candidate for every record. Thread-compatible: one a
// lane.
class PredicateIndex {
 public:
  struct Entry {
    int rule = 0;
    const cel::Predicate* when = nullptr;  // nullptr: holds always
  };
  // `entries` in ascending order of `rule`. The contract must outlive the index.
  PredicateIndex(const schema::Contract& contract, const cel::Environment& environment,
                 absl::Span<const Entry> entries);

  // Rules that are candidates for every record, ascending.
  absl::Span<const int> always() const { return always_; }
  // Replaces *found by the others that may hold, ascending. A rule in neither is false.
  void Find(const cel::Activation& activation, std::vector<int>* found);

 private:
  using Rules = std::vector<int>;
  template <typename Key>
  struct Ordered {
    absl::flat_hash_map<Key, Rules> equal;
    IntervalTree<Key> ranges;
  };
  // What stands under one field, or under the attributed division.
  struct FieldTable {
    cel::FieldAccess access;
    Ordered<std::string> texts;
    Ordered<int64_t> integers;  // bools too
    Ordered<uint64_t> naturals;
    Ordered<double> numbers;
    absl::flat_hash_map<std::string, Rules> prefixes;
    std::vector<size_t> prefix_lengths;  // ascending
    absl::flat_hash_map<std::string, Rules> areas;
    Rules has;
    // Of a code: the rules of all areas it lies in.
    absl::flat_hash_map<std::string, Rules> by_code;
    size_t remembered = 0;  // rules in by_code
  };
  class Builder;

  FieldTable& TableOf(int field);
  void FindIn(FieldTable& table, const cel::Activation& activation, std::vector<int>* found);
  void FindText(FieldTable& table, absl::string_view text, std::vector<int>* found);
  void FindAreas(FieldTable& table, absl::string_view code, std::vector<int>* found);

  const schema::Contract& contract_;
  const cel::Environment environment_;
  std::vector<int> always_;
  std::vector<std::unique_ptr<FieldTable>> tables_;
  std::vector<int> table_of_;  // by Field::index + 1; -1: none
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_PREDICATE_INDEX_H_
