#include "broker/backbone/embedded/embedded_backbone.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <deque>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/log_cleaner.h"
#include "broker/backbone/embedded/log_store.h"
#include "broker/backbone/embedded/rocksdb_status.h"
#include "broker/backbone/embedded/state_keys.h"
#include "broker/backbone/local_log.h"
#include "broker/backbone/topic.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

using namespace embedded;  // NOLINT: this file is the module's centre
using absl::StrCat;

constexpr size_t kMaxGroupBytes = 16 << 20;  // commits that one write batch takes together

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
  }

  absl::Status Open();

  absl::Status EnsureTopic(const TopicSpec& spec) override;
  absl::StatusOr<std::vector<TopicSpec>> ListTopics() override;
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
    return store_->GetState(PositionKey(key));
  }

  absl::StatusOr<std::vector<StoredBatch>> Read(const TopicPartition& tp, Offset from,
                                                size_t max_bytes) override;
  absl::StatusOr<PartitionBounds> BoundsOf(const TopicPartition& tp) override;
  absl::StatusOr<std::optional<Offset>> CommittedOf(absl::string_view group,
                                                    const TopicPartition& tp) override;
  absl::StatusOr<int32_t> PartitionsOf(const std::string& topic) override;

  absl::StatusOr<CommitResult> Commit(const std::string& writer, uint64_t epoch,
                                      Transaction transaction);
  absl::Status Clean() override;

 private:
  struct Log {
    Kept kept;
    Offset end;
    int64_t bytes = 0;      // appended since opening, or all of it once measured
    bool measured = false;  // only partitions with a bound in bytes are
  };
  struct Topic {
    uint32_t id = 0;
    TopicSpec spec;
    std::vector<Log> logs;
  };
  // An append with its place, as the leader's write batch takes it.
  struct Placed {
    const Append* append;
    uint32_t topic;
    Offset first;
  };
  // One commit on its way. Lives on its caller's stack.
  struct Pending {
    const std::string& writer;
    uint64_t epoch;
    Transaction& transaction;
    std::vector<Placed> placed;
    CommitResult result;
    absl::Status status;
    bool done = false;
  };
  struct Ends {
    Offset end;
    int64_t bytes = 0;
  };

  absl::StatusOr<Topic*> FindTopic(const TopicPartition& tp) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Log& LogOf(const TopicPartition& tp) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return topics_[tp.topic].logs[static_cast<size_t>(tp.partition.value())];
  }
  absl::Status LoadTopics() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Log> LoadLog(const LogPlace& place);
  // The leader's work: everything queued so far, in one write batch.
  void WriteGroup(std::deque<Pending*> group) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Stage(Pending& pending, std::map<TopicPartition, Ends>* ends)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Encode(const Pending& pending, rocksdb::WriteBatch* batch);
  void RunCleaner();
  // Where retention ends, whatever its age: what a group has yet to read stays.
  absl::StatusOr<Offset> RetentionEnd(const TopicPartition& tp, const TopicSpec& spec, Offset end);
  absl::Status CleanPartition(const TopicPartition& tp);

  const EmbeddedOptions options_;
  Clock& clock_;
  AppendSignal signal_;
  LocalGroups groups_;
  std::unique_ptr<LogStore> store_;
  std::thread cleaner_;
  absl::Mutex clean_mutex_;    // one round at a time
  absl::Mutex open_mutex_;     // one EnsureTopic or OpenWriter at a time
  rocksdb::WriteBatch batch_;  // the leader's: one at a time

  absl::Mutex mutex_;  // never held over a write
  std::map<std::string, Topic> topics_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_topic_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::string, uint64_t> writers_ ABSL_GUARDED_BY(mutex_);
  std::deque<Pending*> queue_ ABSL_GUARDED_BY(mutex_);
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;
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
  ASSIGN_OR_RETURN(store_, LogStore::Open(options_));
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(LoadTopics());
  }
  if (options_.clean_every != absl::InfiniteDuration())
    cleaner_ = std::thread([this] { RunCleaner(); });
  return absl::OkStatus();
}

