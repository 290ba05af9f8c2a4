// What is decided again when territory overrides (认领决定) change: kept rows of sources with
// placement NODE, page by page. Nothing of it is stored: after a restart every source is looked
// through once, and a row that stands as it should is left alone.
#ifndef HUILIU_BROKER_PIPELINE_PENDING_REPLAY_H_
#define HUILIU_BROKER_PIPELINE_PENDING_REPLAY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
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
  bool Due(const std::vector<std::string>& datasets);
  // Looks through the next page: rows that overrides decide now, or decided and do no longer, go
  // into the judgement. Call Commit when that is durable, or where it holds nothing.
  absl::Status Page(QuarantineStore& store, Judgement* judgement);
  void Commit();

 private:
  struct Work {
    std::string source;
    std::string digest;  // of the overrides that it is looked through with
  };
  // Of the overrides in force for a source; empty where there never was one.
  std::string DigestFor(const huiliu::v1::Source& source) const;

  const governance::State& state_;
  uint64_t seen_version_ = 0;
  std::vector<std::string> seen_datasets_;
  std::map<std::string, std::string> done_;  // source → digest
  std::vector<Work> queue_;                  // the first is being looked through
  std::string token_, next_token_;
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_PENDING_REPLAY_H_
