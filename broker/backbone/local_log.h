// What the two backbones of one process (memory, embedded) share: reading a partition, waiting for
// appends, sharing out partitions within a group.
#ifndef HUILIU_BROKER_BACKBONE_LOCAL_LOG_H_
#define HUILIU_BROKER_BACKBONE_LOCAL_LOG_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/backbone/backbone.h"

namespace huiliu {

// Where a LocalReader reads. Thread-safe.
class LocalLog {
 public:
  virtual ~LocalLog() = default;
  // Whole batches from `from` on, up to about `max_bytes` (at least one where there is any).
  // NOT_FOUND: no such partition.
  virtual absl::StatusOr<std::vector<StoredBatch>> Read(const TopicPartition& tp, Offset from,
                                                        size_t max_bytes) = 0;
  virtual absl::StatusOr<PartitionBounds> BoundsOf(const TopicPartition& tp) = 0;
  virtual absl::StatusOr<std::optional<Offset>> CommittedOf(absl::string_view group,
                                                            const TopicPartition& tp) = 0;
  virtual absl::StatusOr<int32_t> PartitionsOf(const std::string& topic) = 0;
};

// Counts commits; readers sleep until the count moves.
class AppendSignal {
 public:
  uint64_t count() const;
  void Notify();
  // Returns when the count differs from `seen`, or after `timeout`.
  void Wait(uint64_t seen, absl::Duration timeout);

 private:
  mutable absl::Mutex mutex_;
  uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Shares the partitions of subscribed topics out among the readers of a group, round robin in
// member order. A partition changes hands only when its holder has let go of it: at its next Poll,
// or when it is destroyed.
class LocalGroups {
 public:
  // Returns the member's number.
  int Join(const std::string& group, std::vector<TopicPartition> wanted);
  void Leave(const std::string& group, int member);
  // What the member holds but is another's share now: it tells its user, then calls Release.
  std::vector<TopicPartition> ToRelease(const std::string& group, int member) const;
  void Release(const std::string& group, int member, const std::vector<TopicPartition>& tps);
  // Takes those of the member's share that nobody holds; returns them.
  std::vector<TopicPartition> Acquire(const std::string& group, int member);

 private:
  struct Group {
    std::map<int, std::vector<TopicPartition>> members;
    std::map<TopicPartition, int> share;    // whose it is to be
    std::map<TopicPartition, int> holders;  // whose it is
    void ShareOut();
  };
  mutable absl::Mutex mutex_;
  std::map<std::string, Group> groups_ ABSL_GUARDED_BY(mutex_);
  int next_member_ ABSL_GUARDED_BY(mutex_) = 1;
};

// `log`, `signal` and `groups` outlive the reader.
absl::StatusOr<std::unique_ptr<BackboneReader>> OpenLocalReader(ReaderOptions options,
                                                                LocalLog& log, AppendSignal& signal,
                                                                LocalGroups& groups);

}  // namespace huiliu

#endif  // HUILIU_BROKER_BACKBONE_LOCAL_LOG_H_
