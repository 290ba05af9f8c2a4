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

absl::Status ControlLog::Take(const StoredBatch& batch) {
  ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
  absl::Status status;
  view.ForEach([&](int i, const RecordView& record) {
    // Governance deletes nothing: a tombstone is somebody else's.
    if (!status.ok() || (record.tombstone && batch.append_known)) return;
    Record control;
    const bool whole =
        control.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())) &&
        absl::string_view(governance::ControlKey(control)) == record.key;
    // A command is an append of its own, so that compaction takes all of it or nothing.
    if (whole && batch.append_known) {
      status = TakeOver(control);
      return;
    }
    const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                : batch.offsets[static_cast<size_t>(i)];
    if (!batch.append_known) {
      if (set_aside_ != nullptr)
        set_aside_->Add(kControl, offset, whole ? "not appended by a node" : "no control record");
      return;
    }
    status = absl::DataLossError(
        absl::StrCat("control topic, offset ", offset.value(), ": no control record"));
  });
  return status;
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
    RETURN_IF_ERROR(Take(batch));
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
