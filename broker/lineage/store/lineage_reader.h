// The store's reads: everything that a folded state and its rows answer. Folding stands in
// rocksdb_lineage_store.cc.
#ifndef HUILIU_BROKER_LINEAGE_STORE_LINEAGE_READER_H_
#define HUILIU_BROKER_LINEAGE_STORE_LINEAGE_READER_H_

#include <rocksdb/db.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "broker/lineage/store/fold.h"
#include "broker/lineage/store/lineage_store.h"
#include "core/merkle/merkle.h"

namespace huiliu {

// The status of a RocksDB answer.
absl::Status LineageStatus(const rocksdb::Status& status, absl::string_view doing);

// Rows are only ever added below a published state, so a reader that holds one needs no lock.
class LineageReader : public LineageStore {
 public:
  explicit LineageReader(const LineageStoreOptions& options) : options_(options) {}

  Offset NextOffset() const override { return Offset(State()->next_offset); }
  int64_t Size() const override { return static_cast<int64_t>(State()->tree.size()); }
  Digest Root() const override { return State()->tree.Root(); }
  int64_t malformed() const override { return State()->malformed; }
  absl::StatusOr<std::vector<huiliu::v1::Checkpoint>> Checkpoints(int64_t from,
                                                                  int limit) const override;
  absl::StatusOr<Inclusion> InclusionProof(int64_t index, int64_t size) const override;
  absl::StatusOr<std::vector<Digest>> ConsistencyProof(int64_t from, int64_t to) const override;
  absl::StatusOr<Digest> RootAt(int64_t size) const override;
  absl::StatusOr<std::vector<Digest>> Peaks(int64_t size) const override;
  absl::StatusOr<std::string> Leaf(int64_t index) const override;
  absl::StatusOr<std::vector<std::string>> Leaves(int64_t from, int64_t to,
                                                  size_t max_bytes) const override;
  absl::StatusOr<huiliu::v1::LineageEntry> Entry(int64_t index) const override;
  absl::StatusOr<std::vector<BatchEntry>> FindBatch(absl::string_view source, uint64_t epoch,
                                                    uint64_t sequence) const override;
  absl::StatusOr<std::optional<int64_t>> FindApplied(const TopicPartition& tp,
                                                     Offset offset) const override;
  absl::StatusOr<std::vector<int64_t>> FindReads(absl::string_view receiver,
                                                 absl::string_view dataset,
                                                 absl::string_view key_digest, int limit,
                                                 int64_t before) const override;
  absl::StatusOr<bool> LeftThrough(absl::string_view grant, absl::string_view receiver,
                                   absl::string_view dataset,
                                   absl::string_view key_digest) const override;
  absl::StatusOr<std::vector<BalanceLine>> Balance(absl::string_view receiver,
                                                   absl::string_view day) const override;
  absl::StatusOr<std::optional<absl::Time>> LastBatchTime(absl::string_view source) const override;
  Refusals RefusedReads(absl::string_view receiver) const override;

 protected:
  using Visit =
      absl::FunctionRef<absl::StatusOr<bool>(absl::string_view key, absl::string_view value)>;
  std::shared_ptr<const LineageState> State() const;
  void Publish(LineageState state);
  absl::StatusOr<std::optional<std::string>> Read(const std::string& key) const;
  absl::StatusOr<std::string> TileAt(int level, uint64_t index) const;
  // `state` must outlive the reader.
  merkle::NodeReader ReaderOf(const LineageState& state) const;
  // Calls visit(key, value) for every key with the prefix from `start` on, until it says false.
  absl::Status Scan(absl::string_view prefix, absl::string_view start, Visit visit) const;
  // Calls visit(index, leaf) for every stored entry from `from` on, until it says false.
  absl::Status ScanEntries(
      int64_t from, absl::FunctionRef<bool(int64_t index, absl::string_view leaf)> visit) const;
  absl::Status TornEntries(int64_t index) const;

  const LineageStoreOptions options_;
  std::unique_ptr<rocksdb::DB> db_;

 private:
  mutable absl::Mutex state_mutex_;
  std::shared_ptr<const LineageState> state_ ABSL_GUARDED_BY(state_mutex_);
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_LINEAGE_STORE_LINEAGE_READER_H_
