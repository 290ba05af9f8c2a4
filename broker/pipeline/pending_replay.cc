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

bool PendingReplay::Due(const std::vector<std::string>& datasets) {
  // Read first: what changes meanwhile is looked at again.
  const uint64_t version = state_.version();
  if (version == seen_version_ && datasets == seen_datasets_) return !queue_.empty();
  const std::vector<Work> before = std::move(queue_);
  queue_.clear();
  for (const huiliu::v1::Source& source : state_.Sources()) {
    if (source.placement() != huiliu::v1::PLACEMENT_NODE ||
        std::find(datasets.begin(), datasets.end(), source.dataset()) == datasets.end())
      continue;
    std::string digest = DigestFor(source);
    if (done_[source.id()] == digest) continue;
    Work work{source.id(), std::move(digest)};
    // One that is being looked through with these overrides goes on where it stands.
    if (!before.empty() && before[0].source == work.source && before[0].digest == work.digest) {
      queue_.insert(queue_.begin(), std::move(work));
    } else {
      queue_.push_back(std::move(work));
    }
  }
  const bool same = !queue_.empty() && !before.empty() && queue_[0].source == before[0].source &&
                    queue_[0].digest == before[0].digest;
  if (!same) token_.clear();
  seen_version_ = version;
  seen_datasets_ = datasets;
  return !queue_.empty();
}

absl::Status PendingReplay::Page(QuarantineStore& store, Judgement* judgement) {
  ASSIGN_OR_RETURN(const KeptRowPage page,
                   store.List(KeptKind::kQuarantined, queue_[0].source, kPageRows, token_, true));
  next_token_ = page.next_page_token;
  if (page.rows.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const NodeEngine* engine, judgement->engines.Find(queue_[0].source));
  for (const QuarantinedRow& row : page.rows) {
    if (!row.mapped() || row.raw().empty()) continue;
    bool withdrawn = false;
    for (absl::string_view id : absl::StrSplit(row.territory_override(), ',', absl::SkipEmpty()))
      withdrawn = withdrawn || !engine->overrides.contains(id);
    const bool waits = !row.redriven() && absl::StartsWith(row.reason(), "territory.");
    if (waits || withdrawn) RETURN_IF_ERROR(ReplayRow(row, withdrawn, judgement));
  }
  return absl::OkStatus();
}

void PendingReplay::Commit() {
  token_ = next_token_;
  if (!token_.empty()) return;
  done_[queue_[0].source] = queue_[0].digest;
  queue_.erase(queue_.begin());
}

}  // namespace huiliu::pipeline
