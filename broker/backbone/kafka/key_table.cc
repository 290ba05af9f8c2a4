#include "broker/backbone/kafka/key_table.h"

#include "absl/strings/str_cat.h"
#include "broker/backbone/kafka/topic_settings.h"
#include "core/base/status.h"

namespace huiliu::kafka {

Partition KeyTable::PartitionOf(absl::string_view key) const {
  return PartitionOfKey(key, partitions_);
}

absl::StatusOr<std::optional<std::string>> KeyTable::Get(absl::string_view key) {
  const TopicPartition tp = PlaceOf(key);
  ASSIGN_OR_RETURN(const int64_t end, cluster_.End(tp, Isolation::kAll));
  absl::MutexLock lock(&mutex_);
  const absl::Status read = ReadTo(tp, end);
  if (!read.ok()) {
    // The next one begins anew.
    reader_.reset();
    values_.clear();
    return read;
  }
  const auto it = values_.find(key);
  if (it == values_.end()) return std::optional<std::string>();
  return std::optional<std::string>(it->second);
}

void KeyTable::Take(const StoredBatch& batch, const RecordBatchView& view) {
  view.ForEach([&](int i, const RecordView& record) {
    mutex_.AssertHeld();
    const std::string why = why_not_(record);
    if (!why.empty()) {
      const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                  : batch.offsets[static_cast<size_t>(i)];
      if (cluster_.options().on_foreign) cluster_.options().on_foreign(batch.from, offset, why);
    } else if (record.tombstone) {
      values_.erase(record.key);
    } else {
      values_[record.key] = std::string(record.value);
    }
  });
}

absl::Status KeyTable::ReadTo(const TopicPartition& tp, int64_t end) {
  if (reader_ == nullptr) {
    ReaderOptions options;
    for (int32_t p = 0; p < partitions_; ++p) options.assigned.push_back({topic_, Partition(p)});
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(reader_, KafkaReader::Open(
                                  cluster_, nullptr, std::move(options),
                                  {.isolation = isolation_, .fetch_wait = absl::Milliseconds(20)}));
  }
  const absl::Time deadline = absl::Now() + cluster_.options().request_timeout;
  while (reader_->Reached(tp) < end) {
    if (absl::Now() > deadline) {
      return absl::UnavailableError(absl::StrCat("Kafka: a transaction over ", topic_, "/",
                                                 tp.partition.value(), " is still open"));
    }
    ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(absl::Milliseconds(20)));
    for (const StoredBatch& batch : batches) {
      ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
      Take(batch, view);
    }
  }
  return absl::OkStatus();
}

}  // namespace huiliu::kafka
