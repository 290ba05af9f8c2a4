// The backbone (骨干): durable, partitioned topics of record batches, and the atomic commit that
// everything rests on.
//
// THE ATOMIC COMMIT. Writer::Commit(transaction) makes *all* of its parts durable and visible
// together, or none:
//   appends            record batches to any partitions of any topics; each gets consecutive
//   offsets, in the order given consumed offsets   (group, topic, partition) → the next offset to
//   read positions          key → opaque bytes (a source's position with its epoch and sequence, a
//   landing's cursor …)
// 1. When Commit returns OK, the parts survive kill -9 of any process and power loss (synced before
// the answer).
// 2. When it returns ABORTED, a newer writer of the same id has fenced this one; nothing was
// written; the writer stays dead.
// 3. When it returns anything else, nothing of it is visible now; UNAVAILABLE may still become
// visible after a restart (the
//    sync failed midway): the caller re-reads its position from the reopened backbone and goes on
//    from there. RESOURCE_EXHAUSTED (the disk is full) may too, but only where the process ends
//    before a later commit succeeds; until then readers go on and commits are refused. After a
//    failed sync the backbone refuses every write (FAILED_PRECONDITION) until it is reopened.
// 4. Readers see the batches of a partition in offset order, a transaction's batches of one
// partition together, and nothing of
//    a transaction that is not committed.
// 5. Offsets of a partition begin at 0, grow by one per record and are never reused; compaction and
// retention leave gaps.
//
// Implementations: memory (tests), embedded (RocksDB), Kafka. One conformance suite:
// tests/conformance/backbone_suite.h.
#ifndef HUILIU_BROKER_BACKBONE_BACKBONE_H_
#define HUILIU_BROKER_BACKBONE_BACKBONE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/model/ids.h"
#include "core/model/record_batch.h"

namespace huiliu {

struct TopicPartition {
  std::string topic;
  Partition partition;
  friend bool operator==(const TopicPartition&, const TopicPartition&) = default;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const TopicPartition& tp) {
    return H::combine(std::move(h), tp.topic, tp.partition);
  }
};

enum class Cleanup {
  kRetention,  // batches older than `retention` or beyond `retention_bytes` go, oldest first
  kCompact,    // the latest record of each key stays; tombstones stay for `tombstone_retention`
};

struct TopicSpec {
  std::string name;  // [a-zA-Z0-9._-]{1,249}
  int32_t partitions = 1;
  Cleanup cleanup = Cleanup::kRetention;
  absl::Duration retention = absl::InfiniteDuration();
  int64_t retention_bytes = -1;  // per partition; -1: no bound
  absl::Duration tombstone_retention = absl::Hours(24 * 7);
  // A group whose unread batches retention never takes; empty: none. Kafka knows no such thing:
  // there the retention must outlast the group's longest pause. May be added to a topic that is
  // there; not compared.
  std::string keep_unread_of = {};
};

struct Append {
  TopicPartition to;
  std::string batch;  // RecordBatchBuilder::Finish, at least one record
  int32_t records = 0;
};

struct ConsumedOffset {
  std::string group;
  TopicPartition from;
  Offset next;
};

struct PositionUpdate {
  std::string key;    // e.g. source/<id>
  std::string value;  // empty: remove
};

struct Transaction {
  std::vector<Append> appends;
  std::vector<ConsumedOffset> consumed;
  std::vector<PositionUpdate> positions;
};

struct CommitResult {
  std::vector<Offset> first_offsets;  // one per append
};

// Writes as one identity. Thread-safe; concurrent commits of one or many writers are synced
// together (group commit). Legal calls: (Commit)*, until one answers ABORTED.
class BackboneWriter {
 public:
  virtual ~BackboneWriter() = default;
  virtual absl::StatusOr<CommitResult> Commit(Transaction transaction) = 0;
};

// One batch as read. `bytes` is owned: a RecordBatchView over it stays valid as long as this.
struct StoredBatch {
  TopicPartition from;
  Offset first_offset;  // of its first record
  int32_t records = 0;  // after compaction fewer than `next - first`
  Offset next;          // where to go on reading
  absl::Time appended;
  std::string bytes;
  std::vector<Offset> offsets;  // of each record; empty: consecutive from first_offset
  // Kafka: false where no writer of ours says that it began the append here, because others wrote
  // it or compaction took its first record.
  bool append_known = true;
};

enum class StartAt {
  kEarliest,
  kLatest,
  kCommitted
};  // kCommitted: the group's offset, else earliest

struct ReaderOptions {
  std::string group;                     // where kCommitted looks; may be empty otherwise
  std::vector<TopicPartition> assigned;  // fixed partitions …
  std::vector<std::string>
      subscribed_topics;  // … or all partitions of topics shared out within the group
  StartAt start = StartAt::kCommitted;
  size_t max_poll_bytes = 4 << 20;  // soft bound: at least one batch is returned
  // Group mode: called from Poll, on its thread.
  std::function<void(absl::Span<const TopicPartition>)> on_assigned;
  std::function<void(absl::Span<const TopicPartition>)> on_revoked;
};

// Reads assigned partitions. One thread at a time.
class BackboneReader {
 public:
  virtual ~BackboneReader() = default;
  // Whole batches, in offset order per partition; empty when nothing came within `timeout`.
  // DATA_LOSS names topic, partition and offset of a corrupt batch; Seek past it to go on.
  // OUT_OF_RANGE: the position fell out of retention.
  virtual absl::StatusOr<std::vector<StoredBatch>> Poll(absl::Duration timeout) = 0;
  virtual absl::Status Seek(const TopicPartition& tp, Offset next) = 0;
  virtual std::vector<TopicPartition> Assignment() const = 0;
};

struct PartitionBounds {
  Offset earliest;  // first offset still kept
  Offset end;       // offset that the next record will get
  // Never goes back as long as the topic is the same one, though compaction may take the last
  // records and `end` with them. Not below `end`.
  Offset log_end = end;
};

// Thread-safe.
class Backbone {
 public:
  virtual ~Backbone() = default;
  // Creates the topic; OK where it exists with the same settings, FAILED_PRECONDITION naming the
  // differing settings else.
  virtual absl::Status EnsureTopic(const TopicSpec& spec) = 0;
  virtual absl::StatusOr<std::vector<TopicSpec>> ListTopics() = 0;
  // Opens a writer and fences every earlier one of the same id.
  virtual absl::StatusOr<std::unique_ptr<BackboneWriter>> OpenWriter(
      absl::string_view writer_id) = 0;
  // Of a writer whose process is gone: aborts the transaction that it may have left open, for which
  // readers wait, instead of when Kafka would. Takes nothing from a writer that lives: it opens its
  // id again and repeats what was aborted. OK where a dead process leaves nothing open.
  virtual absl::Status EndOpenTransaction(absl::string_view writer_id) {
    (void)writer_id;
    return absl::OkStatus();
  }
  virtual absl::StatusOr<std::unique_ptr<BackboneReader>> OpenReader(ReaderOptions options) = 0;
  virtual absl::StatusOr<PartitionBounds> Bounds(const TopicPartition& tp) = 0;
  virtual absl::StatusOr<std::optional<Offset>> CommittedOffset(absl::string_view group,
                                                                const TopicPartition& tp) = 0;
  virtual absl::StatusOr<std::optional<std::string>> Position(absl::string_view key) = 0;
};

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_BACKBONE_H_
