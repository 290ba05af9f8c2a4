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
// that occur, ranges in an interval tree, areas by division (remembered per code), has by field.
// Where many stand under one value, their other conjuncts tell them apart one level below. A rule
// without an indexable conjunct is a candidate for every record. Thread-compatible: one a lane.
class PredicateIndex {
 public:
  struct Entry {
    int rule = 0;                          // from 0, not sparse
    const cel::Predicate* when = nullptr;  // nullptr: holds always
  };
  // `entries` in ascending order of `rule`. The contract must outlive the index.
  PredicateIndex(const schema::Contract& contract, const cel::Environment& environment,
                 absl::Span<const Entry> entries);

  // Rules that are candidates for every record, ascending.
  absl::Span<const int> always() const { return root_->always; }
  // Replaces *found by the others that may hold, ascending. A rule in neither is false.
  void Find(const cel::Activation& activation, std::vector<int>* found);

 private:
  using Rules = std::vector<int>;
  // By which conjuncts the levels above tell rules apart: field and kind.
  using Used = std::vector<std::pair<int, cel::Conjunct::Kind>>;
  struct Level;
  // The rules under one value.
  struct Bucket {
    Rules rules;
    std::unique_ptr<Level> below;  // instead of `rules`, where they are many
  };
  template <typename Key>
  struct Ordered {
    absl::flat_hash_map<Key, Bucket> equal;
    IntervalTree<Key> ranges;
  };
  // What stands under one field, or under the attributed division.
  struct FieldTable {
    int field = 0;
    cel::FieldAccess access;
    Ordered<std::string> texts;
    Ordered<int64_t> integers;  // bools too
    Ordered<uint64_t> naturals;
    Ordered<double> numbers;
    absl::flat_hash_map<std::string, Bucket> prefixes;
    std::vector<size_t> prefix_lengths;  // ascending
    absl::flat_hash_map<std::string, Rules> areas;
    Used used_below;  // under `areas`
    Rules has;
    // Of a code: the rules of all areas it lies in.
    absl::flat_hash_map<std::string, Bucket> by_code;
    size_t remembered = 0;  // rules in by_code
  };
  struct Level {
    Rules always;
    std::vector<std::unique_ptr<FieldTable>> tables;
  };
  class Builder;

  FieldTable& TableOf(Level& level, int field) const;
  // A level where one conjunct at least tells the rules apart; else nullptr.
  std::unique_ptr<Level> Divide(const Rules& rules, const Used& used) const;
  void DivideBuckets(Level& level, const Used& used) const;
  void DivideBucket(Bucket& bucket, const Used& used) const;

  void FindIn(Level& level, const cel::Activation& activation, std::vector<int>* found);
  void FindIn(FieldTable& table, const cel::Activation& activation, std::vector<int>* found);
  void FindIn(Bucket& bucket, const cel::Activation& activation, std::vector<int>* found);
  template <typename Map, typename Key>
  void FindEqual(Map& map, const Key& key, const cel::Activation& activation,
                 std::vector<int>* found);
  void FindText(FieldTable& table, absl::string_view text, const cel::Activation& activation,
                std::vector<int>* found);
  void FindAreas(FieldTable& table, absl::string_view code, const cel::Activation& activation,
                 std::vector<int>* found);

  const schema::Contract& contract_;
  const cel::Environment environment_;
  std::vector<std::vector<cel::Conjunct>> conjuncts_;  // by rule
  std::unique_ptr<Level> root_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_PREDICATE_INDEX_H_
