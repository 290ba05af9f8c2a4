#include "broker/pipeline/batch_leaves.h"

#include <algorithm>
#include <memory>

#include "absl/time/clock.h"
#include "broker/pipeline/envelope_bytes.h"
#include "broker/pipeline/logged_changes.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"

namespace huiliu::pipeline {
namespace {

// Its appends are of one commit; Kafka dates each as it comes.
constexpr absl::Duration kAround = absl::Minutes(1);
constexpr absl::Duration kPollTimeout = absl::Seconds(1);

class Search {
 public:
  Search(Backbone& backbone, const BatchSearch& asked, const EnvelopeGlance& batch)
      : backbone_(backbone), asked_(asked), batch_(batch), deadline_(absl::Now() + asked.limit) {}

  absl::Status ReadOwn() {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(asked_.from));
    // In one partition its records follow one another, as a rule.
    const int64_t begin = asked_.offset.value() - static_cast<int64_t>(batch_.index);
    RETURN_IF_ERROR(Open(asked_.from));
    return Read(asked_.from, std::max(Offset(std::max<int64_t>(begin, 0)), bounds.earliest),
                bounds.end, /*whole=*/true);
  }

  // Of its own partition too: on Kafka another writer's records may stand between.
  absl::Status ReadAround(const TopicPartition& tp) {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(tp));
    RETURN_IF_ERROR(Open(tp));
    Offset first = bounds.earliest, end = bounds.end;
    // The first append of that time, give or take.
    while (first < end && !late()) {
      const Offset middle((first.value() + end.value()) / 2);
      RETURN_IF_ERROR(reader_->Seek(tp, middle));
      ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(kPollTimeout));
      if (batches.empty() || batches[0].appended >= appended_ - kAround) {
        end = middle;
      } else {
        first = std::max(batches[0].next, Offset(middle.value() + 1));
      }
    }
    return Read(tp, end, bounds.end, /*whole=*/false);
  }

  bool late() const { return absl::Now() >= deadline_; }
  bool complete() const { return asked_.complete && asked_.complete(leaves_.by_index); }
  BatchLeaves& leaves() { return leaves_; }

 private:
  absl::Status Open(const TopicPartition& tp) {
    ReaderOptions options;
    options.assigned = {tp};
    options.start = StartAt::kEarliest;
    options.max_poll_bytes = 1;
    ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(std::move(options)));
    return absl::OkStatus();
  }

  // From `next` on, until what was appended later than the batch can have been; `whole`: until what
  // is of another batch.
  absl::Status Read(const TopicPartition& tp, Offset next, Offset end, bool whole) {
    RETURN_IF_ERROR(reader_->Seek(tp, next));
    while (next < end) {
      if (late()) {
        leaves_.searched = false;
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(kPollTimeout));
      if (batches.empty()) return absl::OkStatus();
      for (const StoredBatch& batch : batches) {
        ASSIGN_OR_RETURN(const size_t took, Take(batch));
        next = batch.next;
        if (whole ? took == 0 && next > asked_.offset : batch.appended > appended_ + kAround)
          return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Take(const StoredBatch& stored) {
    ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(stored.bytes));
    size_t took = 0;
    view.ForEach([&](int i, const RecordView& record) {
      const auto glance = GlanceAt(record.header);
      if (!glance.ok() || glance->system != batch_.system || glance->source != batch_.source ||
          glance->epoch != batch_.epoch || glance->sequence != batch_.sequence ||
          glance->arrival_time_us != batch_.arrival_time_us) {
        return;
      }
      ++took;
      const LeafParts parts{record.key, WithoutArrival(record.header), Sha256(record.value)};
      leaves_.by_index[static_cast<uint32_t>(glance->index)] =
          RecordLeafHash(parts.key, parts.envelope, parts.payload);
      const Offset offset = stored.offsets.empty() ? Offset(stored.first_offset.value() + i)
                                                   : stored.offsets[static_cast<size_t>(i)];
      if (stored.from != asked_.from || offset != asked_.offset) return;
      appended_ = stored.appended;
      if (asked_.found) asked_.found(parts);
    });
    return took;
  }

  Backbone& backbone_;
  const BatchSearch& asked_;
  const EnvelopeGlance& batch_;
  const absl::Time deadline_;
  absl::Time appended_ = absl::InfiniteFuture();  // of the record that is known
  std::unique_ptr<BackboneReader> reader_;
  BatchLeaves leaves_;
};

}  // namespace

absl::StatusOr<BatchLeaves> FindBatchLeaves(Backbone& backbone, const BatchSearch& asked) {
  ASSIGN_OR_RETURN(const EnvelopeGlance batch, GlanceAt(asked.envelope));
  Search search(backbone, asked, batch);
  RETURN_IF_ERROR(search.ReadOwn());
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionsOf(backbone, asked.from.topic));
  // Its own partition comes last.
  for (int32_t i = 1; i <= partitions && !search.complete(); ++i) {
    const Partition next((asked.from.partition.value() + i) % partitions);
    if (search.late()) {
      search.leaves().searched = false;
      break;
    }
    RETURN_IF_ERROR(search.ReadAround({asked.from.topic, next}));
  }
  return std::move(search.leaves());
}

}  // namespace huiliu::pipeline