absl::StatusOr<RocksBackbone::Log> RocksBackbone::LoadLog(const LogPlace& place) {
  Log log;
  ASSIGN_OR_RETURN(const auto end, store_->GetState(EndKey(place.topic, place.tp.partition)));
  int64_t offset = 0;
  if (end.has_value() && !absl::SimpleAtoi(*end, &offset))
    return absl::DataLossError(StrCat("topic ", place.text(), ": its end cannot be read"));
  log.end = Offset(offset);
  ASSIGN_OR_RETURN(const auto kept, store_->GetState(KeptKey(place.topic, place.tp.partition)));
  if (kept.has_value()) {
    auto decoded = DecodeKept(*kept);
    if (!decoded.ok()) return Annotate(decoded.status(), StrCat("topic ", place.text()));
    log.kept = *decoded;
  }
  return log;
}

absl::Status RocksBackbone::LoadTopics() {
  std::unique_ptr<rocksdb::Iterator> it(store_->db().NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(kTopicPrefix); it->Valid() && it->key().starts_with(kTopicPrefix); it->Next()) {
    Topic topic;
    topic.spec.name = std::string(ToView(it->key()).substr(sizeof(kTopicPrefix) - 1));
    RETURN_IF_ERROR(DecodeSpec(ToView(it->value()), &topic.id, &topic.spec));
    for (int32_t p = 0; p < topic.spec.partitions; ++p) {
      ASSIGN_OR_RETURN(topic.logs.emplace_back(),
                       LoadLog({topic.id, {topic.spec.name, Partition(p)}}));
    }
    next_topic_ = std::max(next_topic_, topic.id + 1);
    topics_[topic.spec.name] = std::move(topic);
  }
  RETURN_IF_ERROR(FromRocks(it->status(), options_.path));
  for (it->Seek(kWriterPrefix); it->Valid() && it->key().starts_with(kWriterPrefix); it->Next()) {
    uint64_t epoch = 0;
    if (!absl::SimpleAtoi(ToView(it->value()), &epoch))
      return absl::DataLossError("a stored writer epoch cannot be read");
    writers_[std::string(ToView(it->key()).substr(sizeof(kWriterPrefix) - 1))] = epoch;
  }
  return FromRocks(it->status(), options_.path);
}

absl::StatusOr<RocksBackbone::Topic*> RocksBackbone::FindTopic(const TopicPartition& tp) {
  const auto it = topics_.find(tp.topic);
  if (it == topics_.end() || tp.partition.value() < 0 ||
      tp.partition.value() >= it->second.spec.partitions) {
    return absl::NotFoundError(StrCat("主题 ", tp.topic, " 没有该分区 / topic ", tp.topic,
                                      " has no partition ", tp.partition.value()));
  }
  return &it->second;
}

absl::Status RocksBackbone::EnsureTopic(const TopicSpec& spec) {
  RETURN_IF_ERROR(CheckTopicSpec(spec));
  absl::MutexLock one(&open_mutex_);
  uint32_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = topics_.find(spec.name);
    if (it != topics_.end()) {
      RETURN_IF_ERROR(CheckSameSettings(it->second.spec, spec));
      if (it->second.spec.keep_unread_of == spec.keep_unread_of) return absl::OkStatus();
      id = it->second.id;
    } else {
      id = next_topic_++;  // an id that a failed write may have left behind is never used again
    }
  }
  rocksdb::WriteBatch batch;
  batch.Put(TopicKey(spec.name), EncodeSpec(id, spec));
  RETURN_IF_ERROR(store_->Write(&batch));
  absl::MutexLock lock(&mutex_);
  Topic& topic = topics_[spec.name];
  topic.id = id;
  topic.spec = spec;
  topic.logs.resize(static_cast<size_t>(spec.partitions));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TopicSpec>> RocksBackbone::ListTopics() {
  absl::MutexLock lock(&mutex_);
  std::vector<TopicSpec> out;
  for (const auto& [name, topic] : topics_) out.push_back(topic.spec);
  return out;
}

absl::StatusOr<std::unique_ptr<BackboneWriter>> RocksBackbone::OpenWriter(absl::string_view id) {
  absl::MutexLock one(&open_mutex_);
  uint64_t epoch = 0;
  {
    // The older writer is fenced before the new epoch is written: a commit that is staged after
    // this line cannot be its.
    absl::MutexLock lock(&mutex_);
    epoch = ++writers_[std::string(id)];
  }
  rocksdb::WriteBatch batch;
  batch.Put(WriterKey(id), StrCat(epoch));
  RETURN_IF_ERROR(store_->Write(&batch));
  return std::make_unique<RocksWriter>(*this, std::string(id), epoch);
}

