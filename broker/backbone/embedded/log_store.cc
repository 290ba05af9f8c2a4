#include "broker/backbone/embedded/log_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/rocksdb_status.h"
#include "broker/backbone/embedded/wal_check.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::embedded {
namespace {

using absl::StrCat;

constexpr int64_t kReclaimAfterBytes = 64 << 20;
constexpr size_t kProbeBytes = 1 << 20;
constexpr char kTickKey[] = "tick";

// After a full disk RocksDB would try by itself, every few seconds; we try at the next commit.
class NoSelfRecovery : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::Options MakeOptions(const EmbeddedOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  rocksdb::Options out;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.compression = rocksdb::kLZ4Compression;
  out.level_compaction_dynamic_level_bytes = true;
  out.write_buffer_size = options.write_buffer_bytes;
  // Batches go to blob files at flush: compactions then move keys only.
  out.enable_blob_files = true;
  out.min_blob_size = 4096;
  out.blob_file_size = 128 << 20;
  out.blob_compression_type = options.compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  out.enable_blob_garbage_collection = true;
  out.blob_garbage_collection_age_cutoff = 0.25;
  out.create_if_missing = true;
  out.info_log_level = rocksdb::WARN_LEVEL;
  out.keep_log_file_num = 3;
  out.max_total_wal_size = 4 * options.write_buffer_bytes;
  out.max_background_jobs = 2;
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  out.listeners = {std::make_shared<NoSelfRecovery>()};
  return out;
}

}  // namespace

std::string LogPlace::text() const { return StrCat(tp.topic, "/", tp.partition.value()); }

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Open(const EmbeddedOptions& options) {
  std::unique_ptr<LogStore> store(new LogStore(options));
  RETURN_IF_ERROR(store->OpenDb());
  return store;
}

LogStore::~LogStore() {
  if (db_ == nullptr) return;
  const rocksdb::Status closed = db_->Close();
  db_.reset();
  absl::MutexLock lock(&write_mutex_);
  // Without the word the end of the log is checked as after a crash.
  if (closed.ok() && broken_.ok() && !full_) NoteClosedWhole(*env_, options_.path).IgnoreError();
}

absl::Status LogStore::OpenDb() {
  RETURN_IF_ERROR(MakeDirectories(options_.path));
  env_ = options_.env != nullptr ? options_.env : rocksdb::Env::Default();
  // The lock comes first: another process's log must not be touched.
  rocksdb::FileLock* lock = nullptr;
  const std::string lock_path = options_.path + "/LOCK";
  RETURN_IF_ERROR(FromRocks(env_->LockFile(lock_path, &lock), StrCat("backbone ", options_.path)));
  const absl::Status checked = CutTornTail(*env_, options_.path, options_.warn);
  RETURN_IF_ERROR(FromRocks(env_->UnlockFile(lock), options_.path));
  RETURN_IF_ERROR(Annotate(checked, StrCat("backbone ", options_.path)));

  rocksdb::Options options = MakeOptions(options_);
  options.env = env_;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, options_.path, &raw);
  RETURN_IF_ERROR(FromRocks(status, StrCat("backbone ", options_.path)));
  db_.reset(raw);
  return absl::OkStatus();
}

absl::Status LogStore::CheckSpace(size_t bytes) {
  uint64_t free = 0;
  if (!env_->GetFreeSpace(options_.path, &free).ok())
    return absl::OkStatus();  // not every disk tells
  if (free >= options_.reserve_bytes + bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      StrCat("磁盘空间不足，腾出空间后自动恢复写入 / backbone ", options_.path, ": ", free >> 20,
             " MiB of disk left, ", options_.reserve_bytes >> 20,
             " MiB are kept free; writing goes on by itself when there is more"));
}

absl::Status LogStore::ProbeSpace() {
  const std::string path = options_.path + "/space.probe";
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env_->NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(std::string(kProbeBytes, '\0'));
  if (status.ok()) status = file->Sync();
  file.reset();
  env_->DeleteFile(path).PermitUncheckedError();
  return FromRocks(status, StrCat("backbone ", options_.path, ": the disk is full"));
}

absl::Status LogStore::LeaveFullState() {
  // RocksDB does not survive a second failure while it recovers: it is only tried with space there.
  RETURN_IF_ERROR(ProbeSpace());
  rocksdb::Status status = db_->Resume();
  // The failed commit must not come back from the log file it was written to: a flush makes the
  // log begin behind it. The tick is there so that there is something to flush.
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  if (status.ok()) status = db_->Put(unlogged, kTickKey, "");
  if (status.ok()) status = db_->Flush(rocksdb::FlushOptions());
  if (!status.ok()) return Break(status);
  full_ = false;
  return absl::OkStatus();
}

absl::Status LogStore::Break(const rocksdb::Status& status) {
  const absl::Status failed = FromRocks(status, StrCat("backbone ", options_.path));
  broken_ = absl::FailedPreconditionError(
      StrCat("写入曾失败，日志不再接受写入，请检查磁盘后重启节点 / the log refuses writes after a "
             "failed one (",
             failed.message(), "); check the disk, then restart the node"));
  return absl::UnavailableError(failed.message());
}

