#include "broker/pipeline/control_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

const TopicPartition kControl{kControlTopic, Partition(0)};

}  // namespace

absl::Status ControlLog::TakeOver(const Record& record) {
  absl::MutexLock lock(&applying_);
  // Compaction keeps the newest record of each entity, in the order of versions.
  if (record.version() <= state_.version()) return absl::OkStatus();
  RETURN_IF_ERROR(state_.Apply(record));
  if (announcing_ && listener_ != nullptr) listener_(record);
  return absl::OkStatus();
}

absl::Status ControlLog::Step(absl::Duration timeout) {
  if (reader_ == nullptr) {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(kControl));
    ReaderOptions options;
    options.assigned = {kControl};
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
    next_ = std::max(next_, bounds.earliest);
    RETURN_IF_ERROR(reader_->Seek(kControl, next_));
  }
  ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(timeout));
  for (const StoredBatch& batch : batches) {
    ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
    absl::Status status;
    view.ForEach([&](int, const RecordView& record) {
      if (!status.ok() || record.tombstone) return;
      Record control;
      if (!control.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
        status = absl::DataLossError(absl::StrCat(
            "control topic, offset ", batch.first_offset.value(), ": no control record"));
        return;
      }
      status = TakeOver(control);
    });
    RETURN_IF_ERROR(status);
    next_ = batch.next;
  }
  return absl::OkStatus();
}

absl::Status ControlLog::ReadTo(Offset end) {
  while (next_ < end) {
    const absl::Status status = Step(absl::Seconds(1));
    if (!status.ok()) reader_.reset();
    RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::Status ControlLog::CatchUp() {
  absl::MutexLock lock(&reading_);
  ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(kControl));
  RETURN_IF_ERROR(ReadTo(bounds.end));
  if (replayed_) return absl::OkStatus();
  replayed_ = true;
  absl::MutexLock applying(&applying_);
  announcing_ = true;
  return absl::OkStatus();
}

absl::Status ControlLog::Follow(absl::Duration timeout) {
  absl::MutexLock lock(&reading_);
  const absl::Status status = Step(timeout);
  if (!status.ok()) reader_.reset();
  return status;
}

}  // namespace huiliu::pipeline
