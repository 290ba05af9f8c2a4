#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/rules/index_level.h"
#include "core/rules/interval_tree.h"
#include "core/rules/segment_map.h"

namespace huiliu::rules {
namespace {

using cel::Conjunct;
using cel::Constant;
using cel::Encoding;
using cel::FieldAccess;
using Kind = cel::Conjunct::Kind;

// A field's value as the key of a table.
template <typename Key>
auto Read(const FieldAccess& field, const cel::Activation& activation) {
  if constexpr (std::is_same_v<Key, std::string>) {
    return field.Text(activation);
  } else if constexpr (std::is_same_v<Key, int64_t>) {
    return field.encoding == Encoding::kBool ? static_cast<int64_t>(field.Natural(activation) != 0)
                                             : field.Integer(activation);
  } else if constexpr (std::is_same_v<Key, uint64_t>) {
    return field.Natural(activation);
  } else {
    return field.Number(activation);
  }
}
template <typename Key>
Key KeyOf(const Constant& constant) {
  if constexpr (std::is_same_v<Key, int64_t>) {
    if (const bool* truth = std::get_if<bool>(&constant)) return *truth ? 1 : 0;
  }
  return std::get<Key>(constant);
}

template <typename Key>
class ValueLookup : public Lookup {
 public:
  explicit ValueLookup(const FieldAccess& field) : field_(field) {}
  void Add(const Conjunct& conjunct, Candidate candidate) override {
    for (const Constant& value : conjunct.values)
      buckets_[KeyOf<Key>(value)].rules.push_back(candidate);
  }
  void Finish(Divide divide) override {
    for (auto& [value, bucket] : buckets_) divide(&bucket);
  }
  void Find(const Search& search) const override {
    const auto found = buckets_.find(Read<Key>(field_, search.activation));
    if (found != buckets_.end()) FindIn(found->second, search);
  }

 private:
  const FieldAccess field_;
  absl::flat_hash_map<Key, Bucket> buckets_;
};

class PrefixLookup : public Lookup {
 public:
  explicit PrefixLookup(const FieldAccess& field) : field_(field) {}
  void Add(const Conjunct& conjunct, Candidate candidate) override {
    const auto& prefix = std::get<std::string>(conjunct.values[0]);
    buckets_[prefix].rules.push_back(candidate);
    const auto at = std::lower_bound(lengths_.begin(), lengths_.end(), prefix.size());
    if (at == lengths_.end() || *at != prefix.size()) lengths_.insert(at, prefix.size());
  }
  void Finish(Divide divide) override {
    for (auto& [prefix, bucket] : buckets_) divide(&bucket);
  }
  void Find(const Search& search) const override {
    const absl::string_view text = field_.Text(search.activation);
    for (const size_t length : lengths_) {
      if (length > text.size()) break;
      const auto found = buckets_.find(text.substr(0, length));
      if (found != buckets_.end()) FindIn(found->second, search);
    }
  }

 private:
  const FieldAccess field_;
  absl::flat_hash_map<std::string, Bucket> buckets_;
  std::vector<size_t> lengths_;  // those that occur, ascending
};

// Ranges, and single numbers.
template <typename Key>
class RangeLookup : public Lookup {
 public:
  explicit RangeLookup(const FieldAccess& field) : field_(field) {}
  void Add(const Conjunct& conjunct, Candidate candidate) override {
    const int payload = static_cast<int>(candidates_.size());
    candidates_.push_back(candidate);
    if (conjunct.kind == Kind::kRange)
      intervals_.push_back({EndOf(conjunct.lower), EndOf(conjunct.upper), payload});
    for (const Constant& value : conjunct.values) {
      const IntervalEnd<Key> end{KeyOf<Key>(value), true};
      intervals_.push_back({end, end, payload});
    }
  }
  void Finish(Divide) override {
    constexpr size_t kOverlap = 8;
    in_segments_ = segments_.Build(intervals_, kOverlap * intervals_.size());
    if (!in_segments_) {
      for (Interval<Key>& interval : intervals_) tree_.Add(std::move(interval));
      tree_.Build();
    }
    intervals_ = {};
  }
  void Find(const Search& search) const override {
    const auto value = Read<Key>(field_, search.activation);
    if constexpr (std::is_same_v<Key, double>) {
      // NaN has no order: the rules say themselves what they make of it.
      if (std::isnan(value)) {
        for (const Candidate c : candidates_) search.visit({c.when, c.rule, kAllTerms});
        return;
      }
    }
    const auto visit = [&](int payload) {
      search.visit(candidates_[static_cast<size_t>(payload)]);
    };
    if (!in_segments_) return tree_.Find(value, visit);
    for (const int payload : segments_.Find(value)) visit(payload);
  }

 private:
  static std::optional<IntervalEnd<Key>> EndOf(const std::optional<cel::Bound>& bound) {
    if (!bound) return std::nullopt;
    return IntervalEnd<Key>{KeyOf<Key>(bound->value), bound->inclusive};
  }

  const FieldAccess field_;
  std::vector<Candidate> candidates_;
  std::vector<Interval<Key>> intervals_;  // until Finish
  bool in_segments_ = false;
  SegmentMap<Key> segments_;
  IntervalTree<Key> tree_;  // where many overlap
};

class HasLookup : public Lookup {
 public:
  explicit HasLookup(const FieldAccess& field) : field_(field) {}
  void Add(const Conjunct&, Candidate candidate) override { bucket_.rules.push_back(candidate); }
  void Finish(Divide divide) override { divide(&bucket_); }
  void Find(const Search& search) const override {
    if (field_.Present(search.activation)) FindIn(bucket_, search);
  }

