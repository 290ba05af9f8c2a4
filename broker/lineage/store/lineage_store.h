// What a lineage partition's log says, folded: Merkle tree, entries, indexes, balance, signed
// checkpoints.
//
// One writer folds the batches of the topic `lineage`; everything folded and the offset reached
// change in one write, so that a kill can never tear counts from tree. The topic is the truth: a
// lost tail is folded again to the very same tree.
#ifndef HUILIU_BROKER_LINEAGE_STORE_LINEAGE_STORE_H_
#define HUILIU_BROKER_LINEAGE_STORE_LINEAGE_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/backbone/backbone.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/signing.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu {

struct LineageStoreOptions {
  std::string path;    // a folder of its own
  std::string origin;  // node name/lineage/partition: origin and key name of the checkpoints
  absl::Duration checkpoint_every = absl::Seconds(1);  // Fold signs when so much time has passed …
  int64_t checkpoint_entries = 10'000;                 // … or so many entries have come
  // Of the signed ones, one in such a time is kept for good; so is the newest.
  absl::Duration keep_checkpoints_every = absl::Minutes(10);
  size_t cache_bytes = size_t{16} << 20;
  size_t write_buffer_bytes = size_t{8} << 20;
};

// Thread-safe: Fold and SignCheckpoint by one thread at a time (they exclude each other), reads by
// any. Entries that are no LineageEntry are leaves of the tree like all others and counted in
// malformed().
class LineageStore {
 public:
  struct BatchEntry {
    huiliu::v1::Step step;
    int64_t index;  // leaf index
  };
  struct Refusals {
    int64_t count = 0;
    int64_t last_index = -1;
  };
  struct Inclusion {
    Digest leaf_hash{};
    std::vector<Digest> path;
  };

  // One process at a time: FAILED_PRECONDITION where another holds `path`. DATA_LOSS where the
  // content is damaged: remove the folder and fold the topic again. `key` and `clock` outlive the
  // store.
  static absl::StatusOr<std::unique_ptr<LineageStore>> Open(const LineageStoreOptions& options,
                                                            const SigningKey& key, Clock& clock);
  virtual ~LineageStore() = default;

  // Folds batches in offset order; what is below NextOffset() is skipped. DATA_LOSS where a batch
  // is damaged: nothing of this call is folded. After a failed write every Fold answers
  // FAILED_PRECONDITION until the store is reopened.
  virtual absl::Status Fold(absl::Span<const StoredBatch> batches) = 0;
  // Where to go on reading the partition.
  virtual Offset NextOffset() const = 0;

  // Leaves folded.
  virtual int64_t Size() const = 0;
  virtual Digest Root() const = 0;

  // Signs the present head, durably; the newest one where nothing was folded since.
  // FAILED_PRECONDITION on an empty log.
  virtual absl::StatusOr<huiliu::v1::Checkpoint> SignCheckpoint() = 0;
  // nullopt before the first one.
  virtual absl::StatusOr<std::optional<huiliu::v1::Checkpoint>> LatestCheckpoint() const = 0;
  // Kept ones with tree size >= from, oldest first, at most `limit`.
  virtual absl::StatusOr<std::vector<huiliu::v1::Checkpoint>> Checkpoints(int64_t from,
                                                                          int limit) const = 0;

  // OUT_OF_RANGE unless 0 <= index < size <= Size(), respectively 0 < from <= to <= Size().
  virtual absl::StatusOr<Inclusion> InclusionProof(int64_t index, int64_t size) const = 0;
  virtual absl::StatusOr<std::vector<Digest>> ConsistencyProof(int64_t from, int64_t to) const = 0;
  // Root and peaks (merkle::PeakIds order) of the first `size` leaves: where an export from there
  // begins.
  virtual absl::StatusOr<Digest> RootAt(int64_t size) const = 0;
  virtual absl::StatusOr<std::vector<Digest>> Peaks(int64_t size) const = 0;

  // Leaf data. OUT_OF_RANGE unless 0 <= index < Size().
  virtual absl::StatusOr<std::string> Leaf(int64_t index) const = 0;
  // Leaf data of [from, to), cut to what is there and to about `max_bytes` (at least one).
  virtual absl::StatusOr<std::vector<std::string>> Leaves(int64_t from, int64_t to,
                                                          size_t max_bytes) const = 0;
  // DATA_LOSS where the leaf is no LineageEntry.
  virtual absl::StatusOr<huiliu::v1::LineageEntry> Entry(int64_t index) const = 0;

  // Every entry about a source's batch, in log order: intake, return, redrive. Empty where there is
  // none.
  virtual absl::StatusOr<std::vector<BatchEntry>> FindBatch(absl::string_view source,
                                                            uint64_t epoch,
                                                            uint64_t sequence) const = 0;
  // The entry of the catalog's write (STEP_APPLY) that took the record at this place of the log;
  // nullopt where none is folded (yet).
  virtual absl::StatusOr<std::optional<int64_t>> FindApplied(const TopicPartition& tp,
                                                             Offset offset) const = 0;
  // Leaf indexes below `before` of reads and deliveries of one row, newest first, at most `limit`;
  // `key_digest` from lineage::KeyDigest.
  virtual absl::StatusOr<std::vector<int64_t>> FindReads(absl::string_view receiver,
                                                         absl::string_view dataset,
                                                         absl::string_view key_digest, int limit,
                                                         int64_t before) const = 0;
  // Whether a row with this key ever left through the grant, by a read or a delivery that is
  // folded.
  virtual absl::StatusOr<bool> LeftThrough(absl::string_view grant, absl::string_view receiver,
                                           absl::string_view dataset,
                                           absl::string_view key_digest) const = 0;

  // Lines in (receiver, day, system, source, dataset) order; empty arguments: all.
  virtual absl::StatusOr<std::vector<huiliu::v1::GetBalanceResponse::Line>> Balance(
      absl::string_view receiver, absl::string_view day) const = 0;
  // When the source's newest batch was taken over; nullopt before the first.
  virtual absl::StatusOr<std::optional<absl::Time>> LastBatchTime(
      absl::string_view source) const = 0;
  // Refused reads of a receiver; empty: of all.
  virtual Refusals RefusedReads(absl::string_view receiver) const = 0;
  virtual int64_t malformed() const = 0;
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_LINEAGE_STORE_LINEAGE_STORE_H_
