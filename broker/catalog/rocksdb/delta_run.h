// What was applied and is not in RocksDB yet, as sorted runs in memory: one run per Apply, runs of
// a size merged as there become many. A run never changes, so a snapshot is a list of runs.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_RUN_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_RUN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/catalog/rocksdb/row_counts.h"
#include "broker/catalog/rocksdb/row_index.h"

namespace huiliu::rocks_catalog {

// Memory that lives as long as the runs that point into it. Not thread-safe.
class RunArena {
 public:
  explicit RunArena(size_t expected_bytes) { Grow(expected_bytes); }
  char* Allocate(size_t bytes) {
    if (bytes > left_) Grow(bytes > kChunk ? bytes : kChunk);
    char* out = next_;
    next_ += bytes;
    left_ -= bytes;
    return out;
  }
  // Gives back the end of the last allocation.
  void Return(size_t bytes) {
    next_ -= bytes;
    left_ += bytes;
  }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kChunk = 64 << 10;
  void Grow(size_t bytes);
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

// A version of a row. One byte stands before its value: whether a newer version in the same delta
// supersedes it; only the thread that applies, then the one that flushes, touches it.
struct DeltaRow {
  const char* key_data = nullptr;
  char* value_data = nullptr;
  uint64_t hash = 0;  // of the key
  uint32_t key_size = 0;
  uint32_t value_size = 0;  // 0: a tombstone, of which the source stands there (row_overlaps.h)

  absl::string_view key() const { return {key_data, key_size}; }
  absl::string_view value() const { return {value_data, value_size}; }
  bool tombstone() const { return value_size == 0; }
  void Supersede() const { value_data[-1] = 1; }
};

struct DeltaIndexEntry {
  const char* key_data = nullptr;
  const char* value_data = nullptr;  // of the row's version that it belongs to
  uint32_t key_size = 0;

  absl::string_view key() const { return {key_data, key_size}; }
  bool superseded() const { return value_data[-1] != 0; }
};

uint64_t HashKey(absl::string_view key);

class RowOverlaps;

// Immutable to those who use it; thread-safe.
class DeltaRun {
 public:
  // Takes rows in the order they were applied; of a key's versions the last counts. Entries belong
  // to these rows. `overlaps` are told of versions that follow each other.
  static std::shared_ptr<const DeltaRun> Build(std::shared_ptr<const RunArena> arena,
                                               std::vector<DeltaRow> rows,
                                               std::vector<DeltaIndexEntry> entries,
                                               RowOverlaps* overlaps);
  // One run of many, oldest first.
  static std::shared_ptr<const DeltaRun> Merge(
      absl::Span<const std::shared_ptr<const DeltaRun>> runs);

  // nullptr where the run has no version of it.
  const DeltaRow* Find(absl::string_view key, uint64_t hash) const;
  const std::vector<DeltaRow>& rows() const { return rows_; }
  // Of the indexes on fields.
  const std::vector<DeltaIndexEntry>& entries() const { return entries_; }
  // Of the index on the division, by key: made when somebody asks, which few runs live to see.
  const std::vector<DeltaIndexEntry>& division_entries() const;
  size_t bytes() const { return bytes_; }
  int tier() const { return tier_; }

  // By how much the run changes the counts; nullptr until somebody asks and it is counted.
  mutable std::atomic<std::shared_ptr<const RowCounts>> change;

 private:
  void Seal();
  void Divide() const;
  std::vector<std::shared_ptr<const RunArena>> arenas_;
  std::vector<DeltaRow> rows_;            // by key
  std::vector<DeltaIndexEntry> entries_;  // by key
  mutable absl::once_flag divided_;
  mutable std::string division_keys_;
  mutable std::vector<DeltaIndexEntry> division_entries_;
  std::vector<uint64_t> bloom_;
  size_t bytes_ = 0;
  int tier_ = 0;
};

using RunPtr = std::shared_ptr<const DeltaRun>;
using Runs = std::vector<RunPtr>;  // oldest first

// The newest version of a key in the runs; nullptr where there is none.
const DeltaRow* FindInRuns(absl::Span<const RunPtr> runs, absl::string_view key);

// Merges trailing runs of a tier while there are kFanout of them: about kFanout runs a tier stay.
inline constexpr size_t kFanout = 16;
void MergeTiers(Runs* runs);

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_DELTA_RUN_H_
