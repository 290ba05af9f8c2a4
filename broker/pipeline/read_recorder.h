// Makes every read durable in lineage before its data leaves, many reads to one commit.
#ifndef HUILIU_BROKER_PIPELINE_READ_RECORDER_H_
#define HUILIU_BROKER_PIPELINE_READ_RECORDER_H_

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"

namespace huiliu::pipeline {

// Thread-safe. Two threads of its own: one commits, the other answers meanwhile; `done` runs on the
// second and must not block.
class ReadRecorder {
 public:
  static constexpr size_t kMaxWaiting = 16384;  // entries queued; beyond: RESOURCE_EXHAUSTED
  static constexpr size_t kMaxPerCommit = 1024;
  // Where the last commit took kCrowd reads or more, the next begins later by kApart for each of
  // them: few commits of many reads leave the processors to the reads. Fewer readers never wait for
  // company.
  static constexpr size_t kCrowd = 4;
  static constexpr absl::Duration kApart = absl::Microseconds(100);
  static constexpr absl::Duration kMostApart = absl::Milliseconds(4);

  using Done = std::function<void(const absl::Status&)>;

  explicit ReadRecorder(BackboneWriter& writer);
  // Records what is queued, then stops.
  ~ReadRecorder();

  // `entries`: encoded LineageEntry, made durable together. `done` is called exactly once; unless
  // with OK, the data must not leave.
  void Record(std::vector<std::string> entries, Done done);
  // The same, waiting.
  absl::Status RecordAndWait(std::string entry);

 private:
  struct Waiting {
    std::vector<std::string> entries;
    Done done;
  };
  // Reads of one commit whose outcome is known.
  struct Committed {
    std::vector<Waiting> reads;
    absl::Status status;
  };
  void Run();
  // What the next commit takes; empty: stopping, and nothing is left.
  std::vector<Waiting> NextBatch(absl::Time not_before);
  absl::Status Commit(const std::vector<Waiting>& batch);
  void Answer();

  BackboneWriter& writer_;
  absl::Mutex mutex_;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  std::deque<Committed> committed_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool all_committed_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread committer_;
  std::thread answerer_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_READ_RECORDER_H_
