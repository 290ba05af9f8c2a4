// What is decided again without anybody asking: kept rows of sources with placement NODE, page by
// page, when territory overrides (认领决定) change, and when records that waited were decided,
// whose other rows wait still. Nothing of it is stored: after a restart every source is looked
// through once, and a row that stands as it should is left alone.
#ifndef HUILIU_BROKER_PIPELINE_PENDING_REPLAY_H_
#define HUILIU_BROKER_PIPELINE_PENDING_REPLAY_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/governance/state.h"
#include "broker/pipeline/judgement.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::pipeline {

// (Due [Page [Commit]])*. One thread at a time.
class PendingReplay {
 public:
  static constexpr int kPageRows = 200;  // of one transaction

  explicit PendingReplay(const governance::State& state) : state_(state) {}

  // Whether some source of these datasets has rows to look through.
  bool Due(const std::vector<std::string>& datasets, absl::Time now);
  // Looks through the next page: rows that overrides decide now, or decided and do no longer, and
  // those whose record was decided since go into the judgement. Call Commit when that is durable,
  // or where it holds nothing.
  absl::Status Page(QuarantineStore& store, Judgement* judgement);
  // `took`: since the page was begun.
  void Commit(absl::Time now, absl::Duration took);
  // Records of these datasets were decided that waited: their other rows are looked for, seldom
  // enough to cost next to nothing however many wait.
  void Want(const std::set<std::string>& datasets) {
    wanted_.insert(datasets.begin(), datasets.end());
  }

 private:
  static constexpr absl::Duration kRest = absl::Seconds(5);
  static constexpr int kRests = 20;  // at least, as long as the look took
  struct Work {
    std::string source;
    std::string digest;  // of the overrides that it is looked through with
    Replay why = Replay::kRecheck;
    bool operator==(const Work& other) const {
      return source == other.source && digest == other.digest && why == other.why;
    }
  };
  void LookUpOverrides(const std::vector<std::string>& datasets);
  void BeginToFollow();
  const Work& Current() const { return queue_.empty() ? following_[0] : queue_[0]; }
  // Of the overrides in force for a source; empty where there never was one.
  std::string DigestFor(const huiliu::v1::Source& source) const;

  const governance::State& state_;
  uint64_t seen_version_ = 0;
  std::vector<std::string> seen_datasets_;
  std::map<std::string, std::string> done_;  // source → digest
  // The first is being looked through. What overrides had decided goes first, of all sources: else
  // what waits would count as what holds no more.
  std::vector<Work> queue_;
  std::string token_, next_token_;
  std::set<std::string> wanted_;  // datasets
  std::vector<Work> following_;   // when there is nothing else to do; the first is looked through
  absl::Duration took_;
  absl::Time rest_until_ = absl::InfinitePast();
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_PENDING_REPLAY_H_
