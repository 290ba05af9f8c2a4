// What a dry run counts: records by everything that a report tells apart, each of which can be
// taken back when a newer version of the record comes.
#ifndef HUILIU_CORE_RULES_DRY_RUN_TALLY_H_
#define HUILIU_CORE_RULES_DRY_RUN_TALLY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

// Texts by number, in the order they came.
class Numbered {
 public:
  Numbered() { NumberOf(""); }
  uint32_t NumberOf(absl::string_view text);
  const std::string& TextOf(uint32_t number) const { return texts_[number]; }

 private:
  absl::flat_hash_map<std::string, uint32_t> numbers_;
  std::vector<std::string> texts_;
  uint32_t last_ = 0;  // most records say what the one before said
};

// Everything by which records are told apart.
struct DryRunCell {
  uint8_t category = 0;  // huiliu.v1.DryRunCategory
  uint8_t active_outcome = 0;
  uint8_t draft_outcome = 0;
  bool newly_in_conflict = false;
  int32_t active_rule = -1;  // indexes into the rule sets
  int32_t draft_rule = -1;
  uint32_t division = 0;  // Numbered
  uint32_t system = 0;
  uint32_t draft_reason = 0;
  uint32_t fields = 0;  // those that differ, comma-separated indexes

  friend bool operator==(const DryRunCell&, const DryRunCell&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const DryRunCell& c) {
    return H::combine(std::move(h), c.category, c.active_outcome, c.draft_outcome,
                      c.newly_in_conflict, c.active_rule, c.draft_rule, c.division, c.system,
                      c.draft_reason, c.fields);
  }
};

// One thread.
class DryRunTally {
 public:
  static constexpr size_t kMaxCells = 1'000'000;
  static constexpr size_t kMaxRuleLines = 10'000;

  // The cell's number, with one record more in it. RESOURCE_EXHAUSTED where there would be more
  // than kMaxCells.
  absl::StatusOr<uint32_t> Add(const DryRunCell& cell);
  // One record of that cell is none any more.
  void TakeBack(uint32_t number) { --counts_[number]; }
  const DryRunCell& cell(uint32_t number) const { return cells_[number]; }

  Numbered divisions, systems, reasons, field_sets;

  // What names the numbers that cells have no text for.
  struct Names {
    std::vector<std::string> active_rules, draft_rules, fields;
  };
  // Adds all counts; what is there already in those lists is replaced.
  void Fill(const Names& names, huiliu::v1::DryRunReport* report) const;

 private:
  std::vector<DryRunCell> cells_;
  std::vector<int64_t> counts_;  // by cell
  absl::flat_hash_map<DryRunCell, uint32_t> numbers_;
  uint32_t last_ = 0;
};

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_DRY_RUN_TALLY_H_
