// The decision store's files: the only place here that sees RocksDB. Column families: truth (hash
// of key → entry, written only as whole sorted files), staged (sequence → entries), default (seed,
// format, whether a rebuild is under way).
#ifndef HUILIU_STORAGE_DECISIONS_DECISION_FILES_H_
#define HUILIU_STORAGE_DECISIONS_DECISION_FILES_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/decisions/key_hash.h"
#include "storage/decisions/rocksdb_decision_store.h"
#include "storage/decisions/update_table.h"

namespace huiliu {

// Thread-safe, but for Clear.
class DecisionFiles {
 public:
  static absl::StatusOr<std::unique_ptr<DecisionFiles>> Open(
      const std::string& path, const RocksDbDecisionStoreOptions& options);
  // As a follower of the process that has them open: nothing may be written. NOT_FOUND: there are
  // none.
  static absl::StatusOr<std::unique_ptr<DecisionFiles>> OpenForReading(const std::string& path,
                                                                       const std::string& scratch);
  virtual ~DecisionFiles() = default;

  virtual const KeyHashSeed& seed() const = 0;
  // The sequence that the truth on disk reaches.
  virtual uint64_t written_sequence() const = 0;
  virtual bool rebuilding() const = 0;

  // Appends one staged batch; durable on return.
  virtual absl::Status PutStaged(uint64_t sequence, absl::string_view blob) = 0;
  // Calls f(sequence, blob) for staged batches above written_sequence(), in order.
  virtual absl::Status ReadStaged(const std::function<absl::Status(uint64_t, std::string)>& f) = 0;
  // Forgets staged batches from..to, both included.
  virtual absl::Status DropStaged(uint64_t from, uint64_t to) = 0;

  struct Wanted {
    KeyHash hash;
    absl::string_view key;
    std::optional<std::string>* value = nullptr;
  };
  // Fills the values that the truth knows. Sorts `wanted`.
  virtual absl::Status Read(absl::Span<Wanted> wanted) = 0;
  // Writes a table to the truth, which then reaches `sequence`: all or nothing.
  virtual absl::Status Write(const UpdateTable& table, uint64_t sequence) = 0;
  // Whole truth, in hash order.
  virtual absl::Status Scan(
      const std::function<absl::Status(const KeyHash&, const UpdateEntry&)>& f) = 0;

  // Begins a rebuild: everything is forgotten, durably marked as under way until EndRebuild.
  virtual absl::Status Clear() = 0;
  virtual absl::Status EndRebuild() = 0;
};

}  // namespace huiliu

#endif  // HUILIU_STORAGE_DECISIONS_DECISION_FILES_H_
