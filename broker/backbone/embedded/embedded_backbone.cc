#include "broker/backbone/embedded/embedded_backbone.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <deque>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/backbone/embedded/batch_value.h"
#include "broker/backbone/embedded/log_cleaner.h"
#include "broker/backbone/embedded/rocksdb_status.h"
#include "broker/backbone/local_log.h"
#include "broker/backbone/topic.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

using namespace embedded;  // NOLINT: this file is the module's centre
using absl::StrCat;

constexpr size_t kMaxGroupBytes = 16 << 20;  // commits that one write batch takes together

// Keys of the state column family: kind, '/', name.
std::string TopicKey(absl::string_view name) { return StrCat("topic/", name); }
std::string WriterKey(absl::string_view id) { return StrCat("writer/", id); }
std::string PositionKey(absl::string_view key) { return StrCat("position/", key); }
std::string OffsetKey(absl::string_view group, const TopicPartition& tp) {
  return StrCat("offset/", group, absl::string_view("\0", 1), tp.topic, absl::string_view("\0", 1),
                tp.partition.value());
}

// id, partitions, cleanup, retention µs, retention bytes, tombstone retention µs: text, one line.
std::string EncodeSpec(uint32_t id, const TopicSpec& spec) {
  const auto us = [](absl::Duration d) {
    return d == absl::InfiniteDuration() ? -1 : absl::ToInt64Microseconds(d);
  };
  return StrCat(id, " ", spec.partitions, " ", spec.cleanup == Cleanup::kCompact ? 1 : 0, " ",
                us(spec.retention), " ", spec.retention_bytes, " ", us(spec.tombstone_retention));
}

absl::Status DecodeSpec(absl::string_view text, uint32_t* id, TopicSpec* spec) {
  const std::vector<std::string> parts = absl::StrSplit(text, ' ');
  int cleanup = 0;
  int64_t retention = 0, tombstones = 0;
  if (parts.size() != 6 || !absl::SimpleAtoi(parts[0], id) ||
      !absl::SimpleAtoi(parts[1], &spec->partitions) || !absl::SimpleAtoi(parts[2], &cleanup) ||
      !absl::SimpleAtoi(parts[3], &retention) ||
      !absl::SimpleAtoi(parts[4], &spec->retention_bytes) ||
      !absl::SimpleAtoi(parts[5], &tombstones)) {
    return absl::DataLossError(
        StrCat("topic ", spec->name, ": its stored settings cannot be read"));
  }
  const auto duration = [](int64_t us) {
    return us < 0 ? absl::InfiniteDuration() : absl::Microseconds(us);
  };
  spec->cleanup = cleanup == 1 ? Cleanup::kCompact : Cleanup::kRetention;
  spec->retention = duration(retention);
  spec->tombstone_retention = duration(tombstones);
  return absl::OkStatus();
}

class RocksBackbone : public EmbeddedBackbone, public LocalLog {
 public:
  RocksBackbone(EmbeddedOptions options, Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  ~RocksBackbone() override {
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
    }
    if (cleaner_.joinable()) cleaner_.join();
    if (db_ == nullptr) return;
    db_->DestroyColumnFamilyHandle(log_).PermitUncheckedError();
    db_->DestroyColumnFamilyHandle(state_).PermitUncheckedError();
    db_->Close().PermitUncheckedError();
  }

  absl::Status Open();

  absl::Status EnsureTopic(const TopicSpec& spec) override;
  absl::StatusOr<std::vector<TopicSpec>> ListTopics() override {
    absl::MutexLock lock(&mutex_);
    std::vector<TopicSpec> out;
    for (const auto& [name, topic] : topics_) out.push_back(topic.spec);
    return out;
  }
  absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenWriter(absl::string_view id) override;
  absl::StatusOr<std::unique_ptr<BackboneReader>> OpenReader(ReaderOptions options) override {
    return OpenLocalReader(std::move(options), *this, signal_, groups_);
  }
  absl::StatusOr<PartitionBounds> Bounds(const TopicPartition& tp) override { return BoundsOf(tp); }
  absl::StatusOr<std::optional<Offset>> CommittedOffset(absl::string_view group,
                                                        const TopicPartition& tp) override {
    return CommittedOf(group, tp);
  }
  absl::StatusOr<std::optional<std::string>> Position(absl::string_view key) override {
    return GetState(PositionKey(key));
  }

