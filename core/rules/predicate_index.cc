#include "core/rules/predicate_index.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace huiliu::rules {
namespace {

using cel::Conjunct;
using cel::Constant;
using cel::Encoding;
using Kind = cel::Conjunct::Kind;

constexpr size_t kMaxRemembered = 1 << 20;  // rules in lists by code, per field
constexpr size_t kMaxCodeBytes = 32;        // longer ones are no division codes
constexpr size_t kFew = 8;                  // rules that are tried sooner than told apart

bool IsText(Encoding encoding) {
  return encoding == Encoding::kString || encoding == Encoding::kBytes;
}
bool IsInteger(Encoding encoding) {
  return encoding == Encoding::kInt32 || encoding == Encoding::kInt64 ||
         encoding == Encoding::kSint || encoding == Encoding::kSfixed32;
}
bool IsNatural(Encoding encoding) {
  return encoding == Encoding::kUint32 || encoding == Encoding::kUint64;
}
bool IsNumber(Encoding encoding) {
  return encoding == Encoding::kFloat || encoding == Encoding::kDouble;
}

// Timestamps are not indexed: one that is out of range is an error, not false. Nor is NaN.
bool CanIndex(const Conjunct& conjunct) {
  const auto can = [](const Constant& value) {
    const double* number = std::get_if<double>(&value);
    return !std::holds_alternative<absl::Time>(value) &&
           (number == nullptr || !std::isnan(*number));
  };
  return std::all_of(conjunct.values.begin(), conjunct.values.end(), can) &&
         (!conjunct.lower || can(conjunct.lower->value)) &&
         (!conjunct.upper || can(conjunct.upper->value));
}

template <typename Key>
std::optional<IntervalEnd<Key>> EndOf(const std::optional<cel::Bound>& bound) {
  if (!bound) return std::nullopt;
  return IntervalEnd<Key>{std::get<Key>(bound->value), bound->inclusive};
}

// The tighter of two ends.
void Tighten(const std::optional<cel::Bound>& by, bool lower, std::optional<cel::Bound>* end) {
  if (!by) return;
  if (!*end) {
    *end = by;
    return;
  }
  if (by->value == (*end)->value) {
    (*end)->inclusive = (*end)->inclusive && by->inclusive;
  } else if (((*end)->value < by->value) == lower) {
    *end = by;
  }
}

// What may be indexed, the ranges of one field as one.
std::vector<Conjunct> IndexableOf(const cel::Predicate& when) {
  std::vector<Conjunct> out;
  for (Conjunct& conjunct : when.IndexableConjuncts()) {
    if (!CanIndex(conjunct)) continue;
    const auto range = std::find_if(out.begin(), out.end(), [&](const Conjunct& other) {
      return other.kind == Kind::kRange && other.field == conjunct.field;
    });
    if (conjunct.kind != Kind::kRange || range == out.end()) {
      out.push_back(std::move(conjunct));
      continue;
    }
    Tighten(conjunct.lower, true, &range->lower);
    Tighten(conjunct.upper, false, &range->upper);
  }
  return out;
}

}  // namespace

// Counts first how many values the rules tell apart by each field, then puts each rule under its
// most telling conjunct.
class PredicateIndex::Builder {
 public:
  Builder(const PredicateIndex& index, const Used& used, Level& level)
      : index_(index), used_(used), level_(level) {}

  void Build(const Rules& rules) {
    for (const int rule : rules) Count(ConjunctsOf(rule));
    for (const int rule : rules) {
      const Conjunct* best = nullptr;
      for (const Conjunct& conjunct : ConjunctsOf(rule)) {
        if (!IsUsed(conjunct) && (best == nullptr || ShareOf(conjunct) < ShareOf(*best)))
          best = &conjunct;
      }
      if (best == nullptr) {
        level_.always.push_back(rule);
      } else {
        Put(*best, rule);
      }
    }
    Finish();
  }

 private:
  using Group = std::pair<int, Kind>;
  static Group GroupOf(const Conjunct& conjunct) {
    return {conjunct.field, conjunct.kind == Kind::kIn ? Kind::kEquals : conjunct.kind};
  }
  const std::vector<Conjunct>& ConjunctsOf(int rule) const {
    return index_.conjuncts_[static_cast<size_t>(rule)];
  }
  bool IsUsed(const Conjunct& conjunct) const {
    return std::find(used_.begin(), used_.end(), GroupOf(conjunct)) != used_.end();
  }

  void Count(const std::vector<Conjunct>& conjuncts) {
    for (const Conjunct& conjunct : conjuncts) {
      if (conjunct.kind == Kind::kRange || conjunct.kind == Kind::kHas) continue;
      values_[GroupOf(conjunct)].insert(conjunct.values.begin(), conjunct.values.end());
    }
  }

