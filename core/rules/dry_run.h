// A dry run (试运行): what a draft changes for its receiver, record by record, beside the rules in
// force. Pure: it is given records and counts; nothing is returned, remembered or written.
// docs/formats/rules.md.
#ifndef HUILIU_CORE_RULES_DRY_RUN_H_
#define HUILIU_CORE_RULES_DRY_RUN_H_

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/rules/dry_run_tally.h"
#include "core/rules/return_engine.h"
#include "core/schema/wire_reader.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::rules {

// One changed record with its content, for whoever may see it.
struct DryRunExample {
  huiliu::v1::DryRunCategory category = huiliu::v1::DRY_RUN_CATEGORY_UNSPECIFIED;
  std::string system;
  std::string key;
  std::string place;  // as given to Add
  std::string division;
  bool conflict = false;
  int64_t source_time_us = 0;
  huiliu::v1::Outcome active_outcome = huiliu::v1::OUTCOME_UNSPECIFIED;
  huiliu::v1::Outcome draft_outcome = huiliu::v1::OUTCOME_UNSPECIFIED;
  std::string active_rule, draft_rule;      // ids
  std::string active_reason, draft_reason;  // stable codes
  std::vector<int> fields;  // Field::index of those that differ, where differently masked
  std::string record;       // as it came
  std::string active_payload, draft_payload;  // as returned; empty where it is not
};

// Of several versions of one key the newest counts: the one with the later source time; where
// these are equal or one is not known, the one that is added later. A key whose newest change is a
// delete counts as deleted and is not compared. Both sides decide a version by itself, without what
// was decided before.
//
// Legal calls: (Add | AddUnmapped | ForgetKeys)* Report. One thread.
class DryRun {
 public:
  // A receiver's area and the rules that return to it: nullptr: none are in force.
  struct Side {
    std::vector<std::string> divisions;
    std::shared_ptr<const RuleSet> rules;
  };
  struct Options {
    Side active;
    Side draft;
    // That the receiver holds: they decide on both sides what evidence leaves pending.
    std::vector<huiliu::v1::TerritoryOverride> overrides;
    std::string pseudonym_key;  // of the receiver
    int64_t as_of_us = 0;       // rules are in force by it; 0: their dates are not looked at
    int samples = 5;            // of each category at most
    uint64_t seed = 0;          // chooses them: the same seed and records, the same samples
    // Keys that are told apart at once: about 40 bytes of memory each.
    size_t max_keys = size_t{1} << 24;
  };
  static constexpr int kMaxSamples = 50;

  // INVALID_ARGUMENT with file, line and column where rules do not fit the contract.
  static absl::StatusOr<std::unique_ptr<DryRun>> Create(
      Options options, std::shared_ptr<const schema::Contract> contract,
      std::shared_ptr<const territory::Divisions> divisions);

  // A change: operation, key (without the system), payload and source time are looked at. `place`
  // says where it can be found again. RESOURCE_EXHAUSTED beyond max_keys and
  // DryRunTally::kMaxCells; then the run is over.
  absl::Status Add(absl::string_view system, const SourceChange& change, absl::string_view place);
  // A row that is no record: it is a problem row whatever the rules.
  void AddUnmapped() { ++unmapped_; }
  // No key that was added comes again (another partition, another part of the keys).
  void ForgetKeys() { keys_.clear(); }

  // Which part of all keys one belongs to, of `parts`, so that the log can be read once a part with
  // less memory.
  static uint32_t PartOf(absl::string_view key, uint32_t parts);

  // Counts, versions and rules; range, sources and samples are the caller's.
  huiliu::v1::DryRunReport Report() const;
  // Most of each category as asked; by category, then in an order that the seed makes.
  std::vector<const DryRunExample*> Examples() const;
  const schema::Contract& contract() const { return *contract_; }

 private:
  // Examples of one category are those of its records whose order is below `bound`.
  struct Shelf {
    std::map<uint64_t, DryRunExample> examples;  // by order
    uint64_t bound = ~uint64_t{0};
  };
  struct Known {
    int64_t source_time_us = 0;
    uint32_t cell = 0;
  };
  static constexpr size_t kSpare = 8;
  static constexpr uint32_t kDeleted = ~uint32_t{0};
  static constexpr size_t kCategories = huiliu::v1::DryRunCategory_ARRAYSIZE;

  DryRun(Options options, std::shared_ptr<const schema::Contract> contract);
  void SetOverridesOf(absl::string_view system);
  void TakeBack(uint64_t order, uint32_t cell);
  absl::StatusOr<uint32_t> Compare(absl::string_view system, const SourceChange& change);
  huiliu::v1::DryRunCategory Categorise(const DryRunCell& cell);
  absl::string_view PayloadOf(int side) const;
  // Field::index of the fields whose content differs between the two payloads.
  void Differ();
  void Keep(int category, uint64_t order, absl::string_view system, const SourceChange& change,
            absl::string_view place, const DryRunCell& cell);

  const Options options_;
  const std::shared_ptr<const schema::Contract> contract_;
  std::unique_ptr<const schema::FieldPlan> plan_;         // slot = Field::index
  std::unique_ptr<ReturnEngine> engine_;                  // of two receivers: the sides
  std::vector<huiliu::v1::TerritoryOverride> overrides_;  // each once a side
  bool names_records_ = false;                            // one of them does
  std::string overrides_of_;                              // the system that engine_ has them for
  Decision decision_;
  DryRunTally tally_;
  absl::flat_hash_map<uint64_t, Known> keys_;  // by the key's fingerprint
  std::array<Shelf, kCategories> shelves_;
  int64_t changes_ = 0, superseded_ = 0, deleted_ = 0, unmapped_ = 0;
  // of the change at hand
  std::vector<int> differing_;
  std::array<std::vector<uint64_t>, 2> contents_;  // digests of the fields' bytes, by Field::index
  std::string field_set_;
};

// An example as a message, without its content and without key_digest.
huiliu::v1::DryRunSample SampleOf(const DryRunExample& example, const schema::Contract& contract);
// What of a report stands with the version that was tried: counts. `source` is the caller's.
huiliu::v1::RecordDryRunRequest RecordOf(const huiliu::v1::DryRunReport& report);

}  // namespace huiliu::rules

#endif  // HUILIU_CORE_RULES_DRY_RUN_H_
