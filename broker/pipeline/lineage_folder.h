// Folds the lineage topic into the store: the one writer of its partition.
#ifndef HUILIU_BROKER_PIPELINE_LINEAGE_FOLDER_H_
#define HUILIU_BROKER_PIPELINE_LINEAGE_FOLDER_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/lineage/store/lineage_store.h"
#include "broker/pipeline/worker_errors.h"

namespace huiliu::pipeline {

// Legal calls: Start Stop. One thread of its own.
class LineageFolder {
 public:
  LineageFolder(Backbone& backbone, LineageStore& store, WorkerErrors errors)
      : backbone_(backbone), store_(store), errors_(std::move(errors)) {}
  ~LineageFolder() { Stop(); }
  void Start();
  void Stop();
  // Folds what the topic holds now; what tests and a clean stop wait for.
  absl::Status CatchUp(absl::Duration timeout);

 private:
  void Run();
  absl::Status Step();

  Backbone& backbone_;
  LineageStore& store_;
  const WorkerErrors errors_;
  std::unique_ptr<BackboneReader> reader_;  // worker thread only
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_LINEAGE_FOLDER_H_
