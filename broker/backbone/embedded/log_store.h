// The RocksDB behind the embedded backbone: its options, its synced writes and what becomes of
// them when the disk fails, its batches. docs/formats/backbone-embedded.md.
#ifndef HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_STORE_H_
#define HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_STORE_H_

#include <rocksdb/db.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/embedded/batch_value.h"
#include "broker/backbone/embedded/embedded_backbone.h"

namespace huiliu::embedded {

// A partition as the store knows it.
struct LogPlace {
  uint32_t topic = 0;  // id
  TopicPartition tp;
  std::string text() const;  // topic/partition, for messages
};

// One column family holds all (heads, batches, state), told apart by their keys: so a commit is one
// piece for RocksDB's flushes too, and no log file is ever replayed into a part of the families.
// Thread-safe.
class LogStore {
 public:
  // DATA_LOSS names the corrupt file; UNAVAILABLE where another process has the folder open.
  static absl::StatusOr<std::unique_ptr<LogStore>> Open(const EmbeddedOptions& options);
  ~LogStore();

  rocksdb::DB& db() { return *db_; }

  // Writes all of it, synced, or nothing. RESOURCE_EXHAUSTED: the disk is (nearly) full, later
  // writes may succeed. Anything else that is not OK breaks the store: every later write answers
  // FAILED_PRECONDITION, reads go on.
  //
  // Every write is synced before the next begins, cleaning included: so at most one commit is
  // unfinished at the end of the log file, and CutTornTail can tell it from damage.
  absl::Status Write(rocksdb::WriteBatch* batch);

  absl::StatusOr<std::optional<std::string>> GetState(const std::string& key);

  // Batches of [from, end), up to about max_bytes and at least one where there is any. Those before
  // a corrupt one are returned first. DATA_LOSS names the corrupt one and where to go on.
  absl::StatusOr<std::vector<StoredBatch>> Read(const LogPlace& place, Offset from, Offset end,
                                                size_t max_bytes);

  // Tells how many bytes of batches were deleted; gives disk space back when it is worth it.
  absl::Status Reclaim(int64_t deleted_bytes);

 private:
  explicit LogStore(const EmbeddedOptions& options) : options_(options) {}
  absl::Status OpenDb();
  absl::Status CheckSpace(size_t bytes);
  absl::Status ProbeSpace();
  absl::Status LeaveFullState() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status Break(const rocksdb::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  const EmbeddedOptions options_;
  rocksdb::Env* env_ = nullptr;
  std::unique_ptr<rocksdb::DB> db_;

  absl::Mutex write_mutex_;  // held over a write: the leader's and the cleaner's take turns
  absl::Status broken_ ABSL_GUARDED_BY(write_mutex_);
  bool full_ ABSL_GUARDED_BY(write_mutex_) = false;

  absl::Mutex reclaim_mutex_;
  int64_t deleted_bytes_ ABSL_GUARDED_BY(reclaim_mutex_) = 0;
};

}  // namespace huiliu::embedded

#endif  // HUILIU_BROKER_BACKBONE_EMBEDDED_LOG_STORE_H_
