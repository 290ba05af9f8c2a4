#include "broker/pipeline/read_recorder.h"

#include "absl/synchronization/notification.h"
#include "broker/pipeline/topics.h"

namespace huiliu::pipeline {

ReadRecorder::ReadRecorder(BackboneWriter& writer) : writer_(writer), thread_([this] { Run(); }) {}

ReadRecorder::~ReadRecorder() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void ReadRecorder::Record(std::vector<std::string> entries, Done done) {
  {
    absl::MutexLock lock(&mutex_);
    if (waiting_.size() < kMaxWaiting && !stopping_) {
      waiting_.push_back({std::move(entries), std::move(done)});
      return;
    }
  }
  done(absl::ResourceExhaustedError(
      "too many reads wait for their lineage entry; try again shortly"));
}

absl::Status ReadRecorder::RecordAndWait(std::string entry) {
  absl::Notification recorded;
  absl::Status result;
  Record({std::move(entry)}, [&](const absl::Status& status) {
    result = status;
    recorded.Notify();
  });
  recorded.WaitForNotification();
  return result;
}

void ReadRecorder::Run() {
  std::vector<Waiting> batch;
  while (true) {
    batch.clear();
    {
      const auto ready = [this] {
        mutex_.AssertReaderHeld();
        return stopping_ || !waiting_.empty();
      };
      absl::MutexLock lock(&mutex_, absl::Condition(&ready));
      if (waiting_.empty()) return;
      if (waiting_.size() <= kMaxPerCommit) {
        batch.swap(waiting_);
      } else {
        const auto end = waiting_.begin() + kMaxPerCommit;
        batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
        waiting_.erase(waiting_.begin(), end);
      }
    }
    RecordBatchBuilder builder;
    for (const Waiting& w : batch) {
      for (const std::string& entry : w.entries) builder.Add("", "", entry);
    }
    const int32_t records = builder.count();
    Transaction transaction;
    transaction.appends.push_back({{kLineageTopic, Partition(0)}, builder.Finish(), records});
    const absl::Status status = writer_.Commit(std::move(transaction)).status();
    for (Waiting& w : batch) w.done(status);
  }
}

}  // namespace huiliu::pipeline
