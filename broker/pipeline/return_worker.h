// The return engine at the node (placement NODE): reads source.*, decides, and appends what
// returns, what it remembers, its lineage and how far it has read in one commit.
#ifndef HUILIU_BROKER_PIPELINE_RETURN_WORKER_H_
#define HUILIU_BROKER_PIPELINE_RETURN_WORKER_H_

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/control_log.h"
#include "broker/pipeline/fence.h"
#include "broker/pipeline/judgement.h"
#include "broker/pipeline/kept_rows.h"
#include "broker/pipeline/node_engines.h"
#include "broker/pipeline/pending_replay.h"
#include "broker/pipeline/reevaluation.h"
#include "broker/pipeline/topics.h"
#include "broker/pipeline/worker_errors.h"
#include "core/base/clock.h"
#include "huiliu/v1/intake.pb.h"
#include "storage/decisions/decision_store.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::pipeline {

// Legal calls: AddDataset* [Step]* Start AddDataset* Stop; Redrive and ListKept at any time, from
// any thread.
//
// Decisions are staged in the local store under the number of the transaction, the transaction
// carries that number, and its success makes them the truth there. After a crash at any point the
// number on the backbone says which staged changes were committed; a lost store is read again from
// the decisions topics.
class ReturnWorker {
 public:
  struct Parts {
    const governance::State& state;
    Backbone& backbone;
    BackboneWriter& writer;
    Clock& clock;
    TopicSettings topics;
    std::shared_ptr<const territory::Divisions> divisions;
    NodeEngines::PseudonymKey pseudonym_key;
    DecisionStore& decisions;
    QuarantineStore& kept;
    WorkerErrors errors;
    // Of several nodes: whether the worker's lane is still this node's; the lane's name, under
    // which this worker's transactions are numbered; under which its store follows the kept rows.
    const Fence* fence = nullptr;
    std::string lane = {};
    // Whose staged decisions a transaction's number speaks of: the number of a transaction that
    // another node committed says nothing of what this one had staged under it.
    std::string node = {};
    std::string kept_group = KeptGroup();
    // What the lanes of a node share; null: the worker has its own.
    PreparedRules* rules = nullptr;
    // Where messages are counted that others wrote to the topics it reads; may be null.
    SetAside* set_aside = nullptr;
    // What learns of sources that other nodes registered; null: there is no other node.
    ControlLog* control = nullptr;
  };
  explicit ReturnWorker(Parts parts);
  ~ReturnWorker() { Stop(); }

  absl::Status AddDataset(const std::string& dataset);
  void Start();
  void Stop();
  // Judges what comes within `timeout`, and decides kept rows again that territory overrides speak
  // of now; whether anything came or is left. The worker's own thread, or a test's.
  absl::StatusOr<bool> Step(absl::Duration timeout);

  // Rows kept for repair of one source, in the order they came. That `caller` looked is in lineage
  // before they leave.
  absl::Status ListKept(const governance::Principal& caller,
                        const huiliu::v1::ListQuarantineRequest& request,
                        huiliu::v1::ListQuarantineResponse* response);
  // Decides kept rows again, all in one commit. `caller` may do so. INVALID_ARGUMENT where the
  // request is none; what is wrong with one row stands in its result.
  absl::Status Redrive(const governance::Principal& caller,
                       const huiliu::v1::RedriveRequest& request,
                       huiliu::v1::RedriveResponse* response);

 private:
  void Run();
  absl::Status OpenReader();
  absl::Status Recover() ABSL_EXCLUSIVE_LOCKS_REQUIRED(judging_);
  absl::Status Judge(const std::vector<StoredBatch>& batches) ABSL_LOCKS_EXCLUDED(judging_);
  absl::StatusOr<bool> ReplayPage() ABSL_LOCKS_EXCLUDED(judging_);
  // Decides some history again, where new rules say so; whether any progress was made.
  absl::StatusOr<bool> JudgeHistory() ABSL_LOCKS_EXCLUDED(judging_, mutex_);
  absl::Status LookForFormerDecisions(const std::vector<std::string>& datasets)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(judging_);
  absl::StatusOr<bool> JudgeHistoryOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(judging_);
  std::vector<std::string> Datasets() const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Commit(Judgement* judgement) ABSL_EXCLUSIVE_LOCKS_REQUIRED(judging_);
  absl::Status RedriveOne(const governance::Principal& caller, const std::string& source,
                          const huiliu::v1::RedriveRequest::Correction& correction,
                          Judgement* judgement, huiliu::v1::RedriveResponse::Result* result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(judging_);
  std::vector<TopicPartition> PartitionsOf(std::string (*topic)(absl::string_view)) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  const Parts parts_;
  const std::unique_ptr<PreparedRules> own_rules_;
  std::unique_ptr<BackboneReader> reader_;  // worker thread only
  Reevaluation reevaluation_;               // worker thread only
  bool history_moves_ = false;              // worker thread only

  absl::Mutex judging_ ABSL_ACQUIRED_BEFORE(mutex_);  // one transaction at a time
  NodeEngines engines_ ABSL_GUARDED_BY(judging_);
  KeptRows kept_ ABSL_GUARDED_BY(judging_);
  PendingReplay replay_ ABSL_GUARDED_BY(judging_);
  bool recovered_ ABSL_GUARDED_BY(judging_) = false;
  bool read_once_ ABSL_GUARDED_BY(judging_) = false;
  bool lacks_decisions_ ABSL_GUARDED_BY(judging_) = false;      // that stand on the backbone
  std::set<std::string> remembered_ ABSL_GUARDED_BY(judging_);  // datasets whose decisions are here
  uint64_t sequence_ ABSL_GUARDED_BY(judging_) = 0;             // transactions committed
  bool former_ ABSL_GUARDED_BY(judging_) = false;  // former decisions are among what is remembered

  mutable absl::Mutex mutex_;
  std::vector<std::string> datasets_ ABSL_GUARDED_BY(mutex_);
  bool changed_ ABSL_GUARDED_BY(mutex_) = true;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_RETURN_WORKER_H_
