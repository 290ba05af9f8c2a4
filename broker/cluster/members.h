// The nodes of a cluster, as each says of itself in the members topic.
#ifndef HUILIU_BROKER_CLUSTER_MEMBERS_H_
#define HUILIU_BROKER_CLUSTER_MEMBERS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "broker/pipeline/worker_errors.h"
#include "huiliu/v1/control.pb.h"

namespace huiliu::cluster {

struct Member {
  huiliu::v1::MemberRecord record;
  absl::Duration heard;  // since boot of this machine
  bool alive = false;    // heard of in time, and not leaving
};

// Thread-safe. Legal calls: Start, then the others, Stop. Two threads of its own: one says what
// this node has to say, the other listens.
class Members {
 public:
  static constexpr char kTopic[] = "members";
  static constexpr absl::Duration kBeat = absl::Seconds(1);

  // `describe`: what this node says of itself; any thread.
  Members(Backbone& backbone, BackboneWriter& writer,
          std::function<huiliu::v1::MemberRecord()> describe, absl::Duration dead_after,
          pipeline::WorkerErrors errors)
      : backbone_(backbone),
        writer_(writer),
        describe_(std::move(describe)),
        dead_after_(dead_after),
        errors_(std::move(errors)) {}
  ~Members() { Stop(); }

  static TopicSpec Topic();
  // Returns when this node's first word is durable and it has read all others'.
  absl::Status Start();
  // Says farewell: others need not wait for its silence.
  void Stop();
  // What this node says has changed.
  void Say();
  // Before this moment, since boot, this node's last durable word was begun: the others hear of it
  // no earlier.
  absl::Duration Said() const {
    absl::ReaderMutexLock lock(&mutex_);
    return said_;
  }
  // Called after another's word was heard; any thread.
  void OnHeard(std::function<void()> listener) { listener_ = std::move(listener); }

  std::vector<Member> All() const;  // by name
  std::optional<Member> Find(const std::string& node) const;
  // Waits until every node that may still answer from what it knew before has taken over this
  // version of governance, but not longer than `lease` after now: by then it answers no more.
  void AwaitSeen(uint64_t version, absl::Duration lease);

 private:
  void Speak();
  void Listen();
  absl::Status SayNow(bool leaving);
  absl::Status ListenOnce(absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reading_);
  absl::Status CatchUp() ABSL_LOCKS_EXCLUDED(reading_);
  void Hear(const StoredBatch& batch);
  bool IsAlive(const Member& member) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  Backbone& backbone_;
  BackboneWriter& writer_;
  const std::function<huiliu::v1::MemberRecord()> describe_;
  const absl::Duration dead_after_;
  const pipeline::WorkerErrors errors_;
  std::function<void()> listener_;

  absl::Mutex reading_;
  std::unique_ptr<BackboneReader> reader_ ABSL_GUARDED_BY(reading_);
  Offset next_ ABSL_GUARDED_BY(reading_) = Offset(0);
  absl::Duration spoken_ ABSL_GUARDED_BY(reading_);  // when anybody was heard, or it was opened

  mutable absl::Mutex mutex_ ABSL_ACQUIRED_AFTER(reading_);
  std::map<std::string, Member> members_ ABSL_GUARDED_BY(mutex_);
  absl::Duration listened_ ABSL_GUARDED_BY(mutex_);  // when all that was said had been heard
  absl::Duration said_ ABSL_GUARDED_BY(mutex_);
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool speaks_ = true;  // the speaker's; read after its end
  std::thread speaker_;
  std::thread listener_thread_;
};

}  // namespace huiliu::cluster

#endif  // HUILIU_BROKER_CLUSTER_MEMBERS_H_