absl::Status LogStore::Write(rocksdb::WriteBatch* batch) {
  absl::MutexLock lock(&write_mutex_);
  if (!broken_.ok()) return broken_;
  RETURN_IF_ERROR(CheckSpace(batch->GetDataSize()));
  if (full_) RETURN_IF_ERROR(LeaveFullState());
  rocksdb::WriteOptions write;
  write.sync = true;
  const rocksdb::Status status = db_->Write(write, batch);
  if (status.ok()) return absl::OkStatus();
  if (!status.IsNoSpace()) return Break(status);
  full_ = true;
  return FromRocks(status, StrCat("backbone ", options_.path));
}

absl::StatusOr<std::optional<std::string>> LogStore::GetState(const std::string& key) {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  RETURN_IF_ERROR(FromRocks(status, options_.path));
  return std::optional<std::string>(std::move(value));
}

namespace {

// One view of the families while a read lasts.
class ReadView {
 public:
  explicit ReadView(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~ReadView() { db_.ReleaseSnapshot(snapshot_); }
  ReadView(const ReadView&) = delete;
  ReadView& operator=(const ReadView&) = delete;
  rocksdb::ReadOptions Options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace

absl::StatusOr<std::vector<StoredBatch>> LogStore::Read(const LogPlace& place, Offset from,
                                                        Offset end, size_t max_bytes) {
  const ReadView view(*db_);
  rocksdb::ReadOptions get = view.Options();
  get.verify_checksums = false;  // the batch carries its own, checked below
  get.fill_cache = false;
  std::vector<StoredBatch> out;
  const std::string prefix = PartitionPrefix(place.topic, place.tp.partition);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(view.Options()));
  it->SeekForPrev(HeadKey(place.topic, place.tp.partition, from));
  if (!it->Valid() || !absl::StartsWith(ToView(it->key()), prefix)) it->Seek(prefix);
  size_t bytes = 0;
  rocksdb::PinnableSlice content;
  for (; it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
    StoredBatch batch;
    batch.first_offset = OffsetInKey(ToView(it->key()));
    if (batch.first_offset >= end) break;
    const auto where = [&] {
      return StrCat("topic ", place.text(), ", offset ", batch.first_offset.value());
    };
    auto head = ParseHead(ToView(it->value()), batch.first_offset);
    if (!head.ok()) {
      if (!out.empty()) return out;
      return Annotate(head.status(), where());
    }
    if (head->next <= from) continue;
    if (bytes > 0 && bytes + head->bytes > max_bytes) break;
    content.Reset();
    const rocksdb::Status status =
        db_->Get(get, db_->DefaultColumnFamily(), BatchKeyOf(ToView(it->key())), &content);
    absl::Status readable = FromRocks(status, "batch");
    if (readable.ok()) readable = RecordBatchView::Parse(ToView(content)).status();
    if (!readable.ok()) {
      if (!out.empty()) return out;
      if (status.IsIOError()) return Annotate(readable, where());
      return absl::DataLossError(StrCat(where(), " to ", head->next.value() - 1,
                                        ": corrupt batch (", readable.message(),
                                        "); the disk has lost it: restore the log from a backup "
                                        "(数据已损坏，请从备份恢复)"));
    }
    bytes += content.size();
    batch.from = place.tp;
    batch.records = head->records;
    batch.next = head->next;
    batch.appended = head->appended;
    batch.offsets = std::move(head->offsets);
    batch.bytes = std::string(content.data(), content.size());
    out.push_back(std::move(batch));
  }
  if (out.empty())
    RETURN_IF_ERROR(FromRocks(
        it->status(), StrCat("topic ", place.text(), ", at or after offset ", from.value())));
  return out;
}

absl::Status LogStore::Reclaim(int64_t deleted_bytes) {
  absl::MutexLock lock(&reclaim_mutex_);
  deleted_bytes_ += deleted_bytes;
  if (deleted_bytes_ < kReclaimAfterBytes) return absl::OkStatus();
  deleted_bytes_ = 0;
  // Deletions meet what they delete; only then does RocksDB know how much of each blob file is
  // garbage. Batches stand in blob files, so this moves keys.
  rocksdb::CompactRangeOptions compact;
  compact.exclusive_manual_compaction = false;
  compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  RETURN_IF_ERROR(FromRocks(db_->CompactRange(compact, nullptr, nullptr), options_.path));
  uint64_t total = 0, garbage = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kTotalBlobFileSize, &total);
  db_->GetIntProperty(rocksdb::DB::Properties::kLiveBlobFileGarbageSize, &garbage);
  if (garbage < static_cast<uint64_t>(kReclaimAfterBytes) || garbage * 2 < total)
    return absl::OkStatus();
  compact.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  compact.blob_garbage_collection_age_cutoff = 1.0;
  return FromRocks(db_->CompactRange(compact, nullptr, nullptr), options_.path);
}

}  // namespace huiliu::embedded