  // The share of records expected to satisfy it: a field's values are taken as equally frequent,
  // and one that no rule names is as frequent as each of them.
  double ShareOf(const Conjunct& conjunct) const {
    switch (conjunct.kind) {
      case Kind::kRange:
        return conjunct.lower && conjunct.upper ? 0.3 : 0.5;
      case Kind::kHas:
        return 0.9;
      default:
        return static_cast<double>(conjunct.values.size()) /
               static_cast<double>(values_.at(GroupOf(conjunct)).size() + 1);
    }
  }

  void Put(const Conjunct& conjunct, int rule) {
    FieldTable& table = index_.TableOf(level_, conjunct.field);
    switch (conjunct.kind) {
      case Kind::kEquals:
      case Kind::kIn:
        for (const Constant& value : conjunct.values) PutEqual(table, value, rule);
        return;
      case Kind::kPrefix:
        table.prefixes[std::get<std::string>(conjunct.values[0])].rules.push_back(rule);
        return;
      case Kind::kInDivision:
        table.areas[std::get<std::string>(conjunct.values[0])].push_back(rule);
        return;
      case Kind::kHas:
        table.has.push_back(rule);
        return;
      case Kind::kRange:
        PutRange(table, conjunct, rule);
    }
  }

  static void PutEqual(FieldTable& table, const Constant& value, int rule) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      table.texts.equal[*text].rules.push_back(rule);
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      table.integers.equal[*integer].rules.push_back(rule);
    } else if (const auto* truth = std::get_if<bool>(&value)) {
      table.integers.equal[*truth ? 1 : 0].rules.push_back(rule);
    } else if (const auto* natural = std::get_if<uint64_t>(&value)) {
      table.naturals.equal[*natural].rules.push_back(rule);
    } else if (const auto* number = std::get_if<double>(&value)) {
      table.numbers.ranges.Add({{{*number, true}}, {{*number, true}}, rule});
    }
  }

  template <typename Key>
  static bool TryPutRange(Ordered<Key>& ordered, const Conjunct& conjunct, int rule) {
    const auto& any = conjunct.lower ? conjunct.lower : conjunct.upper;
    if (!std::holds_alternative<Key>(any->value)) return false;
    ordered.ranges.Add({EndOf<Key>(conjunct.lower), EndOf<Key>(conjunct.upper), rule});
    return true;
  }
  static void PutRange(FieldTable& table, const Conjunct& conjunct, int rule) {
    TryPutRange(table.texts, conjunct, rule) || TryPutRange(table.integers, conjunct, rule) ||
        TryPutRange(table.naturals, conjunct, rule) || TryPutRange(table.numbers, conjunct, rule);
  }

  void Finish() {
    for (const auto& table : level_.tables) {
      table->texts.ranges.Build();
      table->integers.ranges.Build();
      table->naturals.ranges.Build();
      table->numbers.ranges.Build();
      for (const auto& [prefix, bucket] : table->prefixes) {
        auto& lengths = table->prefix_lengths;
        if (std::find(lengths.begin(), lengths.end(), prefix.size()) == lengths.end())
          lengths.push_back(prefix.size());
      }
      std::sort(table->prefix_lengths.begin(), table->prefix_lengths.end());
    }
  }

  const PredicateIndex& index_;
  const Used& used_;
  Level& level_;
  std::map<Group, std::set<Constant>> values_;
};

PredicateIndex::PredicateIndex(const schema::Contract& contract,
                               const cel::Environment& environment, absl::Span<const Entry> entries)
    : contract_(contract), environment_(environment), root_(std::make_unique<Level>()) {
  Rules rules;
  if (!entries.empty()) conjuncts_.resize(static_cast<size_t>(entries.back().rule) + 1);
  for (const Entry& entry : entries) {
    rules.push_back(entry.rule);
    if (entry.when != nullptr)
      conjuncts_[static_cast<size_t>(entry.rule)] = IndexableOf(*entry.when);
  }
  Builder(*this, {}, *root_).Build(rules);
  DivideBuckets(*root_, {});
}

PredicateIndex::FieldTable& PredicateIndex::TableOf(Level& level, int field) const {
  for (const auto& table : level.tables) {
    if (table->field == field) return *table;
  }
  level.tables.push_back(std::make_unique<FieldTable>());
  FieldTable& table = *level.tables.back();
  table.field = field;
  table.access = field == Conjunct::kAttributedDivision
                     ? cel::FieldAccess::Division()
                     : cel::FieldAccess::Of(contract_.fields()[static_cast<size_t>(field)]);
  return table;
}

std::unique_ptr<PredicateIndex::Level> PredicateIndex::Divide(const Rules& rules,
                                                              const Used& used) const {
  auto level = std::make_unique<Level>();
  Builder(*this, used, *level).Build(rules);
  if (level->always.size() == rules.size()) return nullptr;
  DivideBuckets(*level, used);
  return level;
}

