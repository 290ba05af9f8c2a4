#include "broker/pipeline/read_recorder.h"

#include <algorithm>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "broker/pipeline/topics.h"

namespace huiliu::pipeline {

ReadRecorder::ReadRecorder(BackboneWriter& writer)
    : writer_(writer), committer_([this] { Run(); }), answerer_([this] { Answer(); }) {}

ReadRecorder::~ReadRecorder() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  committer_.join();
  answerer_.join();
}

void ReadRecorder::Record(std::vector<std::string> entries, Done done) {
  {
    absl::MutexLock lock(&mutex_);
    if (waiting_.size() < kMaxWaiting && !stopping_) {
      waiting_.push_back({std::move(entries), std::move(done)});
      return;
    }
  }
  done(
      absl::ResourceExhaustedError("等待留痕的查询过多，请稍后再试 / too many reads wait for their "
                                   "lineage entry; try again shortly"));
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

std::vector<ReadRecorder::Waiting> ReadRecorder::NextBatch(absl::Time not_before) {
  const auto ready = [this] {
    mutex_.AssertReaderHeld();
    return stopping_ || !waiting_.empty();
  };
  const auto full = [this] {
    mutex_.AssertReaderHeld();
    return stopping_ || waiting_.size() >= kMaxPerCommit;
  };
  std::vector<Waiting> batch;
  absl::MutexLock lock(&mutex_, absl::Condition(&ready));
  mutex_.AwaitWithDeadline(absl::Condition(&full), not_before);
  if (waiting_.size() <= kMaxPerCommit) {
    batch.swap(waiting_);
  } else {
    const auto end = waiting_.begin() + kMaxPerCommit;
    batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
  }
  return batch;
}

absl::Status ReadRecorder::Commit(const std::vector<Waiting>& batch) {
  RecordBatchBuilder builder;
  for (const Waiting& w : batch) {
    for (const std::string& entry : w.entries) builder.Add("", "", entry);
  }
  const int32_t records = builder.count();
  Transaction transaction;
  transaction.appends.push_back({{kLineageTopic, Partition(0)}, builder.Finish(), records});
  return writer_.Commit(std::move(transaction)).status();
}

void ReadRecorder::Run() {
  absl::Time not_before = absl::InfinitePast();
  while (true) {
    std::vector<Waiting> batch = NextBatch(not_before);
    if (batch.empty()) break;
    not_before =
        batch.size() < kCrowd
            ? absl::InfinitePast()
            : absl::Now() + std::min(kMostApart, static_cast<int64_t>(batch.size()) * kApart);
    absl::Status status = Commit(batch);
    absl::MutexLock lock(&mutex_);
    committed_.push_back({std::move(batch), std::move(status)});
  }
  absl::MutexLock lock(&mutex_);
  all_committed_ = true;
}

void ReadRecorder::Answer() {
  const auto ready = [this] {
    mutex_.AssertReaderHeld();
    return all_committed_ || !committed_.empty();
  };
  while (true) {
    Committed committed;
    {
      absl::MutexLock lock(&mutex_, absl::Condition(&ready));
      if (committed_.empty()) return;
      committed = std::move(committed_.front());
      committed_.pop_front();
    }
    for (Waiting& w : committed.reads) w.done(committed.status);
  }
}

}  // namespace huiliu::pipeline
