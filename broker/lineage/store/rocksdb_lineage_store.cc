#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/store/fold.h"
#include "broker/lineage/store/lineage_keys.h"
#include "broker/lineage/store/lineage_reader.h"
#include "broker/lineage/store/lineage_store.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/record_batch.h"

namespace huiliu {
namespace {

namespace rdb = rocksdb;
namespace keys = lineage_keys;

absl::string_view AsView(const rdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksDbLineageStore : public LineageReader {
 public:
  RocksDbLineageStore(const LineageStoreOptions& options, const SigningKey& key, Clock& clock)
      : LineageReader(options), key_(key), clock_(clock) {}

  absl::Status Init() {
    RETURN_IF_ERROR(MakeDirectories(options_.path));
    rdb::Options options;
    options.create_if_missing = true;
    options.info_log_level = rdb::WARN_LEVEL;
    options.keep_log_file_num = 2;
    options.max_open_files = 256;
    options.write_buffer_size = options_.write_buffer_bytes;
    // One writer, keys in order: the next key is looked for from the place of the last.
    options.allow_concurrent_memtable_write = false;
    options.compression = rdb::kLZ4Compression;
    rdb::BlockBasedTableOptions table;
    table.block_cache = rdb::NewLRUCache(options_.cache_bytes);
    table.checksum = rdb::kXXH3;
    options.table_factory.reset(rdb::NewBlockBasedTableFactory(table));
    rdb::DB* db = nullptr;
    RETURN_IF_ERROR(LineageStatus(rdb::DB::Open(options, options_.path, &db), options_.path));
    db_.reset(db);
    absl::MutexLock lock(&fold_mutex_);
    RETURN_IF_ERROR(LoadState());
    return LoadCheckpoint();
  }

  absl::Status Fold(absl::Span<const StoredBatch> batches) override {
    absl::MutexLock lock(&fold_mutex_);
    if (broken_) {
      return absl::FailedPreconditionError(absl::StrCat(
          "lineage store ", options_.path, "：写入曾失败，请重启节点 / a write failed; reopen it"));
    }
    rdb::WriteBatch writes;
    LineageFold fold(
        *State(), [this](const std::string& key) { return Read(key); }, &lines_, &writes);
    const absl::Status status = FoldInto(batches, &fold);
    if (!status.ok()) {
      lines_.clear();
      return status;
    }
    if (fold.state.next_offset == State()->next_offset) return absl::OkStatus();
    const absl::Status written = LineageStatus(db_->Write({}, &writes), "lineage fold");
    if (!written.ok()) {
      broken_ = true;
      lines_.clear();
      return written;
    }
    Publish(std::move(fold.state));
    return CheckpointIsDue() ? SignLocked().status() : absl::OkStatus();
  }

  absl::StatusOr<huiliu::v1::Checkpoint> SignCheckpoint() override {
    absl::MutexLock lock(&fold_mutex_);
    return SignLocked();
  }

  absl::StatusOr<std::optional<huiliu::v1::Checkpoint>> LatestCheckpoint() const override {
    absl::MutexLock lock(&latest_mutex_);
    return latest_;
  }

 private:
  absl::Status FoldInto(absl::Span<const StoredBatch> batches, LineageFold* fold) {
    int64_t next = fold->state.next_offset;
    const int64_t before = next;
    for (const StoredBatch& batch : batches) {
      if (batch.next.value() <= next) continue;
      const auto view = RecordBatchView::Parse(batch.bytes);
      if (!view.ok()) {
        return Annotate(view.status(),
                        absl::StrCat(batch.from.topic, "/", batch.from.partition.value(),
                                     " at offset ", batch.first_offset.value()));
      }
      absl::Status status;
      view->ForEach([&](int i, const RecordView& record) {
        const int64_t offset = batch.offsets.empty()
                                   ? batch.first_offset.value() + i
                                   : batch.offsets[static_cast<size_t>(i)].value();
        if (offset >= next && status.ok()) status = fold->Add(record.value);
      });
      RETURN_IF_ERROR(status);
      next = batch.next.value();
    }
    return next == before ? absl::OkStatus() : fold->Finish(next);
  }

  bool CheckpointIsDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(fold_mutex_) {
    const int64_t since = Size() - signed_size_;
    return since >= options_.checkpoint_entries ||
           (since > 0 && clock_.Now() - signed_at_ >= options_.checkpoint_every);
  }

  absl::StatusOr<huiliu::v1::Checkpoint> SignLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(fold_mutex_) {
    const std::shared_ptr<const LineageState> state = State();
    const int64_t size = static_cast<int64_t>(state->tree.size());
    if (size == 0) return absl::FailedPreconditionError("留痕日志为空 / the lineage log is empty");
    if (size == signed_size_) {
      absl::MutexLock lock(&latest_mutex_);
      return *latest_;
    }
    const absl::Time now = clock_.Now();
    ASSIGN_OR_RETURN(huiliu::v1::Checkpoint checkpoint,
                     lineage::Sign(options_.origin, size, state->tree.Root(), key_, now));
    rdb::WriteBatch writes;
    RETURN_IF_ERROR(LineageStatus(
        writes.Put(keys::Checkpoint(size), checkpoint.SerializeAsString()), "keep a checkpoint"));
    // Of the many that are signed, one per keep_checkpoints_every stays; the newest always does.
    const bool thin = signed_size_ > kept_size_ && signed_size_ > 0 &&
                      signed_at_ - kept_at_ < options_.keep_checkpoints_every;
    if (thin) {
      RETURN_IF_ERROR(
          LineageStatus(writes.Delete(keys::Checkpoint(signed_size_)), "thin out checkpoints"));
    }
    // Synced: what is signed must not be taken back, and neither may the entries below it.
    rdb::WriteOptions sync;
    sync.sync = true;
    const absl::Status written = LineageStatus(db_->Write(sync, &writes), "keep a checkpoint");
    if (!written.ok()) {
      broken_ = true;
      return written;
    }
    if (!thin) {
      kept_size_ = signed_size_;
      kept_at_ = signed_at_;
    }
    signed_size_ = size;
    signed_at_ = now;
    absl::MutexLock lock(&latest_mutex_);
    latest_ = checkpoint;
    return checkpoint;
  }

  absl::Status LoadState() ABSL_EXCLUSIVE_LOCKS_REQUIRED(fold_mutex_) {
    LineageState state;
    ASSIGN_OR_RETURN(const std::optional<std::string> stored, Read(keys::kState));
    if (!stored.has_value()) {
      Publish(std::move(state));
      return absl::OkStatus();
    }
    uint64_t size = 0;
    RETURN_IF_ERROR(DecodeState(*stored, &state, &size));
    RETURN_IF_ERROR(
        Scan("f", "f", [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const Refusals refusals, DecodeRefusals(value));
          state.refusals_by_receiver[std::string(absl::StripPrefix(key, "f"))] = refusals;
          return true;
        }));
    std::vector<std::vector<Digest>> edges;
    for (int level = 0; size >> (level * kTileLevels) > 0; ++level) {
      std::vector<Digest>& edge = edges.emplace_back();
      if (level == 0) {
        ASSIGN_OR_RETURN(edge, EdgeFromEntries(size));
        continue;
      }
      ASSIGN_OR_RETURN(const std::optional<std::string> bytes, Read(keys::Edge(level)));
      for (size_t at = 0; bytes.has_value() && at + 32 <= bytes->size(); at += 32) {
        ASSIGN_OR_RETURN(edge.emplace_back(),
                         merkle::ToDigest(absl::string_view(*bytes).substr(at, 32)));
      }
    }
    ASSIGN_OR_RETURN(state.tree,
                     TileTree::Restore(size, std::move(edges), [this](int level, uint64_t index) {
                       return TileAt(level, index);
                     }));
    Publish(std::move(state));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Digest>> EdgeFromEntries(uint64_t size) {
    const uint64_t count = TileTree::EdgeSize(size, 0);
    std::vector<Digest> edge;
    if (count == 0) return edge;
    RETURN_IF_ERROR(
        ScanEntries(static_cast<int64_t>(size - count), [&](int64_t, absl::string_view leaf) {
          edge.push_back(merkle::HashLeaf(leaf));
          return true;
        }));
    return edge;
  }

  // The newest checkpoint must be one of this very tree: else entries, tiles or the key were
  // exchanged.
  absl::Status LoadCheckpoint() ABSL_EXCLUSIVE_LOCKS_REQUIRED(fold_mutex_) {
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    it->SeekForPrev(absl::StrCat("c", std::string(8, '\xFF')));
    RETURN_IF_ERROR(LineageStatus(it->status(), "read checkpoints"));
    if (!it->Valid() || it->key()[0] != 'c') return absl::OkStatus();
    huiliu::v1::Checkpoint checkpoint;
    const absl::string_view bytes = AsView(it->value());
    if (!checkpoint.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::DataLossError("lineage store: a torn checkpoint");
    }
    const auto root = RootAt(checkpoint.tree_size());
    if (!root.ok() || AsBytes(*root) != absl::string_view(checkpoint.root())) {
      return absl::DataLossError(absl::StrCat(
          "lineage store ", options_.path, ": its tree does not lead to its checkpoint of size ",
          checkpoint.tree_size(), "; remove the folder and fold the log again"));
    }
    signed_size_ = kept_size_ = checkpoint.tree_size();
    signed_at_ = kept_at_ = absl::FromUnixMicros(checkpoint.time_us());
    absl::MutexLock lock(&latest_mutex_);
    latest_ = std::move(checkpoint);
    return absl::OkStatus();
  }

  const SigningKey& key_;
  Clock& clock_;

  absl::Mutex fold_mutex_ ABSL_ACQUIRED_BEFORE(latest_mutex_);
  BalanceCache lines_ ABSL_GUARDED_BY(fold_mutex_);
  bool broken_ ABSL_GUARDED_BY(fold_mutex_) = false;
  int64_t signed_size_ ABSL_GUARDED_BY(fold_mutex_) = 0;
  absl::Time signed_at_ ABSL_GUARDED_BY(fold_mutex_) = absl::InfinitePast();
  int64_t kept_size_ ABSL_GUARDED_BY(fold_mutex_) = 0;  // newest that is not thinned out
  absl::Time kept_at_ ABSL_GUARDED_BY(fold_mutex_) = absl::InfinitePast();

  mutable absl::Mutex latest_mutex_;
  std::optional<huiliu::v1::Checkpoint> latest_ ABSL_GUARDED_BY(latest_mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<LineageStore>> LineageStore::Open(const LineageStoreOptions& options,
                                                                 const SigningKey& key,
                                                                 Clock& clock) {
  auto store = std::make_unique<RocksDbLineageStore>(options, key, clock);
  RETURN_IF_ERROR(store->Init());
  return std::unique_ptr<LineageStore>(std::move(store));
}

}  // namespace huiliu
