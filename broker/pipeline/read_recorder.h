// Makes every read durable in lineage before its data leaves, many reads to one commit.
#ifndef HUILIU_BROKER_PIPELINE_READ_RECORDER_H_
#define HUILIU_BROKER_PIPELINE_READ_RECORDER_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"

namespace huiliu::pipeline {

// Thread-safe. One thread of its own; `done` runs on it and must not block.
class ReadRecorder {
 public:
  static constexpr size_t kMaxWaiting = 16384;  // entries queued; beyond: RESOURCE_EXHAUSTED
  static constexpr size_t kMaxPerCommit = 1024;

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
  void Run();

  BackboneWriter& writer_;
  absl::Mutex mutex_;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_READ_RECORDER_H_