  absl::StatusOr<std::vector<StoredBatch>> Read(const TopicPartition& tp, Offset from,
                                                size_t max_bytes) override;
  absl::StatusOr<PartitionBounds> BoundsOf(const TopicPartition& tp) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Log* log, Find(tp));
    return PartitionBounds{log->earliest, log->end};
  }
  absl::StatusOr<std::optional<Offset>> CommittedOf(absl::string_view group,
                                                    const TopicPartition& tp) override {
    ASSIGN_OR_RETURN(const std::optional<std::string> text, GetState(OffsetKey(group, tp)));
    if (!text.has_value()) return std::optional<Offset>();
    int64_t offset = 0;
    if (!absl::SimpleAtoi(*text, &offset))
      return absl::DataLossError("a stored group offset cannot be read");
    return std::optional<Offset>(Offset(offset));
  }
  absl::StatusOr<int32_t> PartitionsOf(const std::string& topic) override {
    absl::MutexLock lock(&mutex_);
    const auto it = topics_.find(topic);
    if (it == topics_.end()) return absl::NotFoundError(StrCat("topic ", topic, " does not exist"));
    return it->second.spec.partitions;
  }

  absl::StatusOr<CommitResult> Commit(const std::string& writer, uint64_t epoch,
                                      Transaction transaction);
  absl::Status Clean() override;

 private:
  struct Log {
    Offset earliest;
    Offset end;
    Offset cleaned;  // compacted below it
  };
  struct Topic {
    uint32_t id = 0;
    TopicSpec spec;
    std::vector<Log> logs;
  };
  // One commit on its way. Lives on its caller's stack.
  struct Pending {
    const std::string& writer;
    uint64_t epoch;
    Transaction& transaction;
    CommitResult result;
    absl::Status status;
    bool done = false;
  };

  absl::StatusOr<std::optional<std::string>> GetState(const std::string& key) {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), state_, key, &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    RETURN_IF_ERROR(FromRocks(status, options_.path));
    return std::optional<std::string>(std::move(value));
  }

  absl::StatusOr<Log*> Find(const TopicPartition& tp) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = topics_.find(tp.topic);
    if (it == topics_.end() || tp.partition.value() < 0 ||
        tp.partition.value() >= it->second.spec.partitions) {
      return absl::NotFoundError(
          StrCat("topic ", tp.topic, " has no partition ", tp.partition.value()));
    }
    return &it->second.logs[static_cast<size_t>(tp.partition.value())];
  }

  absl::Status OpenDb();
  absl::Status LoadTopics();
  absl::StatusOr<Log> LoadLog(uint32_t topic, Partition partition, const std::string& name);
  // The leader's work: everything queued so far, in one write batch.
  void WriteGroup(std::deque<Pending*> group) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Stage(Pending& pending, std::map<TopicPartition, Offset>* ends,
                     rocksdb::WriteBatch* batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunCleaner();
  absl::Status CleanPartition(const std::string& name, int32_t partition);

  const EmbeddedOptions options_;
  Clock& clock_;
  AppendSignal signal_;
  LocalGroups groups_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* log_ = nullptr;
  rocksdb::ColumnFamilyHandle* state_ = nullptr;
  std::thread cleaner_;
  absl::Mutex clean_mutex_;  // one round at a time

  absl::Mutex mutex_;
  std::map<std::string, Topic> topics_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_topic_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::string, uint64_t> writers_ ABSL_GUARDED_BY(mutex_);
  std::deque<Pending*> queue_ ABSL_GUARDED_BY(mutex_);
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);  // after a failed sync: until reopened
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
};

class RocksWriter : public BackboneWriter {
 public:
  RocksWriter(RocksBackbone& backbone, std::string id, uint64_t epoch)
      : backbone_(backbone), id_(std::move(id)), epoch_(epoch) {}
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    return backbone_.Commit(id_, epoch_, std::move(transaction));
  }

 private:
  RocksBackbone& backbone_;
  const std::string id_;
  const uint64_t epoch_;
};

absl::Status RocksBackbone::Open() {
  RETURN_IF_ERROR(MakeDirectories(options_.path));
  RETURN_IF_ERROR(OpenDb());
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(LoadTopics());
  }
  if (options_.clean_every != absl::InfiniteDuration())
    cleaner_ = std::thread([this] { RunCleaner(); });
  return absl::OkStatus();
}