 private:
  const FieldAccess field_;
  Bucket bucket_;
};

// Which areas hold a code only the environment knows: it is asked once for each code. Codes that
// lie in the same areas share a bucket.
class AreaLookup : public Lookup {
 public:
  AreaLookup(const FieldAccess& field, std::shared_ptr<const cel::Environment> environment,
             std::function<void(Bucket*)> divide)
      : field_(field), environment_(std::move(environment)), divide_(std::move(divide)) {}
  void Add(const Conjunct& conjunct, Candidate candidate) override {
    const auto& name = std::get<std::string>(conjunct.values[0]);
    const auto [at, added] = numbers_.try_emplace(name, areas_.size());
    if (added) areas_.push_back({name, {}});
    areas_[at->second].rules.push_back(candidate);
  }
  void Finish(Divide) override { numbers_ = {}; }
  void Find(const Search& search) const override {
    const absl::string_view code = field_.Text(search.activation);
    if (code.size() > AreaMemory::kMaxCodeBytes) return FindLong(code, search);
    const Bucket* bucket = search.memory.FindCode(this, code);
    if (bucket == nullptr) {
      bucket = BucketOf(code, search.memory);
      search.memory.AddCode(this, code, bucket);
    }
    FindIn(*bucket, search);
  }

 private:
  struct Area {
    std::string name;
    std::vector<Candidate> rules;
  };

  const Bucket* BucketOf(absl::string_view code, AreaMemory& memory) const {
    std::string set;
    for (size_t i = 0; i < areas_.size(); ++i) {
      const auto number = static_cast<uint32_t>(i);
      if (environment_->contains(areas_[i].name, code))
        set.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    const Bucket* known = memory.FindSet(this, set);
    if (known != nullptr) return known;
    Bucket bucket;
    for (size_t at = 0; at < set.size(); at += sizeof(uint32_t)) {
      uint32_t number = 0;
      std::copy_n(set.data() + at, sizeof number, reinterpret_cast<char*>(&number));
      const auto& rules = areas_[number].rules;
      bucket.rules.insert(bucket.rules.end(), rules.begin(), rules.end());
    }
    divide_(&bucket);
    return memory.AddSet(this, set, std::move(bucket));
  }

  // What it costs to test such a code is the rules' own affair.
  void FindLong(absl::string_view code, const Search& search) const {
    for (const Area& area : areas_) {
      if (!environment_->contains(area.name, code)) continue;
      for (const Candidate c : area.rules) search.visit({c.when, c.rule, kAllTerms});
    }
  }

  const FieldAccess field_;
  const std::shared_ptr<const cel::Environment> environment_;
  const std::function<void(Bucket*)> divide_;
  std::vector<Area> areas_;
  absl::flat_hash_map<std::string, size_t> numbers_;  // until Finish
};

std::string KeyIn(const void* of, absl::string_view text) {
  std::string key(reinterpret_cast<const char*>(&of), sizeof of);
  key.append(text.data(), text.size());
  return key;
}

template <template <typename> class LookupOf>
std::unique_ptr<Lookup> MakeFor(const FieldAccess& field) {
  switch (field.encoding) {
    case Encoding::kString:
    case Encoding::kBytes:
      return std::make_unique<LookupOf<std::string>>(field);
    case Encoding::kUint32:
    case Encoding::kUint64:
      return std::make_unique<LookupOf<uint64_t>>(field);
    default:
      return std::make_unique<LookupOf<int64_t>>(field);
  }
}

}  // namespace

const Bucket* AreaMemory::FindCode(const void* of, absl::string_view code) const {
  char key[sizeof of + kMaxCodeBytes];
  std::memcpy(key, &of, sizeof of);
  std::memcpy(key + sizeof of, code.data(), code.size());
  const auto found = codes_.find(absl::string_view(key, sizeof of + code.size()));
  return found == codes_.end() ? nullptr : found->second;
}

const Bucket* AreaMemory::FindSet(const void* of, absl::string_view areas) const {
  const auto found = sets_.find(KeyIn(of, areas));
  return found == sets_.end() ? nullptr : found->second.get();
}

const Bucket* AreaMemory::AddSet(const void* of, absl::string_view areas, Bucket bucket) {
  remembered_ += bucket.rules.size() + areas.size() + 1;
  auto& place = sets_[KeyIn(of, areas)];
  place = std::make_unique<const Bucket>(std::move(bucket));
  return place.get();
}

void AreaMemory::AddCode(const void* of, absl::string_view code, const Bucket* bucket) {
  remembered_ += 4;
  codes_[KeyIn(of, code)] = bucket;
}

void AreaMemory::Trim() {
  constexpr size_t kMaxRemembered = 1 << 20;  // about so many rules and codes
  if (remembered_ <= kMaxRemembered) return;
  codes_.clear();
  sets_.clear();
  remembered_ = 0;
}

Kind GroupOf(Kind kind) { return kind == Kind::kIn ? Kind::kEquals : kind; }

std::unique_ptr<Lookup> MakeLookup(const FieldAccess& field, Kind group) {
  if (group == Kind::kHas) return std::make_unique<HasLookup>(field);
  if (group == Kind::kPrefix) return std::make_unique<PrefixLookup>(field);
  if (field.encoding == Encoding::kFloat || field.encoding == Encoding::kDouble)
    return std::make_unique<RangeLookup<double>>(field);
  return group == Kind::kRange ? MakeFor<RangeLookup>(field) : MakeFor<ValueLookup>(field);
}

std::unique_ptr<Lookup> MakeAreaLookup(const FieldAccess& field,
                                       std::shared_ptr<const cel::Environment> environment,
                                       std::function<void(Bucket*)> divide) {
  return std::make_unique<AreaLookup>(field, std::move(environment), std::move(divide));
}

}  // namespace huiliu::rules
