// What a predicate index is made of: levels of lookups, each by one field and one kind of
// condition, with buckets of rules that a level below may tell apart.
#ifndef HUILIU_CORE_RULES_INDEX_LEVEL_H_
#define HUILIU_CORE_RULES_INDEX_LEVEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "core/cel/conjuncts.h"
#include "core/cel/field_access.h"

namespace huiliu::rules {

// A rule that may hold.
struct Candidate {
  const cel::Predicate* when = nullptr;  // nullptr: it always holds
  int rule = 0;
  uint32_t left = 0;  // terms of `when` that are not known to hold; 0: it holds
};
inline constexpr uint32_t kAllTerms = ~uint32_t{0};

struct Level;
// The rules under one value, or one level that tells them apart.
struct Bucket {
  std::vector<Candidate> rules;
  std::unique_ptr<const Level> below;
};
// Puts a level below a bucket of many rules.
using Divide = absl::FunctionRef<void(Bucket*)>;

// What one lane's searches remember: which rules' areas hold a division code. Belongs to one index.
// Not thread-safe.
class AreaMemory {
 public:
  static constexpr size_t kMaxCodeBytes = 32;  // longer ones are no division codes

  // nullptr: not remembered. `of`: who asks.
  const Bucket* FindCode(const void* of, absl::string_view code) const;
  const Bucket* FindSet(const void* of, absl::string_view areas) const;
  // A bucket stays until Trim.
  const Bucket* AddSet(const void* of, absl::string_view areas, Bucket bucket);
  void AddCode(const void* of, absl::string_view code, const Bucket* bucket);
  // Between searches: forgets all where it has become much.
  void Trim();

 private:
  absl::flat_hash_map<std::string, const Bucket*> codes_;
  absl::flat_hash_map<std::string, std::unique_ptr<const Bucket>> sets_;
  size_t remembered_ = 0;
};

struct Search {
  const cel::Activation& activation;
  AreaMemory& memory;
  absl::FunctionRef<void(Candidate)> visit;
};

// (Add* Finish Find*)
class Lookup {
 public:
  virtual ~Lookup() = default;
  virtual void Add(const cel::Conjunct& conjunct, Candidate candidate) = 0;
  virtual void Finish(Divide divide) = 0;
  virtual void Find(const Search& search) const = 0;
};

struct Level {
  std::vector<Candidate> always;
  std::vector<std::unique_ptr<const Lookup>> lookups;

  void Find(const Search& search) const {
    for (const Candidate candidate : always) search.visit(candidate);
    for (const auto& lookup : lookups) lookup->Find(search);
  }
};
inline void FindIn(const Bucket& bucket, const Search& search) {
  if (bucket.below != nullptr) return bucket.below->Find(search);
  for (const Candidate candidate : bucket.rules) search.visit(candidate);
}

// kIn counts as kEquals.
cel::Conjunct::Kind GroupOf(cel::Conjunct::Kind kind);
// For all but kInDivision.
std::unique_ptr<Lookup> MakeLookup(const cel::FieldAccess& field, cel::Conjunct::Kind group);
// `divide` is kept, for the buckets of codes that come later.
std::unique_ptr<Lookup> MakeAreaLookup(const cel::FieldAccess& field,
                                       std::shared_ptr<const cel::Environment> environment,
                                       std::function<void(Bucket*)> divide);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_INDEX_LEVEL_H_
