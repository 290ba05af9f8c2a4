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
#include "broker/lineage/store/lineage_store.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/record_batch.h"
#include "core/model/varint.h"

namespace huiliu {
namespace {

namespace rdb = rocksdb;
namespace keys = lineage_keys;
using huiliu::v1::LineageEntry;

absl::Status FromRocks(const rdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsBusy() || message.find("lock") != std::string::npos)
    return absl::FailedPreconditionError(message);
  return absl::UnavailableError(message);
}

rdb::Slice AsSlice(absl::string_view view) { return {view.data(), view.size()}; }
absl::string_view AsView(const rdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksDbLineageStore : public LineageStore {
 public:
  RocksDbLineageStore(const LineageStoreOptions& options, const SigningKey& key, Clock& clock)
      : options_(options), key_(key), clock_(clock) {}

  absl::Status Init() {
    RETURN_IF_ERROR(MakeDirectories(options_.path));
    rdb::Options options;
    options.create_if_missing = true;
    options.info_log_level = rdb::WARN_LEVEL;
    options.keep_log_file_num = 2;
    options.max_open_files = 256;
    options.write_buffer_size = options_.write_buffer_bytes;
    options.compression = rdb::kLZ4Compression;
    rdb::BlockBasedTableOptions table;
    table.block_cache = rdb::NewLRUCache(options_.cache_bytes);
    table.checksum = rdb::kXXH3;
    options.table_factory.reset(rdb::NewBlockBasedTableFactory(table));
    rdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(rdb::DB::Open(options, options_.path, &db), options_.path));
    db_.reset(db);
    absl::MutexLock lock(&fold_mutex_);
    RETURN_IF_ERROR(LoadState());
    return LoadCheckpoint();
  }

  absl::Status Fold(absl::Span<const StoredBatch> batches) override {
    absl::MutexLock lock(&fold_mutex_);
    if (broken_) {
      return absl::FailedPreconditionError(
          absl::StrCat("lineage store ", options_.path, ": a write failed; reopen it"));
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
    const absl::Status written = FromRocks(db_->Write({}, &writes), "lineage fold");
    if (!written.ok()) {
      broken_ = true;
      lines_.clear();
      return written;
    }
    Publish(std::move(fold.state));
    return CheckpointIsDue() ? SignLocked().status() : absl::OkStatus();
  }

  Offset NextOffset() const override { return Offset(State()->next_offset); }
  int64_t Size() const override { return SizeOf(*State()); }
  Digest Root() const override { return State()->tree.Root(); }
  int64_t malformed() const override { return State()->malformed; }

  absl::StatusOr<huiliu::v1::Checkpoint> SignCheckpoint() override {
    absl::MutexLock lock(&fold_mutex_);
    return SignLocked();
  }

  absl::StatusOr<std::optional<huiliu::v1::Checkpoint>> LatestCheckpoint() const override {
    absl::MutexLock lock(&state_mutex_);
    return latest_;
  }

  absl::StatusOr<std::vector<huiliu::v1::Checkpoint>> Checkpoints(int64_t from,
                                                                  int limit) const override {
    std::vector<huiliu::v1::Checkpoint> found;
    RETURN_IF_ERROR(Scan("c", keys::Checkpoint(std::max<int64_t>(from, 0)),
                         [&](absl::string_view, absl::string_view value) -> absl::StatusOr<bool> {
                           if (static_cast<int>(found.size()) >= limit) return false;
                           if (!found.emplace_back().ParseFromArray(value.data(),
                                                                    static_cast<int>(value.size())))
                             return absl::DataLossError("lineage store: a torn checkpoint");
                           return true;
                         }));
    return found;
  }

  absl::StatusOr<Inclusion> InclusionProof(int64_t index, int64_t size) const override {
    const std::shared_ptr<const LineageState> state = State();
    RETURN_IF_ERROR(CheckSize(*state, size));
    if (index < 0 || index >= size) {
      return absl::OutOfRangeError(absl::StrCat("entry ", index, " is not in a log of ", size));
    }
    Inclusion inclusion;
    const merkle::NodeReader reader = ReaderOf(*state);
    ASSIGN_OR_RETURN(inclusion.path, merkle::InclusionProof(static_cast<uint64_t>(index),
                                                            static_cast<uint64_t>(size), reader));
    ASSIGN_OR_RETURN(inclusion.leaf_hash, reader({0, static_cast<uint64_t>(index)}));
    return inclusion;
  }

  absl::StatusOr<std::vector<Digest>> ConsistencyProof(int64_t from, int64_t to) const override {
    const std::shared_ptr<const LineageState> state = State();
    RETURN_IF_ERROR(CheckSize(*state, to));
    if (from <= 0 || from > to) {
      return absl::OutOfRangeError(absl::StrCat("no consistency proof from ", from, " to ", to));
    }
    return merkle::ConsistencyProof(static_cast<uint64_t>(from), static_cast<uint64_t>(to),
                                    ReaderOf(*state));
  }

  absl::StatusOr<Digest> RootAt(int64_t size) const override {
    const std::shared_ptr<const LineageState> state = State();
    RETURN_IF_ERROR(CheckSize(*state, size));
    return merkle::RootAt(static_cast<uint64_t>(size), ReaderOf(*state));
  }

  absl::StatusOr<std::vector<Digest>> Peaks(int64_t size) const override {
    const std::shared_ptr<const LineageState> state = State();
    RETURN_IF_ERROR(CheckSize(*state, size));
    const merkle::NodeReader reader = ReaderOf(*state);
    std::vector<Digest> peaks;
    for (const merkle::NodeId& id : merkle::PeakIds(static_cast<uint64_t>(size))) {
      ASSIGN_OR_RETURN(peaks.emplace_back(), reader(id));
    }
    return peaks;
  }

  absl::StatusOr<std::string> Leaf(int64_t index) const override {
    if (index >= Size()) return NoEntry(index);
    ASSIGN_OR_RETURN(std::vector<std::string> leaves, Leaves(index, index + 1, 1));
    return std::move(leaves[0]);
  }

  absl::StatusOr<std::vector<std::string>> Leaves(int64_t from, int64_t to,
                                                  size_t max_bytes) const override {
    to = std::min(to, Size());
    std::vector<std::string> leaves;
    if (from < 0) return NoEntry(from);
    if (from >= to) return leaves;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    size_t bytes = 0;
    int64_t next = from;
    for (it->SeekForPrev(keys::Entries(from)); it->Valid() && it->key()[0] == 'e'; it->Next()) {
      absl::string_view run = AsView(it->value());
      int64_t index = keys::TailIndex(AsView(it->key()));
      for (; !run.empty() && next < to; ++index) {
        uint64_t length = 0;
        if (!TakeVarint(run, &length) || length > run.size()) return TornEntries(index);
        if (index == next) {
          leaves.emplace_back(run.data(), length);
          bytes += length;
          if (++next == to || bytes >= max_bytes) return leaves;
        }
        run.remove_prefix(length);
      }
    }
    RETURN_IF_ERROR(FromRocks(it->status(), "read lineage entries"));
    return TornEntries(next);
  }

  absl::StatusOr<LineageEntry> Entry(int64_t index) const override {
    ASSIGN_OR_RETURN(const std::string leaf, Leaf(index));
    LineageEntry entry;
    if (!entry.ParseFromString(leaf)) {
      return absl::DataLossError(absl::StrCat("leaf ", index, " is no lineage entry"));
    }
    return entry;
  }

  absl::StatusOr<std::vector<BatchEntry>> FindBatch(absl::string_view source, uint64_t epoch,
                                                    uint64_t sequence) const override {
    std::vector<BatchEntry> found;
    const std::string prefix = keys::BatchPrefix(source, epoch, sequence);
    RETURN_IF_ERROR(
        Scan(prefix, prefix,
             [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
               if (key.size() == prefix.size() + 8 && value.size() == 1) {
                 found.push_back({static_cast<huiliu::v1::Step>(value[0]), keys::TailIndex(key)});
               }
               return true;
             }));
    return found;
  }

  absl::StatusOr<std::vector<int64_t>> FindReads(absl::string_view receiver,
                                                 absl::string_view dataset,
                                                 absl::string_view key_digest,
                                                 int limit) const override {
    std::vector<int64_t> found;
    if (key_digest.size() < keys::kDigestPrefix) return found;
    const std::string prefix = keys::ReadPrefix(key_digest);
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    it->SeekForPrev(absl::StrCat(prefix, std::string(8, '\xFF')));
    for (; it->Valid() && it->key().starts_with(prefix); it->Prev()) {
      if (static_cast<int>(found.size()) >= limit) break;
      const int64_t index = keys::TailIndex(AsView(it->key()));
      // The index knows a digest's beginning only.
      ASSIGN_OR_RETURN(const LineageEntry entry, Entry(index));
      const auto& digests = entry.key_digests();
      const bool holds = std::any_of(digests.begin(), digests.end(), [&](const std::string& d) {
        return absl::string_view(d) == key_digest;
      });
      if (holds && absl::string_view(entry.receiver()) == receiver &&
          absl::string_view(entry.dataset()) == dataset) {
        found.push_back(index);
      }
    }
    RETURN_IF_ERROR(FromRocks(it->status(), "find reads"));
    return found;
  }

  absl::StatusOr<std::vector<BalanceLine>> Balance(absl::string_view receiver,
                                                   absl::string_view day) const override {
    std::vector<BalanceLine> lines;
    const std::string prefix = receiver.empty() ? "b" : keys::BalancePrefix(receiver);
    RETURN_IF_ERROR(Scan(prefix, prefix,
                         [&](absl::string_view, absl::string_view value) -> absl::StatusOr<bool> {
                           BalanceLine line;
                           if (!line.ParseFromArray(value.data(), static_cast<int>(value.size())))
                             return absl::DataLossError("lineage store: a torn balance line");
                           if (day.empty() || day == absl::string_view(line.day()))
                             lines.push_back(std::move(line));
                           return true;
                         }));
    return lines;
  }

  absl::StatusOr<std::optional<absl::Time>> LastBatchTime(absl::string_view source) const override {
    ASSIGN_OR_RETURN(const std::optional<std::string> stored, Read(keys::LastBatch(source)));
    if (!stored.has_value()) return std::optional<absl::Time>();
    if (stored->size() != 8) return absl::DataLossError("lineage store: a torn batch time");
    return std::optional<absl::Time>(absl::FromUnixMicros(keys::TailIndex(*stored)));
  }

  Refusals RefusedReads(absl::string_view receiver) const override {
    const std::shared_ptr<const LineageState> state = State();
    if (receiver.empty()) return state->refusals;
    const auto it = state->refusals_by_receiver.find(std::string(receiver));
    return it == state->refusals_by_receiver.end() ? Refusals{} : it->second;
  }

 private:
  static int64_t SizeOf(const LineageState& state) {
    return static_cast<int64_t>(state.tree.size());
  }
  static absl::Status NoEntry(int64_t index) {
    return absl::OutOfRangeError(absl::StrCat("the lineage log has no entry ", index));
  }
  absl::Status TornEntries(int64_t index) const {
    return absl::DataLossError(
        absl::StrCat("lineage store ", options_.path, ": entry ", index, " is missing or torn"));
  }
  static absl::Status CheckSize(const LineageState& state, int64_t size) {
    if (size >= 0 && size <= SizeOf(state)) return absl::OkStatus();
    return absl::OutOfRangeError(
        absl::StrCat("the lineage log has ", SizeOf(state), " entries, not ", size));
  }

  std::shared_ptr<const LineageState> State() const {
    absl::MutexLock lock(&state_mutex_);
    return state_;
  }
  void Publish(LineageState state) {
    auto next = std::make_shared<const LineageState>(std::move(state));
    absl::MutexLock lock(&state_mutex_);
    state_.swap(next);
  }

  absl::StatusOr<std::optional<std::string>> Read(const std::string& key) const {
    std::string value;
    const rdb::Status status = db_->Get({}, key, &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    RETURN_IF_ERROR(FromRocks(status, "read lineage"));
    return std::optional<std::string>(std::move(value));
  }

  absl::StatusOr<std::string> TileAt(int level, uint64_t index) const {
    ASSIGN_OR_RETURN(std::optional<std::string> tile, Read(keys::Tile(level, index)));
    if (!tile.has_value()) {
      return absl::DataLossError(absl::StrCat("lineage store ", options_.path, ": tile ", level,
                                              "/", index, " is missing"));
    }
    return *std::move(tile);
  }

  // `state` must outlive the reader.
  merkle::NodeReader ReaderOf(const LineageState& state) const {
    return [this, &state](const merkle::NodeId& id) {
      return state.tree.Node(id,
                             [this](int level, uint64_t index) { return TileAt(level, index); });
    };
  }

  // Calls visit(key, value) for every key with the prefix from `start` on, until it says false.
  template <typename Visit>
  absl::Status Scan(absl::string_view prefix, absl::string_view start, Visit visit) const {
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(AsSlice(start)); it->Valid() && it->key().starts_with(AsSlice(prefix));
         it->Next()) {
      ASSIGN_OR_RETURN(const bool more, visit(AsView(it->key()), AsView(it->value())));
      if (!more) return absl::OkStatus();
    }
    return FromRocks(it->status(), "read lineage");
  }

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
    const int64_t size = SizeOf(*state);
    if (size == 0) return absl::FailedPreconditionError("the lineage log is empty");
    if (size == signed_size_) {
      absl::MutexLock lock(&state_mutex_);
      return *latest_;
    }
    const absl::Time now = clock_.Now();
    ASSIGN_OR_RETURN(huiliu::v1::Checkpoint checkpoint,
                     lineage::Sign(options_.origin, size, state->tree.Root(), key_, now));
    rdb::WriteBatch writes;
    RETURN_IF_ERROR(FromRocks(writes.Put(keys::Checkpoint(size), checkpoint.SerializeAsString()),
                              "keep a checkpoint"));
    // Of the many that are signed, one per keep_checkpoints_every stays; the newest always does.
    const bool thin = signed_size_ > kept_size_ && signed_size_ > 0 &&
                      signed_at_ - kept_at_ < options_.keep_checkpoints_every;
    if (thin) {
      RETURN_IF_ERROR(
          FromRocks(writes.Delete(keys::Checkpoint(signed_size_)), "thin out checkpoints"));
    }
    // Synced: what is signed must not be taken back, and neither may the entries below it.
    rdb::WriteOptions sync;
    sync.sync = true;
    const absl::Status written = FromRocks(db_->Write(sync, &writes), "keep a checkpoint");
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
    absl::MutexLock lock(&state_mutex_);
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
    // Leaves() trusts the published size.
    const uint64_t count = TileTree::EdgeSize(size, 0);
    std::vector<Digest> edge;
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    const int64_t from = static_cast<int64_t>(size - count);
    for (it->SeekForPrev(keys::Entries(from)); it->Valid() && it->key()[0] == 'e'; it->Next()) {
      absl::string_view run = AsView(it->value());
      for (int64_t index = keys::TailIndex(AsView(it->key())); !run.empty(); ++index) {
        uint64_t length = 0;
        if (!TakeVarint(run, &length) || length > run.size()) return TornEntries(index);
        if (index >= from) edge.push_back(merkle::HashLeaf(run.substr(0, length)));
        run.remove_prefix(length);
      }
    }
    RETURN_IF_ERROR(FromRocks(it->status(), "read lineage entries"));
    return edge;
  }

  // The newest checkpoint must be one of this very tree: else entries, tiles or the key were
  // exchanged.
  absl::Status LoadCheckpoint() ABSL_EXCLUSIVE_LOCKS_REQUIRED(fold_mutex_) {
    const std::unique_ptr<rdb::Iterator> it(db_->NewIterator({}));
    it->SeekForPrev(absl::StrCat("c", std::string(8, '\xFF')));
    RETURN_IF_ERROR(FromRocks(it->status(), "read checkpoints"));
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
    absl::MutexLock lock(&state_mutex_);
    latest_ = std::move(checkpoint);
    return absl::OkStatus();
  }

  const LineageStoreOptions options_;
  const SigningKey& key_;
  Clock& clock_;
  std::unique_ptr<rdb::DB> db_;

  absl::Mutex fold_mutex_ ABSL_ACQUIRED_BEFORE(state_mutex_);
  BalanceCache lines_ ABSL_GUARDED_BY(fold_mutex_);
  bool broken_ ABSL_GUARDED_BY(fold_mutex_) = false;
  int64_t signed_size_ ABSL_GUARDED_BY(fold_mutex_) = 0;
  absl::Time signed_at_ ABSL_GUARDED_BY(fold_mutex_) = absl::InfinitePast();
  int64_t kept_size_ ABSL_GUARDED_BY(fold_mutex_) = 0;  // newest that is not thinned out
  absl::Time kept_at_ ABSL_GUARDED_BY(fold_mutex_) = absl::InfinitePast();

  mutable absl::Mutex state_mutex_;
  std::shared_ptr<const LineageState> state_ ABSL_GUARDED_BY(state_mutex_);
  std::optional<huiliu::v1::Checkpoint> latest_ ABSL_GUARDED_BY(state_mutex_);
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