absl::StatusOr<PartitionBounds> RocksBackbone::BoundsOf(const TopicPartition& tp) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(FindTopic(tp).status());
  const Log& log = LogOf(tp);
  return PartitionBounds{log.kept.earliest, log.end};
}

absl::StatusOr<std::optional<Offset>> RocksBackbone::CommittedOf(absl::string_view group,
                                                                 const TopicPartition& tp) {
  ASSIGN_OR_RETURN(const std::optional<std::string> text, store_->GetState(OffsetKey(group, tp)));
  if (!text.has_value()) return std::optional<Offset>();
  int64_t offset = 0;
  if (!absl::SimpleAtoi(*text, &offset))
    return absl::DataLossError(StrCat("group ", group, ": its stored offset cannot be read"));
  return std::optional<Offset>(Offset(offset));
}

absl::StatusOr<int32_t> RocksBackbone::PartitionsOf(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  const auto it = topics_.find(topic);
  if (it == topics_.end())
    return absl::NotFoundError(
        StrCat("主题 ", topic, " 不存在 / topic ", topic, " does not exist"));
  return it->second.spec.partitions;
}

absl::StatusOr<CommitResult> RocksBackbone::Commit(const std::string& writer, uint64_t epoch,
                                                   Transaction transaction) {
  for (const Append& append : transaction.appends) RETURN_IF_ERROR(CheckAppend(append));
  Pending pending{writer, epoch, transaction, {}, {}, {}, false};
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

absl::Status RocksBackbone::Stage(Pending& pending, std::map<TopicPartition, Ends>* ends) {
  if (writers_[pending.writer] != pending.epoch)
    return absl::AbortedError(StrCat("写入者 ", pending.writer, " 已被新的写入者取代 / writer ",
                                     pending.writer, " was fenced by a newer one"));
  for (const Append& append : pending.transaction.appends)
    RETURN_IF_ERROR(FindTopic(append.to).status());
  for (const Append& append : pending.transaction.appends) {
    auto [end, fresh] = ends->try_emplace(append.to);
    if (fresh) end->second.end = LogOf(append.to).end;
    const Offset first = end->second.end;
    pending.placed.push_back({&append, topics_[append.to.topic].id, first});
    pending.result.first_offsets.push_back(first);
    end->second.end = Offset(first.value() + append.records);
    end->second.bytes += static_cast<int64_t>(append.batch.size());
  }
  return absl::OkStatus();
}

void RocksBackbone::Encode(const Pending& pending, rocksdb::WriteBatch* batch) {
  const absl::Time now = clock_.Now();
  std::string head;
  for (const Placed& placed : pending.placed) {
    const Append& append = *placed.append;
    const Offset next(placed.first.value() + append.records);
    head.clear();
    AppendHead({next, now, append.records, static_cast<uint32_t>(append.batch.size()), {}},
               placed.first, &head);
    const std::string key = HeadKey(placed.topic, append.to.partition, placed.first);
    batch->Put(key, head);
    batch->Put(BatchKeyOf(key), append.batch);
    batch->Put(EndKey(placed.topic, append.to.partition), StrCat(next.value()));
  }
  for (const ConsumedOffset& c : pending.transaction.consumed)
    batch->Put(OffsetKey(c.group, c.from), StrCat(c.next.value()));
  for (const PositionUpdate& p : pending.transaction.positions) {
    if (p.value.empty()) {
      batch->Delete(PositionKey(p.key));
    } else {
      batch->Put(PositionKey(p.key), p.value);
    }
  }
}

void RocksBackbone::WriteGroup(std::deque<Pending*> group) {
  std::map<TopicPartition, Ends> ends;
  {
    absl::MutexLock lock(&mutex_);
    for (Pending* pending : group) pending->status = Stage(*pending, &ends);
  }
  batch_.Clear();
  for (const Pending* pending : group) {
    if (pending->status.ok()) Encode(*pending, &batch_);
  }
  const absl::Status written = batch_.Count() > 0 ? store_->Write(&batch_) : absl::OkStatus();
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [tp, to] : ends) {
      if (!written.ok()) break;
      Log& log = LogOf(tp);
      log.end = to.end;
      log.bytes += to.bytes;
    }
    for (Pending* pending : group) {
      if (pending->status.ok()) pending->status = written;
      pending->done = true;
    }
  }
  if (written.ok() && !ends.empty()) signal_.Notify();
}

