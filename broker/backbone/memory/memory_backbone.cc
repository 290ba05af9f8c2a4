#include "broker/backbone/memory/memory_backbone.h"

#include <algorithm>
#include <deque>

#include "absl/strings/str_cat.h"
#include "broker/backbone/compaction.h"
#include "broker/backbone/local_log.h"
#include "broker/backbone/topic.h"
#include "core/base/status.h"

namespace huiliu {
namespace {

class Memory : public MemoryBackbone, public LocalLog {
 public:
  explicit Memory(Clock& clock) : clock_(clock) {}

  absl::Status EnsureTopic(const TopicSpec& spec) override {
    RETURN_IF_ERROR(CheckTopicSpec(spec));
    absl::MutexLock lock(&mutex_);
    const auto it = topics_.find(spec.name);
    if (it != topics_.end()) {
      RETURN_IF_ERROR(CheckSameSettings(it->second.spec, spec));
      it->second.spec.keep_unread_of = spec.keep_unread_of;
      return absl::OkStatus();
    }
    topics_[spec.name] = {spec, std::vector<Log>(static_cast<size_t>(spec.partitions))};
    return absl::OkStatus();
  }

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
    absl::MutexLock lock(&mutex_);
    const auto it = positions_.find(std::string(key));
    if (it == positions_.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }

  absl::StatusOr<std::vector<StoredBatch>> Read(const TopicPartition& tp, Offset from,
                                                size_t max_bytes) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Log* log, Find(tp));
    if (from < log->earliest) {
      return absl::OutOfRangeError(absl::StrCat("topic ", tp.topic, "/", tp.partition.value(),
                                                ": offset ", from.value(), " is no longer kept"));
    }
    std::vector<StoredBatch> out;
    size_t bytes = 0;
    auto it = std::partition_point(log->batches.begin(), log->batches.end(),
                                   [&](const StoredBatch& batch) { return batch.next <= from; });
    for (; it != log->batches.end(); ++it) {
      const StoredBatch& batch = *it;
      if (bytes > 0 && bytes + batch.bytes.size() > max_bytes) break;
      bytes += batch.bytes.size();
      out.push_back(batch);
    }
    return out;
  }

