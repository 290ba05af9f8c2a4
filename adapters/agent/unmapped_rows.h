// What is remembered of rows that could not be mapped, so that a re-read of one is neither counted
// nor kept again. It stands in the source's decision store, staged with the batch that tells of it,
// under keys that no record has. docs/formats/decision.md.
#ifndef HUILIU_ADAPTERS_AGENT_UNMAPPED_ROWS_H_
#define HUILIU_ADAPTERS_AGENT_UNMAPPED_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "adapters/mapping/mapping.h"
#include "adapters/sdk/huiliu_plugin.h"
#include "huiliu/v1/common.pb.h"
#include "storage/decisions/decision_store.h"

namespace huiliu::agent {

// One version of a row.
struct UnmappedVersion {
  std::string raw;  // first 16 bytes of SHA-256 over the row as it came
  huiliu::v1::Outcome outcome = huiliu::v1::OUTCOME_QUARANTINED;  // as it counts now
  int32_t counted_day = 0;                                        // since 1970-01-01
  bool masked = false;                                            // counted as masked at its source
};

struct UnmappedRow {
  std::vector<UnmappedVersion> versions;  // newest last, at most kMaxUnmappedVersions
  bool several = false;                   // rows of this id came side by side: it names no one row
};
inline constexpr size_t kMaxUnmappedVersions = 16;

std::string EncodeUnmappedRow(const UnmappedRow& row);
// DATA_LOSS.
absl::Status DecodeUnmappedRow(absl::string_view bytes, UnmappedRow* row);
// Whether a key of a decision store is none of a record.
inline bool IsUnmappedKey(absl::string_view key) { return !key.empty() && key[0] == '\0'; }

// (Load (Find | Add | SetOutcome | Forget)* TakeUpdates)*: a round a batch. One thread.
class UnmappedRows {
 public:
  explicit UnmappedRows(DecisionStore& store) : store_(store) {}

  // Rows of a batch: those that could not be mapped, and, once there ever was one, all of them.
  absl::Status Load(const huiliu_rows& rows, absl::Span<const mapping::MappedRow> mapped);
  // What is remembered of the row's id; nullptr: nothing. Valid until the next change.
  const UnmappedRow* Find(const huiliu_row& row) const;
  // The version of it that the row is; nullptr: another one.
  static const UnmappedVersion* VersionOf(const UnmappedRow& known, const huiliu_row& row);

  // The row is a new version that could not be mapped.
  void Add(const huiliu_row& row, int32_t counted_day, bool masked);
  // The row's version counts so from now on.
  void SetOutcome(const huiliu_row& row, huiliu::v1::Outcome outcome);
  // The row could be mapped: what is remembered of its id goes, of rows that share it this version.
  void Forget(const huiliu_row& row);
  // What the batch changed, for the store.
  std::vector<DecisionUpdate> TakeUpdates();

 private:
  struct Known {
    UnmappedRow row;
    bool there = false;
    bool added_here = false;  // in this batch
    bool changed = false;
  };

  DecisionStore& store_;
  bool any_ = false;                              // there ever was one
  absl::flat_hash_map<std::string, Known> rows_;  // of this batch, by key
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_UNMAPPED_ROWS_H_
