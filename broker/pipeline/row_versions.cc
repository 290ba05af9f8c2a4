#include "broker/pipeline/row_versions.h"

#include <map>

#include "absl/time/clock.h"
#include "core/base/status.h"
#include "core/model/record_batch.h"

namespace huiliu::pipeline {
namespace {

void Collect(const StoredBatch& batch, const RecordBatchView& view, absl::string_view row_key,
             std::vector<RowVersion>* versions) {
  view.ForEach([&](int i, const RecordView& record) {
    if (record.key != row_key) return;
    if (versions->size() == kMaxRowVersions) versions->erase(versions->begin());
    const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                : batch.offsets[static_cast<size_t>(i)];
    versions->push_back({batch.from, offset, std::string(record.header), record.tombstone});
  });
}

}  // namespace

absl::StatusOr<RowVersions> FindRowVersions(Backbone& backbone, const std::string& topic,
                                            absl::string_view row_key, absl::Duration limit) {
  RowVersions found;
  const absl::Time deadline = absl::Now() + limit;
  ASSIGN_OR_RETURN(const std::vector<TopicSpec> topics, backbone.ListTopics());
  ReaderOptions options;
  options.start = StartAt::kEarliest;
  std::map<TopicPartition, Offset> left;  // partitions whose end is not reached
  for (const TopicSpec& spec : topics) {
    for (int32_t p = 0; spec.name == topic && p < spec.partitions; ++p) {
      const TopicPartition tp{topic, Partition(p)};
      ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone.Bounds(tp));
      options.assigned.push_back(tp);
      if (bounds.earliest < bounds.end) left[tp] = bounds.end;
    }
  }
  if (left.empty()) return found;
  ASSIGN_OR_RETURN(const std::unique_ptr<BackboneReader> reader, backbone.OpenReader(options));
  while (!left.empty()) {
    if (absl::Now() >= deadline) {
      found.complete = false;
      break;
    }
    ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader->Poll(absl::Milliseconds(100)));
    // Compaction may have taken a partition's last records: nothing more comes.
    if (batches.empty()) break;
    for (const StoredBatch& batch : batches) {
      ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
      Collect(batch, view, row_key, &found.versions);
      const auto end = left.find(batch.from);
      if (end != left.end() && batch.next >= end->second) left.erase(end);
    }
  }
  return found;
}

}  // namespace huiliu::pipeline