  absl::StatusOr<PartitionBounds> BoundsOf(const TopicPartition& tp) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Log* log, Find(tp));
    return PartitionBounds{log->earliest, log->end};
  }

  absl::StatusOr<std::optional<Offset>> CommittedOf(absl::string_view group,
                                                    const TopicPartition& tp) override {
    absl::MutexLock lock(&mutex_);
    const auto it = committed_.find({std::string(group), tp});
    if (it == committed_.end()) return std::optional<Offset>();
    return std::optional<Offset>(it->second);
  }

  absl::StatusOr<int32_t> PartitionsOf(const std::string& topic) override {
    absl::MutexLock lock(&mutex_);
    const auto it = topics_.find(topic);
    if (it == topics_.end())
      return absl::NotFoundError(absl::StrCat("topic ", topic, " does not exist"));
    return it->second.spec.partitions;
  }

  absl::StatusOr<CommitResult> Commit(const std::string& writer, uint64_t epoch,
                                      Transaction transaction) {
    CommitResult result;
    {
      absl::MutexLock lock(&mutex_);
      if (writers_[writer] != epoch)
        return absl::AbortedError(absl::StrCat("writer ", writer, " was fenced by a newer one"));
      for (const Append& append : transaction.appends) {
        RETURN_IF_ERROR(CheckAppend(append));
        RETURN_IF_ERROR(Find(append.to).status());
      }
      for (Append& append : transaction.appends)
        result.first_offsets.push_back(Store(std::move(append)));
      for (const ConsumedOffset& c : transaction.consumed) committed_[{c.group, c.from}] = c.next;
      for (PositionUpdate& p : transaction.positions) {
        if (p.value.empty()) {
          positions_.erase(p.key);
        } else {
          positions_[p.key] = std::move(p.value);
        }
      }
    }
    signal_.Notify();
    return result;
  }

  absl::Status Clean() override {
    absl::MutexLock lock(&mutex_);
    for (auto& [name, topic] : topics_) {
      for (size_t p = 0; p < topic.logs.size(); ++p) {
        Log& log = topic.logs[p];
        if (topic.spec.cleanup == Cleanup::kRetention) {
          Offset before = log.end;
          if (!topic.spec.keep_unread_of.empty()) {
            const auto read = committed_.find(
                {topic.spec.keep_unread_of, {name, Partition(static_cast<int32_t>(p))}});
            before = read == committed_.end() ? Offset(0) : read->second;
          }
          ApplyRetention(topic.spec, before, &log);
        } else {
          RETURN_IF_ERROR(CompactLog(topic.spec, &log));
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  struct Log {
    std::deque<StoredBatch> batches;
    Offset earliest;
    Offset end;
  };
  struct Topic {
    TopicSpec spec;
    std::vector<Log> logs;
  };

  // Batches from `before` on stay.
  void ApplyRetention(const TopicSpec& spec, Offset before, Log* log) {
    int64_t bytes = 0;
    for (const StoredBatch& batch : log->batches) bytes += static_cast<int64_t>(batch.bytes.size());
    while (!log->batches.empty()) {
      const StoredBatch& oldest = log->batches.front();
      if (oldest.next > before) return;
      const bool old = oldest.appended + spec.retention < clock_.Now();
      if (!old && (spec.retention_bytes < 0 || bytes <= spec.retention_bytes)) return;
      bytes -= static_cast<int64_t>(oldest.bytes.size());
      log->earliest = oldest.next;
      log->batches.pop_front();
    }
  }

  // The newest batch stays, so that a reader always arrives at the partition's end.
  absl::Status CompactLog(const TopicSpec& spec, Log* log) {
    if (log->batches.empty()) return absl::OkStatus();
    LatestOffsets latest;
    for (const StoredBatch& batch : log->batches) {
      ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
      SeeRecords(view, batch.first_offset, batch.offsets, &latest);
    }
    std::deque<StoredBatch> stay;
    for (StoredBatch& batch : log->batches) {
      ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
      KeptRecords kept;
      const bool drop_tombstones = batch.appended + spec.tombstone_retention < clock_.Now();
      if (batch.next != log->end &&
          Compact(view, batch.first_offset, batch.offsets, latest, drop_tombstones, &kept)) {
        if (kept.offsets.empty()) continue;
        batch.first_offset = kept.offsets.front();
        batch.records = static_cast<int32_t>(kept.offsets.size());
        batch.offsets = std::move(kept.offsets);
        batch.bytes = std::move(kept.bytes);
      }
      stay.push_back(std::move(batch));
    }
    log->batches = std::move(stay);
    return absl::OkStatus();
  }

  Offset Store(Append append) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Log& log = topics_[append.to.topic].logs[static_cast<size_t>(append.to.partition.value())];
    StoredBatch batch;
    batch.from = append.to;
    batch.first_offset = log.end;
    batch.records = append.records;
    batch.next = Offset(batch.first_offset.value() + append.records);
    batch.appended = clock_.Now();
    batch.bytes = std::move(append.batch);
    log.end = batch.next;
    log.batches.push_back(std::move(batch));
    return log.batches.back().first_offset;
  }

  absl::StatusOr<const Log*> Find(const TopicPartition& tp) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = topics_.find(tp.topic);
    if (it == topics_.end() || tp.partition.value() < 0 ||
        tp.partition.value() >= it->second.spec.partitions) {
      return absl::NotFoundError(
          absl::StrCat("topic ", tp.topic, " has no partition ", tp.partition.value()));
    }
    return &it->second.logs[static_cast<size_t>(tp.partition.value())];
  }

  Clock& clock_;
  AppendSignal signal_;
  LocalGroups groups_;
  absl::Mutex mutex_;
  std::map<std::string, Topic> topics_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, TopicPartition>, Offset> committed_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> positions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> writers_ ABSL_GUARDED_BY(mutex_);
};

class MemoryWriter : public BackboneWriter {
 public:
  MemoryWriter(Memory& backbone, std::string id, uint64_t epoch)
      : backbone_(backbone), id_(std::move(id)), epoch_(epoch) {}
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    return backbone_.Commit(id_, epoch_, std::move(transaction));
  }

 private:
  Memory& backbone_;
  const std::string id_;
  const uint64_t epoch_;
};

absl::StatusOr<std::unique_ptr<BackboneWriter>> Memory::OpenWriter(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  const uint64_t epoch = ++writers_[std::string(id)];
  return std::make_unique<MemoryWriter>(*this, std::string(id), epoch);
}

}  // namespace

std::unique_ptr<MemoryBackbone> NewMemoryBackbone(Clock& clock) {
  return std::make_unique<Memory>(clock);
}

}  // namespace huiliu
