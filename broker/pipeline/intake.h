// Intake (接收): takes self-contained batches over. A batch, its lineage entry and its position are
// one commit.
#ifndef HUILIU_BROKER_PIPELINE_INTAKE_H_
#define HUILIU_BROKER_PIPELINE_INTAKE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"
#include "broker/governance/state.h"
#include "broker/pipeline/fence.h"
#include "broker/pipeline/topics.h"
#include "core/base/clock.h"
#include "huiliu/v1/control.pb.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::pipeline {

// Thread-safe.
class Intake {
 public:
  // One open writer of a source. Legal calls: (Take)*, one at a time.
  class Session {
   public:
    Session(Intake& intake, std::string source, uint64_t epoch)
        : intake_(intake), source_(std::move(source)), epoch_(epoch) {}
    // Durable when it returns OK. A batch that was taken over before is OK again where it is the
    // same to the byte. ABORTED: fenced by a newer writer. INVALID_ARGUMENT, FAILED_PRECONDITION:
    // refused as a whole, nothing stored; the message names the batch and what is wrong.
    // UNAVAILABLE, RESOURCE_EXHAUSTED: try again later.
    absl::Status Take(const huiliu::v1::Batch& batch);

   private:
    Intake& intake_;
    const std::string source_;
    const uint64_t epoch_;
  };

  // `fence`: which sources are this node's to take over; null: all.
  Intake(const governance::State& state, Backbone& backbone, BackboneWriter& writer, Clock& clock,
         TopicSettings topics, const Fence* fence = nullptr)
      : state_(state),
        backbone_(backbone),
        writer_(writer),
        clock_(clock),
        topics_(topics),
        fence_(fence == nullptr ? none_ : *fence) {}

  // Opens a source for writing and fences its former writer. NOT_FOUND: the source is not
  // registered; PERMISSION_DENIED: it belongs to another organisation; FAILED_PRECONDITION: dataset
  // or version do not fit.
  absl::StatusOr<std::unique_ptr<Session>> Open(const governance::Principal& caller,
                                                const huiliu::v1::Hello& hello,
                                                huiliu::v1::Welcome* welcome);

  absl::StatusOr<huiliu::v1::SourcePosition> Position(const std::string& source);
  // The same for a caller of the source's organisation.
  absl::Status GetPosition(const std::optional<governance::Principal>& caller,
                           const huiliu::v1::GetPositionRequest& request,
                           huiliu::v1::GetPositionResponse* response);
  // Waits for the commits of these sources and forgets their positions: another node goes on.
  void Release(const std::function<bool(const std::string& source)>& which);

 private:
  // The one writer of a source at a time.
  struct Lane {
    absl::Mutex mutex;
    bool loaded ABSL_GUARDED_BY(mutex) = false;
    huiliu::v1::SourcePosition position ABSL_GUARDED_BY(mutex);
  };

  Lane& LaneOf(const std::string& source);
  absl::Status Load(const std::string& source, Lane& lane)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lane.mutex);
  absl::Status Take(const std::string& source, uint64_t epoch, const huiliu::v1::Batch& batch);
  absl::Status CheckSequence(const Lane& lane, uint64_t epoch, const huiliu::v1::Batch& batch,
                             bool* repeated) const ABSL_SHARED_LOCKS_REQUIRED(lane.mutex);
  absl::Status CheckRules(const huiliu::v1::Source& source) const;
  absl::Status CheckContent(const huiliu::v1::Source& source, const huiliu::v1::Batch& batch) const;
  absl::StatusOr<Transaction> Build(const huiliu::v1::Source& source,
                                    const huiliu::v1::Batch& batch,
                                    const huiliu::v1::SourcePosition& after) const;

  const governance::State& state_;
  Backbone& backbone_;
  BackboneWriter& writer_;
  Clock& clock_;
  const TopicSettings topics_;
  const NoFence none_;
  const Fence& fence_;
  absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Lane>> lanes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_INTAKE_H_
