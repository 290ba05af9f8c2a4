#include "broker/pipeline/lineage_folder.h"

#include "broker/pipeline/topics.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

const TopicPartition kLineage{kLineageTopic, Partition(0)};
constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);
// Nobody waits for a fold: one of many small commits costs less than many folds.
constexpr absl::Duration kGather = absl::Milliseconds(5);
constexpr size_t kSmallFold = 256 << 10;

}  // namespace

void LineageFolder::Start() {
  thread_ = std::thread([this] { Run(); });
}

void LineageFolder::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status LineageFolder::Step() {
  if (reader_ == nullptr) {
    ReaderOptions options;
    options.assigned = {kLineage};
    options.start = StartAt::kEarliest;
    ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
    RETURN_IF_ERROR(reader_->Seek(kLineage, store_.NextOffset()));
  }
  ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(kPollTimeout));
  // An empty fold still lets the store sign a checkpoint whose time has come.
  RETURN_IF_ERROR(store_.Fold(batches));
  size_t bytes = 0;
  for (const StoredBatch& batch : batches) bytes += batch.bytes.size();
  if (bytes > 0 && bytes < kSmallFold) {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kGather);
  }
  return absl::OkStatus();
}

absl::Status LineageFolder::CatchUp(absl::Duration timeout) {
  ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(kLineage));
  const absl::Time deadline = absl::Now() + timeout;
  while (store_.NextOffset() < bounds.end) {
    if (absl::Now() > deadline)
      return absl::DeadlineExceededError("the lineage log is not folded yet");
    absl::SleepFor(absl::Milliseconds(5));
  }
  return absl::OkStatus();
}

void LineageFolder::Run() {
  bool failed = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    const absl::Status status = Step();
    if (!status.ok()) {
      errors_("lineage", status);
      reader_.reset();
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kRetryDelay);
    } else if (failed) {
      errors_("lineage", absl::OkStatus());
    }
    failed = !status.ok();
  }
}

}  // namespace huiliu::pipeline