void PredicateIndex::DivideBuckets(Level& level, const Used& used) const {
  const auto with = [&](const FieldTable& table, Kind kind) {
    Used more = used;
    more.emplace_back(table.field, kind);
    return more;
  };
  for (const auto& table : level.tables) {
    const Used by_value = with(*table, Kind::kEquals);
    for (auto& [value, bucket] : table->texts.equal) DivideBucket(bucket, by_value);
    for (auto& [value, bucket] : table->integers.equal) DivideBucket(bucket, by_value);
    for (auto& [value, bucket] : table->naturals.equal) DivideBucket(bucket, by_value);
    const Used by_prefix = with(*table, Kind::kPrefix);
    for (auto& [prefix, bucket] : table->prefixes) DivideBucket(bucket, by_prefix);
    table->used_below = with(*table, Kind::kInDivision);
  }
}

void PredicateIndex::DivideBucket(Bucket& bucket, const Used& used) const {
  if (bucket.rules.size() <= kFew) return;
  bucket.below = Divide(bucket.rules, used);
  if (bucket.below != nullptr) bucket.rules = {};
}

void PredicateIndex::Find(const cel::Activation& activation, std::vector<int>* found) {
  found->clear();
  for (const auto& table : root_->tables) FindIn(*table, activation, found);
  std::sort(found->begin(), found->end());
}

void PredicateIndex::FindIn(Level& level, const cel::Activation& activation,
                            std::vector<int>* found) {
  found->insert(found->end(), level.always.begin(), level.always.end());
  for (const auto& table : level.tables) FindIn(*table, activation, found);
}

void PredicateIndex::FindIn(Bucket& bucket, const cel::Activation& activation,
                            std::vector<int>* found) {
  if (bucket.below != nullptr) return FindIn(*bucket.below, activation, found);
  found->insert(found->end(), bucket.rules.begin(), bucket.rules.end());
}

template <typename Map, typename Key>
void PredicateIndex::FindEqual(Map& map, const Key& key, const cel::Activation& activation,
                               std::vector<int>* found) {
  if (map.empty()) return;
  const auto bucket = map.find(key);
  if (bucket != map.end()) FindIn(bucket->second, activation, found);
}

void PredicateIndex::FindIn(FieldTable& table, const cel::Activation& activation,
                            std::vector<int>* found) {
  const cel::FieldAccess& access = table.access;
  if (IsText(access.encoding)) {
    const absl::string_view text = access.Text(activation);
    FindText(table, text, activation, found);
    if (!table.areas.empty()) FindAreas(table, text, activation, found);
  } else if (IsInteger(access.encoding) || access.encoding == Encoding::kBool) {
    const int64_t value = access.encoding == Encoding::kBool
                              ? static_cast<int64_t>(access.Natural(activation) != 0)
                              : access.Integer(activation);
    FindEqual(table.integers.equal, value, activation, found);
    table.integers.ranges.Find(value, found);
  } else if (IsNatural(access.encoding)) {
    const uint64_t value = access.Natural(activation);
    FindEqual(table.naturals.equal, value, activation, found);
    table.naturals.ranges.Find(value, found);
  } else if (IsNumber(access.encoding)) {
    // NaN has no order: the rules say themselves what they make of it.
    const double value = access.Number(activation);
    if (std::isnan(value)) {
      table.numbers.ranges.FindAll(found);
    } else {
      table.numbers.ranges.Find(value, found);
    }
  }
  if (!table.has.empty() && access.Present(activation))
    found->insert(found->end(), table.has.begin(), table.has.end());
}

void PredicateIndex::FindText(FieldTable& table, absl::string_view text,
                              const cel::Activation& activation, std::vector<int>* found) {
  FindEqual(table.texts.equal, text, activation, found);
  if (!table.texts.ranges.empty()) table.texts.ranges.Find(text, found);
  for (const size_t length : table.prefix_lengths) {
    if (length > text.size()) break;
    FindEqual(table.prefixes, text.substr(0, length), activation, found);
  }
}

void PredicateIndex::FindAreas(FieldTable& table, absl::string_view code,
                               const cel::Activation& activation, std::vector<int>* found) {
  const auto known = table.by_code.find(code);
  if (known != table.by_code.end()) return FindIn(known->second, activation, found);
  Bucket bucket;
  for (const auto& [area, own] : table.areas) {
    if (environment_.contains(area, code))
      bucket.rules.insert(bucket.rules.end(), own.begin(), own.end());
  }
  const size_t size = bucket.rules.size() + 1;
  if (code.size() > kMaxCodeBytes) return FindIn(bucket, activation, found);
  table.remembered += size;
  if (table.remembered > kMaxRemembered) {
    table.by_code.clear();
    table.remembered = size;
  }
  DivideBucket(bucket, table.used_below);
  FindIn(table.by_code.emplace(std::string(code), std::move(bucket)).first->second, activation,
         found);
}

}  // namespace huiliu::rules
