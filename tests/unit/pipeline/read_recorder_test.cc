#include "broker/pipeline/read_recorder.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace huiliu::pipeline {
namespace {

// Commits into memory; each waits until it is let through.
class GatedWriter : public BackboneWriter {
 public:
  absl::StatusOr<CommitResult> Commit(Transaction transaction) override {
    absl::MutexLock lock(&mutex_, absl::Condition(&open_));
    for (const Append& append : transaction.appends) sizes_.push_back(append.records);
    if (!result_.ok()) return result_;
    return CommitResult{};
  }
  void Open() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }
  void Fail(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    result_ = std::move(status);
  }
  std::vector<int32_t> sizes() {
    absl::MutexLock lock(&mutex_);
    return sizes_;
  }

 private:
  absl::Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status result_ ABSL_GUARDED_BY(mutex_);
  std::vector<int32_t> sizes_ ABSL_GUARDED_BY(mutex_);
};

TEST(ReadRecorder, NothingIsAnsweredBeforeItsCommit) {
  GatedWriter writer;
  ReadRecorder recorder(writer);
  std::atomic<int> answered = 0;
  absl::Notification last;
  recorder.Record({"a"}, [&](const absl::Status&) { ++answered; });
  recorder.Record({"b"}, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok());
    ++answered;
    last.Notify();
  });
  EXPECT_FALSE(last.WaitForNotificationWithTimeout(absl::Milliseconds(20)));
  EXPECT_EQ(answered, 0);
  writer.Open();
  last.WaitForNotification();
  EXPECT_EQ(answered, 2);
}

TEST(ReadRecorder, ManyReadsShareACommit) {
  GatedWriter writer;
  constexpr int kReads = 500;
  absl::BlockingCounter answered(kReads);
  ReadRecorder recorder(writer);
  for (int i = 0; i < kReads; ++i)
    recorder.Record({"entry"}, [&](const absl::Status&) { answered.DecrementCount(); });
  writer.Open();
  answered.Wait();
  EXPECT_LE(writer.sizes().size(), 3U);
}

TEST(ReadRecorder, AFailedCommitReachesEveryReader) {
  GatedWriter writer;
  writer.Fail(absl::UnavailableError("disk"));
  writer.Open();
  ReadRecorder recorder(writer);
  EXPECT_EQ(recorder.RecordAndWait("a").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(recorder.RecordAndWait("b").code(), absl::StatusCode::kUnavailable);
}

TEST(ReadRecorder, StoppingRecordsAndAnswersWhatIsQueued) {
  GatedWriter writer;
  std::atomic<int> answered = 0;
  constexpr int kReads = 3000;  // more than one commit takes
  {
    ReadRecorder recorder(writer);
    for (int i = 0; i < kReads; ++i)
      recorder.Record({"entry"}, [&](const absl::Status& status) { answered += status.ok(); });
    writer.Open();
  }
  EXPECT_EQ(answered, kReads);
}

TEST(ReadRecorder, RefusesWhatItCannotQueue) {
  GatedWriter writer;
  ReadRecorder recorder(writer);
  std::atomic<int> refused = 0;
  for (size_t i = 0; i < ReadRecorder::kMaxWaiting + ReadRecorder::kMaxPerCommit + 1; ++i) {
    recorder.Record({"entry"}, [&](const absl::Status& status) {
      refused += status.code() == absl::StatusCode::kResourceExhausted;
    });
  }
  EXPECT_GE(refused, 1);
  writer.Open();
}

}  // namespace
}  // namespace huiliu::pipeline