absl::Status RocksBackbone::OpenDb() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
  table.checksum = rocksdb::kXXH3;
  rocksdb::ColumnFamilyOptions log;
  log.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  log.write_buffer_size = options_.write_buffer_bytes;
  log.compression = rocksdb::kLZ4Compression;
  // Batches go to blob files at flush: compactions then move keys only.
  log.enable_blob_files = true;
  log.min_blob_size = 4096;
  log.blob_file_size = 128 << 20;
  log.blob_compression_type = rocksdb::kLZ4Compression;
  log.enable_blob_garbage_collection = true;
  log.blob_garbage_collection_age_cutoff = 0.5;
  rocksdb::ColumnFamilyOptions state;
  state.table_factory = log.table_factory;
  state.write_buffer_size = 8 << 20;
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 3;
  db.max_total_wal_size = 4 * options_.write_buffer_bytes;
  db.max_background_jobs = 2;
  // A torn tail is cut; corruption before it is an error.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  if (options_.env != nullptr) db.env = options_.env;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(db, options_.path,
                        {{rocksdb::kDefaultColumnFamilyName, state}, {"log", log}}, &handles, &raw);
  RETURN_IF_ERROR(FromRocks(status, StrCat("backbone ", options_.path)));
  db_.reset(raw);
  state_ = handles[0];
  log_ = handles[1];
  return absl::OkStatus();
}

absl::StatusOr<RocksBackbone::Log> RocksBackbone::LoadLog(uint32_t topic, Partition partition,
                                                          const std::string& name) {
  Log log;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), log_));
  const std::string prefix = PartitionPrefix(topic, partition);
  const std::string last = BatchKey(topic, partition, Offset(-1));  // all ones: behind every offset
  const std::string place = StrCat("topic ", name, "/", partition.value());
  it->Seek(prefix);
  if (it->Valid() && absl::StartsWith(ToView(it->key()), prefix)) {
    log.earliest = OffsetInKey(ToView(it->key()));
    it->SeekForPrev(last);
    absl::string_view bytes;
    const Offset first = OffsetInKey(ToView(it->key()));
    auto head = ParseHead(ToView(it->value()), first, &bytes);
    if (!head.ok()) return Annotate(head.status(), StrCat(place, ", offset ", first.value()));
    log.end = head->next;
  }
  RETURN_IF_ERROR(FromRocks(it->status(), place));
  return log;
}

absl::Status RocksBackbone::LoadTopics() {
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), state_));
  for (it->Seek("topic/"); it->Valid() && it->key().starts_with("topic/"); it->Next()) {
    Topic topic;
    topic.spec.name = std::string(ToView(it->key()).substr(6));
    RETURN_IF_ERROR(DecodeSpec(ToView(it->value()), &topic.id, &topic.spec));
    for (int32_t p = 0; p < topic.spec.partitions; ++p) {
      ASSIGN_OR_RETURN(topic.logs.emplace_back(), LoadLog(topic.id, Partition(p), topic.spec.name));
    }
    next_topic_ = std::max(next_topic_, topic.id + 1);
    topics_[topic.spec.name] = std::move(topic);
  }
  for (it->Seek("writer/"); it->Valid() && it->key().starts_with("writer/"); it->Next()) {
    uint64_t epoch = 0;
    if (!absl::SimpleAtoi(ToView(it->value()), &epoch))
      return absl::DataLossError("a stored writer epoch cannot be read");
    writers_[std::string(ToView(it->key()).substr(7))] = epoch;
  }
  return FromRocks(it->status(), options_.path);
}

