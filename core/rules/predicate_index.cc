#include "core/rules/predicate_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace huiliu::rules {
namespace {

using cel::Conjunct;
using cel::Constant;
using Kind = cel::Conjunct::Kind;

constexpr size_t kFew = 8;               // rules that are tried sooner than told apart
constexpr size_t kMaxEntries = 1 << 22;  // in all buckets: where they are more, none is divided
constexpr size_t kMaxLevels = 4;

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

struct ConstantHash {
  size_t operator()(const Constant& constant) const {
    return std::visit([](const auto& value) { return absl::HashOf(value); }, constant);
  }
};

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
    range->proves |= conjunct.proves;
  }
  return out;
}

}  // namespace

// Builds levels: counts how many values the rules tell apart by each field, puts each rule under
// its most telling conjunct, and divides what is many again.
class PredicateIndex::Builder {
 public:
  explicit Builder(const PredicateIndex& index) : index_(index) {}

  Level Build(const std::vector<Candidate>& rules, const Used& used) {
    Level level;
    Lookups lookups;
    const Values values = Count(rules);
    for (Candidate candidate : rules) {
      const Conjunct* const best = BestOf(candidate, used, values);
      if (best == nullptr) {
        level.always.push_back(candidate);
        ++entries_;
        continue;
      }
      candidate.left &= ~best->proves;
      LookupOf(*best, used, &lookups).Add(*best, candidate);
      entries_ += std::max<size_t>(1, best->values.size());
    }
    for (auto& [group, lookup] : lookups) {
      const Used below = With(used, group);
      lookup->Finish([&](Bucket* bucket) { Divide(below, bucket); });
      level.lookups.push_back(std::move(lookup));
    }
    return level;
  }

  void Divide(const Used& used, Bucket* bucket) {
    if (bucket->rules.size() <= kFew || used.size() >= kMaxLevels || entries_ > kMaxEntries) return;
    Level level = Build(bucket->rules, used);
    if (level.lookups.empty()) return;
    bucket->below = std::make_unique<const Level>(std::move(level));
    bucket->rules = {};
  }

 private:
  using Group = std::pair<int, Kind>;
  using Lookups = std::vector<std::pair<Group, std::unique_ptr<Lookup>>>;
  using Values = absl::flat_hash_map<Group, absl::flat_hash_set<Constant, ConstantHash>>;

  static Group GroupOf(const Conjunct& conjunct) {
    return {conjunct.field, rules::GroupOf(conjunct.kind)};
  }
  static Used With(Used used, const Group& group) {
    used.push_back(group);
    return used;
  }

  const std::vector<Conjunct>& ConjunctsOf(const Candidate& candidate) {
    const auto [at, added] = conjuncts_.try_emplace(candidate.rule);
    if (added && candidate.when != nullptr) at->second = IndexableOf(*candidate.when);
    return at->second;
  }

  Values Count(const std::vector<Candidate>& rules) {
    Values values;
    for (const Candidate candidate : rules) {
      for (const Conjunct& conjunct : ConjunctsOf(candidate)) {
        if (conjunct.kind == Kind::kRange || conjunct.kind == Kind::kHas) continue;
        values[GroupOf(conjunct)].insert(conjunct.values.begin(), conjunct.values.end());
      }
    }
    return values;
  }

  // The share of records expected to satisfy it: a field's values are taken as equally frequent,
  // and one that no rule names is as frequent as each of them.
  static double ShareOf(const Conjunct& conjunct, const Values& values) {
    switch (conjunct.kind) {
      case Kind::kRange:
        return conjunct.lower && conjunct.upper ? 0.3 : 0.5;
      case Kind::kHas:
        return 0.9;
      default:
        return static_cast<double>(conjunct.values.size()) /
               static_cast<double>(values.at(GroupOf(conjunct)).size() + 1);
    }
  }

  const Conjunct* BestOf(const Candidate& candidate, const Used& used, const Values& values) {
    const Conjunct* best = nullptr;
    double share = 0;
    for (const Conjunct& conjunct : ConjunctsOf(candidate)) {
      if (std::find(used.begin(), used.end(), GroupOf(conjunct)) != used.end()) continue;
      const double own = ShareOf(conjunct, values);
      if (best != nullptr && own >= share) continue;
      best = &conjunct;
      share = own;
    }
    return best;
  }

  Lookup& LookupOf(const Conjunct& conjunct, const Used& used, Lookups* lookups) const {
    const Group group = GroupOf(conjunct);
    for (const auto& [known, lookup] : *lookups) {
      if (known == group) return *lookup;
    }
    const cel::FieldAccess field = conjunct.field == Conjunct::kAttributedDivision
                                       ? cel::FieldAccess::Division()
                                       : index_.fields_[static_cast<size_t>(conjunct.field)];
    lookups->emplace_back(
        group, group.second == Kind::kInDivision
                   ? MakeAreaLookup(field, index_.environment_,
                                    [index = &index_, below = With(used, group)](Bucket* bucket) {
                                      index->DivideLater(below, bucket);
                                    })
                   : MakeLookup(field, group.second));
    return *lookups->back().second;
  }

  const PredicateIndex& index_;
  absl::flat_hash_map<int, std::vector<Conjunct>> conjuncts_;
  size_t entries_ = 0;
};

PredicateIndex::PredicateIndex(const schema::Contract& contract,
                               std::shared_ptr<const cel::Environment> environment,
                               std::vector<When> rules)
    : environment_(std::move(environment)), rules_(std::move(rules)) {
  for (const schema::Field& field : contract.fields())
    fields_.push_back(cel::FieldAccess::Of(field));
  std::vector<Candidate> all;
  for (size_t i = 0; i < rules_.size(); ++i)
    all.push_back(
        {rules_[i].get(), static_cast<int>(i), rules_[i] == nullptr ? 0 : rules_[i]->terms()});
  root_ = Builder(*this).Build(all, {});
  for (const Candidate candidate : root_.always) always_.push_back(candidate.rule);
  root_.always = {};
}

void PredicateIndex::DivideLater(const Used& used, Bucket* bucket) const {
  Builder(*this).Divide(used, bucket);
}

void PredicateIndex::Find(const cel::Activation& activation, AreaMemory* memory,
                          absl::FunctionRef<void(Candidate)> visit) const {
  memory->Trim();
  root_.Find({activation, *memory, visit});
}

}  // namespace huiliu::rules