absl::StatusOr<std::vector<StoredBatch>> RocksBackbone::Read(const TopicPartition& tp, Offset from,
                                                             size_t max_bytes) {
  LogPlace place{0, tp};
  Log log;
  bool has_gaps = false;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Topic* topic, FindTopic(tp));
    log = LogOf(tp);
    place.topic = topic->id;
    has_gaps = topic->spec.cleanup == Cleanup::kCompact;
  }
  const auto gone = [&] {
    return absl::OutOfRangeError(StrCat("所求位点已过保留期 / topic ", place.text(), ": offset ",
                                        from.value(), " is no longer kept"));
  };
  if (from < log.kept.earliest) return gone();
  if (from >= log.end) return std::vector<StoredBatch>();
  ASSIGN_OR_RETURN(std::vector<StoredBatch> out, store_->Read(place, from, log.end, max_bytes));
  // Retention may have taken the batch away since the look at its bounds.
  if (!has_gaps && (out.empty() || out.front().first_offset > from)) return gone();
  return out;
}

absl::StatusOr<Offset> RocksBackbone::RetentionEnd(const TopicPartition& tp, const TopicSpec& spec,
                                                   Offset end) {
  if (spec.keep_unread_of.empty()) return end;
  ASSIGN_OR_RETURN(const std::optional<Offset> read, CommittedOf(spec.keep_unread_of, tp));
  return std::min(end, read.value_or(Offset(0)));
}

absl::Status RocksBackbone::CleanPartition(const TopicPartition& tp) {
  LogPlace place{0, tp};
  TopicSpec spec;
  Log log;
  {
    absl::MutexLock lock(&mutex_);
    const Topic& topic = topics_[tp.topic];
    place.topic = topic.id;
    spec = topic.spec;
    log = LogOf(tp);
    if (!log.measured) LogOf(tp).bytes = 0;  // appends count from here on; the rest is measured
  }
  const CleanTask task{*store_, place, spec, log.kept, log.end, clock_.Now()};
  Cleaned cleaned;
  if (spec.cleanup == Cleanup::kRetention) {
    if (!log.measured && spec.retention_bytes >= 0) {
      ASSIGN_OR_RETURN(log.bytes, MeasureLog(task));
      absl::MutexLock lock(&mutex_);
      LogOf(tp).bytes += log.bytes;
      LogOf(tp).measured = true;
    }
    ASSIGN_OR_RETURN(const Offset before, RetentionEnd(tp, spec, log.end));
    ASSIGN_OR_RETURN(cleaned, ApplyRetention(task, before, log.bytes));
  } else {
    const int64_t dirty = log.end.value() - log.kept.cleaned.value();
    const int64_t all = log.end.value() - log.kept.earliest.value();
    if (dirty < options_.compact_after_records ||
        static_cast<double>(dirty) < options_.compact_dirty_ratio * static_cast<double>(all))
      return absl::OkStatus();
    ASSIGN_OR_RETURN(cleaned, CompactPartition(task));
  }
  {
    absl::MutexLock lock(&mutex_);
    LogOf(tp).kept = cleaned.kept;
    LogOf(tp).bytes -= cleaned.deleted_bytes;
  }
  return store_->Reclaim(cleaned.deleted_bytes);
}

absl::Status RocksBackbone::Clean() {
  absl::MutexLock one(&clean_mutex_);
  std::vector<TopicPartition> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, topic] : topics_) {
      for (int32_t p = 0; p < topic.spec.partitions; ++p) all.push_back({name, Partition(p)});
    }
  }
  absl::Status first;
  for (const TopicPartition& tp : all) {
    {
      absl::MutexLock lock(&mutex_);
      if (closing_) break;
    }
    first.Update(CleanPartition(tp));
  }
  return first;
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