absl::Status RocksBackbone::EnsureTopic(const TopicSpec& spec) {
  RETURN_IF_ERROR(CheckTopicSpec(spec));
  absl::MutexLock lock(&mutex_);
  const auto it = topics_.find(spec.name);
  if (it != topics_.end()) return CheckSameSettings(it->second.spec, spec);
  Topic topic{next_topic_, spec, std::vector<Log>(static_cast<size_t>(spec.partitions))};
  rocksdb::WriteOptions sync;
  sync.sync = true;
  RETURN_IF_ERROR(FromRocks(db_->Put(sync, state_, TopicKey(spec.name), EncodeSpec(topic.id, spec)),
                            options_.path));
  ++next_topic_;
  topics_[spec.name] = std::move(topic);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BackboneWriter>> RocksBackbone::OpenWriter(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  const uint64_t epoch = writers_[std::string(id)] + 1;
  rocksdb::WriteOptions sync;
  sync.sync = true;
  RETURN_IF_ERROR(FromRocks(db_->Put(sync, state_, WriterKey(id), StrCat(epoch)), options_.path));
  writers_[std::string(id)] = epoch;
  return std::make_unique<RocksWriter>(*this, std::string(id), epoch);
}

absl::StatusOr<CommitResult> RocksBackbone::Commit(const std::string& writer, uint64_t epoch,
                                                   Transaction transaction) {
  for (const Append& append : transaction.appends) RETURN_IF_ERROR(CheckAppend(append));
  Pending pending{writer, epoch, transaction, {}, {}, false};
  mutex_.Lock();
  queue_.push_back(&pending);
  const auto turn = [&] {
    mutex_.AssertReaderHeld();
    return pending.done || !leading_;
  };
  mutex_.Await(absl::Condition(&turn));
  while (!pending.done) {
    leading_ = true;
    std::deque<Pending*> group;
    size_t bytes = 0;
    while (!queue_.empty() && (group.empty() || bytes < kMaxGroupBytes)) {
      for (const Append& append : queue_.front()->transaction.appends) bytes += append.batch.size();
      group.push_back(queue_.front());
      queue_.pop_front();
    }
    mutex_.Unlock();
    WriteGroup(std::move(group));
    mutex_.Lock();
    leading_ = false;
  }
  mutex_.Unlock();
  if (!pending.status.ok()) return pending.status;
  return std::move(pending.result);
}

absl::Status RocksBackbone::Stage(Pending& pending, std::map<TopicPartition, Offset>* ends,
                                  rocksdb::WriteBatch* batch) {
  if (!broken_.ok()) return broken_;
  if (writers_[pending.writer] != pending.epoch) {
    return absl::AbortedError(StrCat("writer ", pending.writer, " was fenced by a newer one"));
  }
  for (const Append& append : pending.transaction.appends)
    RETURN_IF_ERROR(Find(append.to).status());
  const absl::Time now = clock_.Now();
  std::string head_bytes;
  for (const Append& append : pending.transaction.appends) {
    auto [end, fresh] = ends->try_emplace(append.to);
    if (fresh) {
      ASSIGN_OR_RETURN(const Log* log, Find(append.to));
      end->second = log->end;
    }
    const Offset first = end->second;
    end->second = Offset(first.value() + append.records);
    head_bytes.clear();
    AppendHead({end->second, now, append.records, {}}, first, &head_bytes);
    const std::string key = BatchKey(topics_[append.to.topic].id, append.to.partition, first);
    const rocksdb::Slice key_parts[] = {key};
    const rocksdb::Slice value_parts[] = {head_bytes, append.batch};
    batch->Put(log_, rocksdb::SliceParts(key_parts, 1), rocksdb::SliceParts(value_parts, 2));
    pending.result.first_offsets.push_back(first);
  }
  for (const ConsumedOffset& c : pending.transaction.consumed) {
    batch->Put(state_, OffsetKey(c.group, c.from), StrCat(c.next.value()));
  }
  for (const PositionUpdate& p : pending.transaction.positions) {
    if (p.value.empty()) {
      batch->Delete(state_, PositionKey(p.key));
    } else {
      batch->Put(state_, PositionKey(p.key), p.value);
    }
  }
  return absl::OkStatus();
}

void RocksBackbone::WriteGroup(std::deque<Pending*> group) {
  rocksdb::WriteBatch batch;
  std::map<TopicPartition, Offset> ends;
  {
    absl::MutexLock lock(&mutex_);
    for (Pending* pending : group) pending->status = Stage(*pending, &ends, &batch);
  }
  absl::Status written;
  if (batch.Count() > 0) {
    rocksdb::WriteOptions sync;
    sync.sync = true;
    rocksdb::Status status = db_->Write(sync, &batch);
    if (status.IsNoSpace() && db_->Resume().ok()) status = db_->Write(sync, &batch);
    written = FromRocks(status, StrCat("backbone ", options_.path));
  }
  {
    absl::MutexLock lock(&mutex_);
    if (written.ok()) {
      for (const auto& [tp, end] : ends) {
        topics_[tp.topic].logs[static_cast<size_t>(tp.partition.value())].end = end;
      }
    } else if (written.code() != absl::StatusCode::kResourceExhausted) {
      broken_ =
          absl::FailedPreconditionError(StrCat("the log refuses writes after a failed write (",
                                               written.message(), "); restart the node"));
    }
    for (Pending* pending : group) {
      if (pending->status.ok()) pending->status = written;
      pending->done = true;
    }
  }
  if (written.ok()) signal_.Notify();
}

absl::StatusOr<std::vector<StoredBatch>> RocksBackbone::Read(const TopicPartition& tp, Offset from,
                                                             size_t max_bytes) {
  uint32_t topic = 0;
  Offset end;
  bool compacted = false;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Log* log, Find(tp));
    end = log->end;
    topic = topics_[tp.topic].id;
    compacted = topics_[tp.topic].spec.cleanup == Cleanup::kCompact;
    if (!compacted && from < log->earliest) {
      return absl::OutOfRangeError(
          StrCat("topic ", tp.topic, "/", tp.partition.value(), ": offset ", from.value(),
                 " is no longer kept; the first is ", log->earliest.value()));
    }
  }
  std::vector<StoredBatch> out;
  if (from >= end) return out;
  const std::string prefix = PartitionPrefix(topic, tp.partition);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), log_));
  it->SeekForPrev(BatchKey(topic, tp.partition, from));
  if (!it->Valid() || !absl::StartsWith(ToView(it->key()), prefix)) it->Seek(prefix);
  size_t bytes = 0;
  for (; it->Valid() && absl::StartsWith(ToView(it->key()), prefix); it->Next()) {
    StoredBatch batch;
    batch.first_offset = OffsetInKey(ToView(it->key()));
    if (batch.first_offset >= end) break;
    const std::string place = StrCat("topic ", tp.topic, "/", tp.partition.value(), ", offset ",
                                     batch.first_offset.value());
    absl::string_view content;
    auto head = ParseHead(ToView(it->value()), batch.first_offset, &content);
    if (!head.ok()) return Annotate(head.status(), place);
    if (head->next <= from) continue;
    if (bytes > 0 && bytes + content.size() > max_bytes) break;
    RETURN_IF_ERROR(Annotate(RecordBatchView::Parse(content).status(), place));
    bytes += content.size();
    batch.from = tp;
    batch.records = head->records;
    batch.next = head->next;
    batch.appended = head->appended;
    batch.offsets = std::move(head->offsets);
    batch.bytes = std::string(content);
    out.push_back(std::move(batch));
  }
  RETURN_IF_ERROR(FromRocks(it->status(), StrCat("topic ", tp.topic, "/", tp.partition.value())));
  return out;
}

