// The territory overrides (认领决定) of one engine: what they say of a record that its evidence
// leaves pending. A record or name is looked up by hash, patterns are tried one after the other;
// nothing here is asked of a record that evidence decided. docs/formats/overrides.md.
#ifndef HUILIU_CORE_RULES_OVERRIDE_INDEX_H_
#define HUILIU_CORE_RULES_OVERRIDE_INDEX_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cel/program.h"
#include "core/rules/areas.h"
#include "core/rules/override_match.h"

namespace huiliu::rules {

// One that holds.
struct HeldOverride {
  std::string id;
  size_t receiver = 0;   // whose officers decided, in the engine's receivers() order
  std::string division;  // current
  bool claims = true;    // the division lies in its receiver's area; else it says: not ours
};

// What the overrides say of one record.
struct OverrideVerdict {
  // The one that gives the record its division, for every receiver; nullptr: none does.
  const HeldOverride* claim = nullptr;
  // By receiver: its own officers say the record is not theirs; nullptr: they do not.
  std::vector<const HeldOverride*> not_ours;
  // By receiver: two that contradict each other and that concern it, so that neither counts.
  std::vector<std::pair<const HeldOverride*, const HeldOverride*>> contradictions;
  // Whether anything above is said.
  bool speaks = false;
};

// Thread-compatible: one a lane. Contract, divisions and areas must outlive it.
class OverrideIndex {
 public:
  struct Context {
    const schema::Contract& contract;
    const territory::Divisions& divisions;
    absl::Span<const Receiver> receivers;
    Areas& areas;
    const cel::Environment& environment;
  };
  // Those of other receivers are left out, and so is, as if it were not there, one that this
  // contract or these divisions do not know: what it would decide stays pending.
  OverrideIndex(Context context, std::string system,
                absl::Span<const huiliu::v1::TerritoryOverride> overrides);

  bool empty() const { return held_.empty(); }
  bool Has(absl::string_view id) const {
    return std::any_of(held_.begin(), held_.end(),
                       [&](const HeldOverride& held) { return held.id == id; });
  }
  // Of those that are here; zeros where there are none.
  const Digest& digest() const { return digest_; }

  // `pends[i]`: evidence leaves the record pending for receiver i, and its officers may speak.
  // `within`: a claim must lie in this division, which evidence told; empty: anywhere. Valid until
  // the next call.
  const OverrideVerdict& Find(absl::string_view key, const cel::Activation& activation,
                              const std::vector<bool>& pends, absl::string_view within);
  // The same of a record of which nothing but its key is known.
  const OverrideVerdict& FindRecord(absl::string_view key, const std::vector<bool>& pends);

 private:
  // What one level (record, name, pattern) says to a receiver.
  struct Said {
    const HeldOverride* first = nullptr;
    const HeldOverride* against = nullptr;  // contradicts `first`
    int level = 0;
  };
  void Add(const huiliu::v1::TerritoryOverride& given);
  void Begin();
  void CollectRecord(absl::string_view key, const std::vector<bool>& pends,
                     absl::string_view within);
  void Collect(int level, int held, const std::vector<bool>& pends, absl::string_view within);
  bool Agree(const HeldOverride& a, const HeldOverride& b) const;
  void Join(const std::vector<bool>& pends);

  const Context context_;
  const std::string system_;
  std::vector<HeldOverride> held_;
  Digest digest_{};
  absl::flat_hash_map<std::string, std::vector<int>> by_record_;  // 32 bytes of digest
  struct NameTable {
    int field;  // Field::index
    absl::flat_hash_map<std::string, std::vector<int>> values;
  };
  std::vector<NameTable> by_name_;
  struct Pattern {
    int held;
    std::unique_ptr<const cel::Predicate> predicate;
  };
  std::vector<Pattern> patterns_;
  std::vector<Said> said_;  // by receiver
  OverrideVerdict verdict_;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_OVERRIDE_INDEX_H_
