// Applies one receiver's returned.* topics to its catalog and writes the lineage of it.
#ifndef HUILIU_BROKER_PIPELINE_APPLIER_H_
#define HUILIU_BROKER_PIPELINE_APPLIER_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/catalog/catalog.h"
#include "broker/pipeline/followed_log.h"
#include "broker/pipeline/restored_topic.h"
#include "broker/pipeline/set_aside.h"
#include "broker/pipeline/topics.h"
#include "broker/pipeline/worker_errors.h"
#include "core/base/clock.h"

namespace huiliu::pipeline {

// Legal calls: AddDataset* [CatchUp] Start AddDataset* Stop [Flush]. One thread of its own.
//
// An owner's applier writes lineage; a standby's has no writer, applies the same and leaves the
// record to the owner.
//
// The catalog's offsets and the log's group offset are two truths: rows below the catalog's offset
// are in the catalog, entries below the group's offset are in lineage. Reading goes on from the
// lower of the two; the catalog skips what it has, and no entry is written twice, since the entry
// and the group's offset are one commit.
class Applier {
 public:
  // `writer`: null of a standby. `set_aside`: where messages of others are counted; null where
  // nobody else can write to the topics, or delete one.
  Applier(std::string receiver, Catalog& catalog, Backbone& backbone, BackboneWriter* writer,
          Clock& clock, TopicSettings topics, WorkerErrors errors, SetAside* set_aside = nullptr);
  ~Applier();

  absl::Status AddDataset(std::shared_ptr<const schema::Contract> contract);
  // Applies what the topics hold now; before Start, so that a node answers with all that it had
  // acknowledged.
  absl::Status CatchUp();
  void Start();
  void Stop();
  // Whether nothing was left when it looked last.
  bool caught_up() const { return caught_up_; }
  // The catalog may have missed what compaction has taken out of its topics: it must be built anew,
  // from an empty folder. Nothing is applied to it any more; CatchUp says DATA_LOSS, which may mean
  // something else, too.
  bool outdated() const { return outdated_; }
  // Makes what is applied durable, and until when the topics were followed.
  absl::Status Flush() { return followed_.Flush(); }

 private:
  struct Assigned {
    DatasetId dataset;
    Offset traced;  // lineage entries exist below it
  };

  void Run();
  absl::Status OpenReader();
  // Whether the catalog can go on from where it stands in the dataset's topic.
  absl::StatusOr<bool> TakeUp(const schema::Contract& contract, ReaderOptions* options,
                              std::map<TopicPartition, Offset>* starts);
  // How far the catalog has come, into the commit that says so in lineage.
  void NoteStandings(Transaction* transaction);
  absl::Status SetForeignAside(std::vector<StoredBatch>* batches);
  // Now and then, one after the other: NOT_FOUND or DATA_LOSS where a topic is gone. `idle`: there
  // was nothing to apply.
  absl::Status LookAtOneTopic(bool idle);
  // Whether anything was there.
  absl::StatusOr<bool> Step(absl::Duration timeout);
  absl::Status ApplyTopic(const DatasetId& dataset, absl::Span<const StoredBatch> batches,
                          Transaction* transaction);

  const std::string receiver_;
  const std::string worker_name_;
  Catalog& catalog_;
  Backbone& backbone_;
  BackboneWriter* const writer_;
  Clock& clock_;
  const TopicSettings topics_;
  const WorkerErrors errors_;
  SetAside* const set_aside_;
  const std::unique_ptr<RestoredTopic> restored_;  // null where set_aside_ is

  std::unique_ptr<BackboneReader> reader_;       // worker thread only
  std::map<TopicPartition, Assigned> assigned_;  // worker thread only
  using Contracts = std::map<DatasetId, std::shared_ptr<const schema::Contract>>;
  Contracts reading_;                                // worker thread only
  std::map<DatasetId, ReturnedStanding> standings_;  // worker thread only
  absl::Time looked_ = absl::InfinitePast();         // worker thread only
  std::string looked_at_;                            // worker thread only
  Partition looked_into_{0};                         // worker thread only
  FollowedLog followed_;                             // worker thread only

  absl::Mutex mutex_;
  Contracts datasets_ ABSL_GUARDED_BY(mutex_);
  bool changed_ ABSL_GUARDED_BY(mutex_) = true;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> caught_up_ = false;
  std::atomic<bool> outdated_ = false;
  std::thread thread_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_APPLIER_H_