absl::Status RocksBackbone::CleanPartition(const std::string& name, int32_t partition) {
  CleanTask task;
  TopicSpec spec;
  Offset cleaned;
  Offset earliest;
  {
    absl::MutexLock lock(&mutex_);
    const Topic& topic = topics_[name];
    const Log& log = topic.logs[static_cast<size_t>(partition)];
    spec = topic.spec;
    task.topic = topic.id;
    task.end = log.end;
    cleaned = log.cleaned;
    earliest = log.earliest;
  }
  if (task.end == earliest) return absl::OkStatus();
  task.db = db_.get();
  task.log = log_;
  task.partition = Partition(partition);
  task.prefix = PartitionPrefix(task.topic, task.partition);
  task.now = clock_.Now();
  task.place = StrCat("topic ", name, "/", partition);
  if (spec.cleanup == Cleanup::kRetention) {
    ASSIGN_OR_RETURN(const Offset kept, ApplyRetention(task, spec));
    absl::MutexLock lock(&mutex_);
    topics_[name].logs[static_cast<size_t>(partition)].earliest = kept;
    return absl::OkStatus();
  }
  // The newest batch stays as it is: the partition's end is read from it.
  std::unique_ptr<rocksdb::Iterator> newest(db_->NewIterator(rocksdb::ReadOptions(), log_));
  newest->SeekForPrev(BatchKey(task.topic, task.partition, task.end));
  if (!newest->Valid() || !absl::StartsWith(ToView(newest->key()), task.prefix))
    return absl::OkStatus();
  task.end = OffsetInKey(ToView(newest->key()));
  const int64_t dirty = task.end.value() - cleaned.value();
  const bool worth =
      dirty >= options_.compact_after_records &&
      static_cast<double>(dirty) >=
          options_.compact_dirty_ratio * static_cast<double>(task.end.value() - earliest.value());
  if (!worth) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Offset upto, CompactPartition(task, spec, cleaned));
  absl::MutexLock lock(&mutex_);
  topics_[name].logs[static_cast<size_t>(partition)].cleaned = upto;
  return absl::OkStatus();
}

absl::Status RocksBackbone::Clean() {
  absl::MutexLock one(&clean_mutex_);
  std::vector<std::pair<std::string, int32_t>> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, topic] : topics_) {
      for (int32_t p = 0; p < topic.spec.partitions; ++p) all.emplace_back(name, p);
    }
  }
  for (const auto& [name, partition] : all) RETURN_IF_ERROR(CleanPartition(name, partition));
  return absl::OkStatus();
}

void RocksBackbone::RunCleaner() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&closing_), options_.clean_every)) return;
    }
    const absl::Status status = Clean();
    if (!status.ok() && options_.warn)
      options_.warn(StrCat("cleaning the log: ", status.message()));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedBackbone>> EmbeddedBackbone::Open(EmbeddedOptions options,
                                                                         Clock& clock) {
  auto backbone = std::make_unique<RocksBackbone>(std::move(options), clock);
  RETURN_IF_ERROR(backbone->Open());
  return std::unique_ptr<EmbeddedBackbone>(std::move(backbone));
}

}  // namespace huiliu
