#include "broker/backbone/embedded/log_cleaner.h"

#include <rocksdb/write_batch.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/compaction.h"
#include "broker/backbone/embedded/rocksdb_status.h"
#include "core/base/status.h"

namespace huiliu::embedded {
namespace {

constexpr size_t kWriteBytes = 4 << 20;

// Calls f(key, first offset, head) for each batch of the partition from `from` up to task.end,
// until f says false.
template <typename F>
absl::Status ForEachHead(const CleanTask& task, Offset from, const F& f) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> it(task.store.db().NewIterator(options));
  const Partition partition = task.place.tp.partition;
  const std::string prefix = PartitionPrefix(task.place.topic, partition);
  for (it->Seek(HeadKey(task.place.topic, partition, from)); it->Valid(); it->Next()) {
    const absl::string_view key = ToView(it->key());
    if (!absl::StartsWith(key, prefix)) break;
    const Offset first = OffsetInKey(key);
    if (first >= task.end) break;
    auto head = ParseHead(ToView(it->value()), first);
    if (!head.ok())
      return Annotate(head.status(),
                      absl::StrCat("topic ", task.place.text(), ", offset ", first.value()));
    ASSIGN_OR_RETURN(const bool more, f(key, first, *head));
    if (!more) break;
  }
  return FromRocks(it->status(), task.place.text());
}

// A batch's bytes; nullopt where they are corrupt: readers are told, cleaning passes by.
absl::StatusOr<std::optional<RecordBatchView>> BytesOf(const CleanTask& task, absl::string_view key,
                                                       rocksdb::PinnableSlice* content) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  content->Reset();
  rocksdb::DB& db = task.store.db();
  const rocksdb::Status status =
      db.Get(options, db.DefaultColumnFamily(), BatchKeyOf(key), content);
  if (status.IsCorruption() || status.IsNotFound()) return std::optional<RecordBatchView>();
  RETURN_IF_ERROR(FromRocks(status, task.place.text()));
  auto view = RecordBatchView::Parse(ToView(*content));
  if (!view.ok()) return std::optional<RecordBatchView>();
  return std::optional<RecordBatchView>(*view);
}

void DeleteBatch(absl::string_view key, rocksdb::WriteBatch* out) {
  out->Delete(ToSlice(key));
  out->Delete(BatchKeyOf(key));
}

absl::Status WriteKept(const CleanTask& task, const Kept& kept, rocksdb::WriteBatch* out) {
  out->Put(KeptKey(task.place.topic, task.place.tp.partition), EncodeKept(kept));
  const absl::Status status = task.store.Write(out);
  out->Clear();
  return status;
}

// The first offset of the newest batch; task.end where there is none.
absl::StatusOr<Offset> NewestBatch(const CleanTask& task) {
  std::unique_ptr<rocksdb::Iterator> it(task.store.db().NewIterator(rocksdb::ReadOptions()));
  const Partition partition = task.place.tp.partition;
  it->SeekForPrev(HeadKey(task.place.topic, partition, Offset(task.end.value() - 1)));
  RETURN_IF_ERROR(FromRocks(it->status(), task.place.text()));
  const std::string prefix = PartitionPrefix(task.place.topic, partition);
  if (!it->Valid() || !absl::StartsWith(ToView(it->key()), prefix)) return task.end;
  return OffsetInKey(ToView(it->key()));
}

}  // namespace

absl::StatusOr<int64_t> MeasureLog(const CleanTask& task) {
  int64_t bytes = 0;
  RETURN_IF_ERROR(
      ForEachHead(task, task.kept.earliest,
                  [&](absl::string_view, Offset, const BatchHead& head) -> absl::StatusOr<bool> {
                    bytes += head.bytes;
                    return true;
                  }));
  return bytes;
}

absl::StatusOr<Cleaned> ApplyRetention(const CleanTask& task, Offset before, int64_t bytes) {
  Cleaned cleaned{task.kept};
  rocksdb::WriteBatch deletes;
  RETURN_IF_ERROR(ForEachHead(
      task, task.kept.earliest,
      [&](absl::string_view key, Offset, const BatchHead& head) -> absl::StatusOr<bool> {
        const bool old = head.appended + task.spec.retention < task.now;
        const bool beyond = task.spec.retention_bytes >= 0 && bytes > task.spec.retention_bytes;
        if ((!old && !beyond) || head.next > before) return false;
        bytes -= head.bytes;
        cleaned.deleted_bytes += head.bytes;
        cleaned.kept.earliest = head.next;
        DeleteBatch(key, &deletes);
        if (deletes.GetDataSize() > kWriteBytes)
          RETURN_IF_ERROR(WriteKept(task, cleaned.kept, &deletes));
        return true;
      }));
  if (deletes.Count() > 0) RETURN_IF_ERROR(WriteKept(task, cleaned.kept, &deletes));
  return cleaned;
}

absl::StatusOr<Cleaned> CompactPartition(const CleanTask& task) {
  // The newest batch stays, so that a reader always arrives at the partition's end.
  ASSIGN_OR_RETURN(const Offset newest, NewestBatch(task));
  LatestOffsets latest;
  Cleaned cleaned{task.kept};
  rocksdb::PinnableSlice content;
  RETURN_IF_ERROR(ForEachHead(
      task, task.kept.cleaned,
      [&](absl::string_view key, Offset first, const BatchHead& head) -> absl::StatusOr<bool> {
        if (latest.keys() >= kMaxKeys) return false;
        ASSIGN_OR_RETURN(const auto view, BytesOf(task, key, &content));
        if (view.has_value()) SeeRecords(*view, first, head.offsets, &latest);
        cleaned.kept.cleaned = std::min(head.next, newest);
        return true;
      }));
  CleanTask rewritten = task;
  rewritten.end = cleaned.kept.cleaned;
  rocksdb::WriteBatch out;
  RETURN_IF_ERROR(ForEachHead(
      rewritten, Offset(0),
      [&](absl::string_view key, Offset first, const BatchHead& head) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto view, BytesOf(task, key, &content));
        KeptRecords kept;
        const bool drop_tombstones = head.appended + task.spec.tombstone_retention < task.now;
        if (!view.has_value() ||
            !Compact(*view, first, head.offsets, latest, drop_tombstones, &kept))
          return true;
        DeleteBatch(key, &out);
        cleaned.deleted_bytes += head.bytes - static_cast<int64_t>(kept.bytes.size());
        if (!kept.offsets.empty()) {
          BatchHead smaller{head.next, head.appended, static_cast<int32_t>(kept.offsets.size()),
                            static_cast<uint32_t>(kept.bytes.size()), std::move(kept.offsets)};
          const Offset new_first = smaller.offsets.front();
          const std::string new_key = HeadKey(task.place.topic, task.place.tp.partition, new_first);
          std::string value;
          AppendHead(smaller, new_first, &value);
          out.Put(new_key, value);
          out.Put(BatchKeyOf(new_key), kept.bytes);
        }
        if (out.GetDataSize() > kWriteBytes) {
          RETURN_IF_ERROR(task.store.Write(&out));
          out.Clear();
        }
        return true;
      }));
  RETURN_IF_ERROR(WriteKept(task, cleaned.kept, &out));
  return cleaned;
}

}  // namespace huiliu::embedded
