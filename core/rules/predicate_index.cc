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
  explicit Builder(PredicateIndex& index) : index_(index) {}

  void Count(const Conjunct& conjunct) {
    if (conjunct.kind == Kind::kRange || conjunct.kind == Kind::kHas) return;
    auto& values = values_[Group(conjunct)];
    values.insert(conjunct.values.begin(), conjunct.values.end());
  }

  // The share of records expected to satisfy it: a field's values are taken as equally frequent,
  // and one that no rule names is as frequent as each of them.
  double ShareOf(const Conjunct& conjunct) const {
    switch (conjunct.kind) {
      case Kind::kRange:
        return conjunct.lower && conjunct.upper ? 0.3 : 0.5;
      case Kind::kHas:
        return 0.9;
      default: {
        const auto& values = values_.at(Group(conjunct));
        return static_cast<double>(conjunct.values.size()) / static_cast<double>(values.size() + 1);
      }
    }
  }

  void Put(const Conjunct& conjunct, int rule) {
    FieldTable& table = index_.TableOf(conjunct.field);
    switch (conjunct.kind) {
      case Kind::kEquals:
      case Kind::kIn:
        for (const Constant& value : conjunct.values) PutEqual(table, value, rule);
        return;
      case Kind::kPrefix:
        table.prefixes[std::get<std::string>(conjunct.values[0])].push_back(rule);
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

  void Finish() {
    for (const auto& table : index_.tables_) {
      table->texts.ranges.Build();
      table->integers.ranges.Build();
      table->naturals.ranges.Build();
      table->numbers.ranges.Build();
      for (const auto& [prefix, rules] : table->prefixes) {
        auto& lengths = table->prefix_lengths;
        if (std::find(lengths.begin(), lengths.end(), prefix.size()) == lengths.end())
          lengths.push_back(prefix.size());
      }
      std::sort(table->prefix_lengths.begin(), table->prefix_lengths.end());
    }
  }

 private:
  using GroupKey = std::pair<int, Kind>;
  static GroupKey Group(const Conjunct& conjunct) {
    const Kind kind = conjunct.kind == Kind::kIn ? Kind::kEquals : conjunct.kind;
    return {conjunct.field, kind};
  }

  static void PutEqual(FieldTable& table, const Constant& value, int rule) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      table.texts.equal[*text].push_back(rule);
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      table.integers.equal[*integer].push_back(rule);
    } else if (const auto* truth = std::get_if<bool>(&value)) {
      table.integers.equal[*truth ? 1 : 0].push_back(rule);
    } else if (const auto* natural = std::get_if<uint64_t>(&value)) {
      table.naturals.equal[*natural].push_back(rule);
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

  PredicateIndex& index_;
  std::map<GroupKey, std::set<Constant>> values_;
};

PredicateIndex::PredicateIndex(const schema::Contract& contract,
                               const cel::Environment& environment, absl::Span<const Entry> entries)
    : contract_(contract), environment_(environment), table_of_(contract.fields().size() + 1, -1) {
  Builder builder(*this);
  std::vector<std::vector<Conjunct>> conjuncts;
  conjuncts.reserve(entries.size());
  for (const Entry& entry : entries) {
    conjuncts.push_back(entry.when == nullptr ? std::vector<Conjunct>() : IndexableOf(*entry.when));
    for (const Conjunct& conjunct : conjuncts.back()) builder.Count(conjunct);
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto best = std::min_element(conjuncts[i].begin(), conjuncts[i].end(),
                                       [&](const Conjunct& a, const Conjunct& b) {
                                         return builder.ShareOf(a) < builder.ShareOf(b);
                                       });
    if (best == conjuncts[i].end()) {
      always_.push_back(entries[i].rule);
    } else {
      builder.Put(*best, entries[i].rule);
    }
  }
  builder.Finish();
}

PredicateIndex::FieldTable& PredicateIndex::TableOf(int field) {
  int& table = table_of_[static_cast<size_t>(field + 1)];
  if (table < 0) {
    table = static_cast<int>(tables_.size());
    tables_.push_back(std::make_unique<FieldTable>());
    tables_.back()->access =
        field == Conjunct::kAttributedDivision
            ? cel::FieldAccess::Division()
            : cel::FieldAccess::Of(contract_.fields()[static_cast<size_t>(field)]);
  }
  return *tables_[static_cast<size_t>(table)];
}

void PredicateIndex::Find(const cel::Activation& activation, std::vector<int>* found) {
  found->clear();
  for (const auto& table : tables_) FindIn(*table, activation, found);
  std::sort(found->begin(), found->end());
}

namespace {

template <typename Map, typename Key>
void AppendEqual(const Map& map, const Key& key, std::vector<int>* found) {
  if (map.empty()) return;
  const auto rules = map.find(key);
  if (rules != map.end()) found->insert(found->end(), rules->second.begin(), rules->second.end());
}

}  // namespace

void PredicateIndex::FindIn(FieldTable& table, const cel::Activation& activation,
                            std::vector<int>* found) {
  const cel::FieldAccess& access = table.access;
  if (IsText(access.encoding)) {
    const absl::string_view text = access.Text(activation);
    FindText(table, text, found);
    if (!table.areas.empty()) FindAreas(table, text, found);
  } else if (IsInteger(access.encoding) || access.encoding == Encoding::kBool) {
    const int64_t value = access.encoding == Encoding::kBool
                              ? static_cast<int64_t>(access.Natural(activation) != 0)
                              : access.Integer(activation);
    AppendEqual(table.integers.equal, value, found);
    table.integers.ranges.Find(value, found);
  } else if (IsNatural(access.encoding)) {
    const uint64_t value = access.Natural(activation);
    AppendEqual(table.naturals.equal, value, found);
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

void PredicateIndex::FindText(FieldTable& table, absl::string_view text, std::vector<int>* found) {
  AppendEqual(table.texts.equal, text, found);
  if (!table.texts.ranges.empty()) table.texts.ranges.Find(text, found);
  for (const size_t length : table.prefix_lengths) {
    if (length > text.size()) break;
    AppendEqual(table.prefixes, text.substr(0, length), found);
  }
}

void PredicateIndex::FindAreas(FieldTable& table, absl::string_view code, std::vector<int>* found) {
  const auto known = table.by_code.find(code);
  if (known != table.by_code.end()) {
    found->insert(found->end(), known->second.begin(), known->second.end());
    return;
  }
  Rules rules;
  for (const auto& [area, own] : table.areas) {
    if (environment_.contains(area, code)) rules.insert(rules.end(), own.begin(), own.end());
  }
  found->insert(found->end(), rules.begin(), rules.end());
  if (code.size() > kMaxCodeBytes) return;
  table.remembered += rules.size() + 1;
  if (table.remembered > kMaxRemembered) {
    table.by_code.clear();
    table.remembered = rules.size() + 1;
  }
  table.by_code.emplace(std::string(code), std::move(rules));
}

}  // namespace huiliu::rules
