#include "broker/backbone/embedded/log_cleaner.h"

#include <rocksdb/write_batch.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backbone/embedded/batch_value.h"
#include "broker/backbone/embedded/rocksdb_status.h"
#include "core/base/status.h"

namespace huiliu::embedded {
namespace {

struct Seen {
  BatchHead head;
  Offset first;
  absl::string_view bytes;
};

// Calls f(key, Seen) for each batch of the partition from `from` up to task.end, until f says
// false.
template <typename F>
absl::Status ForEachBatch(const CleanTask& task, Offset from, const F& f) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> it(task.db->NewIterator(options, task.log));
  for (it->Seek(BatchKey(task.topic, task.partition, from)); it->Valid(); it->Next()) {
    const absl::string_view key = ToView(it->key());
    if (!absl::StartsWith(key, task.prefix)) break;
    Seen seen;
    seen.first = OffsetInKey(key);
    if (seen.first >= task.end) break;
    ASSIGN_OR_RETURN(seen.head, ParseHead(ToView(it->value()), seen.first, &seen.bytes));
    ASSIGN_OR_RETURN(const bool more, f(key, seen));
    if (!more) break;
  }
  return FromRocks(it->status(), task.place);
}

using KeyDigest = std::pair<uint64_t, uint64_t>;

KeyDigest DigestOf(absl::string_view key) {
  const XXH128_hash_t h = XXH3_128bits(key.data(), key.size());
  return {h.low64, h.high64};
}

using Latest = absl::flat_hash_map<KeyDigest, int64_t>;

int64_t OffsetOf(const Seen& seen, int i) {
  return seen.head.offsets.empty() ? seen.first.value() + i
                                   : seen.head.offsets[static_cast<size_t>(i)].value();
}

// Puts the batch's surviving records in place of it.
absl::Status Rewrite(const CleanTask& task, const TopicSpec& spec, absl::string_view key,
                     const Seen& seen, const RecordBatchView& view, const Latest& latest,
                     rocksdb::WriteBatch* out) {
  const bool drop_tombstones = seen.head.appended + spec.tombstone_retention < task.now;
  RecordBatchBuilder builder;
  BatchHead head = seen.head;
  head.offsets.clear();
  view.ForEach([&](int i, const RecordView& record) {
    const int64_t offset = OffsetOf(seen, i);
    const auto it = latest.find(DigestOf(record.key));
    if (it != latest.end() && it->second > offset) return;
    if (record.tombstone && drop_tombstones) return;
    head.offsets.emplace_back(offset);
    if (record.tombstone) {
      builder.AddTombstone(record.key, record.header);
    } else {
      builder.Add(record.key, record.header, record.value);
    }
  });
  if (builder.count() == view.count()) return absl::OkStatus();
  out->Delete(task.log, ToSlice(key));
  if (builder.count() == 0) return absl::OkStatus();
  head.records = builder.count();
  std::string value;
  AppendHead(head, head.offsets.front(), &value);
  value += builder.Finish();
  out->Put(task.log, BatchKey(task.topic, task.partition, head.offsets.front()), value);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Offset> ApplyRetention(const CleanTask& task, const TopicSpec& spec) {
  int64_t total = 0;
  Offset newest;
  RETURN_IF_ERROR(ForEachBatch(task, Offset(0),
                               [&](absl::string_view, const Seen& seen) -> absl::StatusOr<bool> {
                                 total += static_cast<int64_t>(seen.bytes.size());
                                 newest = seen.first;
                                 return true;
                               }));
  rocksdb::WriteBatch deletes;
  Offset kept(0);
  RETURN_IF_ERROR(ForEachBatch(
      task, Offset(0), [&](absl::string_view key, const Seen& seen) -> absl::StatusOr<bool> {
        const bool old = seen.head.appended + spec.retention < task.now;
        const bool beyond = spec.retention_bytes >= 0 && total > spec.retention_bytes;
        if (seen.first == newest || (!old && !beyond)) {
          kept = seen.first;
          return false;
        }
        total -= static_cast<int64_t>(seen.bytes.size());
        deletes.Delete(task.log, ToSlice(key));
        return true;
      }));
  if (deletes.Count() > 0) {
    RETURN_IF_ERROR(FromRocks(task.db->Write(rocksdb::WriteOptions(), &deletes), task.place));
  }
  return kept;
}

absl::StatusOr<Offset> CompactPartition(const CleanTask& task, const TopicSpec& spec,
                                        Offset cleaned) {
  Latest latest;
  Offset upto = cleaned;
  RETURN_IF_ERROR(
      ForEachBatch(task, cleaned, [&](absl::string_view, const Seen& seen) -> absl::StatusOr<bool> {
        if (latest.size() >= kMaxKeys) return false;
        ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(seen.bytes));
        view.ForEach([&](int i, const RecordView& record) {
          latest[DigestOf(record.key)] = OffsetOf(seen, i);
        });
        upto = seen.head.next;
        return true;
      }));
  CleanTask rewritten = task;
  rewritten.end = upto;
  rocksdb::WriteBatch batch;
  RETURN_IF_ERROR(ForEachBatch(
      rewritten, Offset(0), [&](absl::string_view key, const Seen& seen) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(seen.bytes));
        RETURN_IF_ERROR(Rewrite(task, spec, key, seen, view, latest, &batch));
        if (batch.GetDataSize() > (4U << 20)) {
          RETURN_IF_ERROR(FromRocks(task.db->Write(rocksdb::WriteOptions(), &batch), task.place));
          batch.Clear();
        }
        return true;
      }));
  if (batch.Count() > 0)
    RETURN_IF_ERROR(FromRocks(task.db->Write(rocksdb::WriteOptions(), &batch), task.place));
  return upto;
}

}  // namespace huiliu::embedded
