#include "broker/pipeline/pending_replay.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"

namespace huiliu::pipeline {

using huiliu::v1::QuarantinedRow;

std::string PendingReplay::DigestFor(const huiliu::v1::Source& source) const {
  std::vector<std::string> held;
  bool ever = false;
  for (const std::string& receiver : source.receivers()) {
    ever = ever || state_.EverOverridden(source.dataset(), receiver);
    for (std::string& id : state_.OverrideIdsInForce(source.dataset(), receiver))
      held.push_back(std::move(id));
  }
  if (!ever) return "";
  return ToString(rules::DigestOfOverrideIds({held.begin(), held.end()}));
}

void PendingReplay::LookUpOverrides(const std::vector<std::string>& datasets) {
  std::vector<Work> rechecks, waiting;
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (source.placement() != huiliu::v1::PLACEMENT_NODE ||
        std::find(datasets.begin(), datasets.end(), source.dataset()) == datasets.end())
      continue;
    std::string digest = DigestFor(source);
    if (done_[source.id()] == digest) continue;
    rechecks.push_back({source.id(), digest, Replay::kRecheck});
    waiting.push_back({source.id(), std::move(digest), Replay::kOverrides});
  }
  // What is being looked through with these overrides goes on where it stands.
  const bool same = queue_.size() >= waiting.size() &&
                    std::equal(waiting.rbegin(), waiting.rend(), queue_.rbegin());
  if (same && (queue_.empty() || !waiting.empty())) return;
  queue_ = std::move(rechecks);
  queue_.insert(queue_.end(), waiting.begin(), waiting.end());
  token_.clear();
}

void PendingReplay::BeginToFollow() {
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (source.placement() == huiliu::v1::PLACEMENT_NODE && wanted_.contains(source.dataset()))
      following_.push_back({source.id(), "", Replay::kFollow});
  }
  wanted_.clear();
  took_ = absl::ZeroDuration();
}

bool PendingReplay::Due(const std::vector<std::string>& datasets, absl::Time now) {
  // Read first: what changes meanwhile is looked at again.
  const uint64_t version = state_.version();
  if (datasets != seen_datasets_) wanted_.insert(datasets.begin(), datasets.end());
  if (version != seen_version_ || datasets != seen_datasets_) {
    LookUpOverrides(datasets);
    seen_version_ = version;
    seen_datasets_ = datasets;
  }
  if (queue_.empty() && following_.empty() && !wanted_.empty() && now >= rest_until_)
    BeginToFollow();
  return !queue_.empty() || !following_.empty();
}

absl::Status PendingReplay::Page(QuarantineStore& store, Judgement* judgement) {
  const Work& work = Current();
  ASSIGN_OR_RETURN(const KeptRowPage page,
                   store.List(KeptKind::kQuarantined, work.source, kPageRows, token_,
                              work.why == Replay::kRecheck));
  next_token_ = page.next_page_token;
  if (page.rows.empty()) return absl::OkStatus();
  const absl::StatusOr<NodeEngine*> found = judgement->engines.Find(work.source);
  // Who has no rules yet decides nothing, and nothing is wrong with that until something comes.
  if (!found.ok() && work.why == Replay::kFollow) {
    next_token_.clear();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(found.status());
  for (const QuarantinedRow& row : page.rows) {
    if (!row.mapped() || (row.raw().empty() && row.key().empty())) continue;
    bool wanted = !row.redriven() &&
                  (work.why == Replay::kFollow || absl::StartsWith(row.reason(), "delete.") ||
                   absl::StartsWith(row.reason(), "territory."));
    Replay why = work.why;
    if (why == Replay::kRecheck) {
      wanted = !row.territory_override().empty();
      for (absl::string_view id : absl::StrSplit(row.territory_override(), ','))
        if (!(*found)->overrides.contains(id)) why = Replay::kWithdrawn;
    }
    if (wanted) RETURN_IF_ERROR(ReplayRow(row, why, judgement));
  }
  return absl::OkStatus();
}

void PendingReplay::Commit(absl::Time now, absl::Duration took) {
  token_ = next_token_;
  took_ += took;
  if (!token_.empty()) return;
  if (!queue_.empty()) {
    if (queue_[0].why == Replay::kOverrides) done_[queue_[0].source] = queue_[0].digest;
    queue_.erase(queue_.begin());
    return;
  }
  following_.erase(following_.begin());
  if (following_.empty()) rest_until_ = now + std::max(kRest, took_ * kRests);
}

}  // namespace huiliu::pipeline
