// Rows that wait and are decided without anybody asking, by territory overrides and by what was
// decided since they came: SourceWorker's part of it.
#include <set>

#include "adapters/agent/override_verbs.h"
#include "adapters/agent/source_worker.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"

namespace huiliu::agent {
namespace {

constexpr int kPageRows = 500;  // decided again in one batch

}  // namespace

absl::Status SourceWorker::LookUpOverrides() {
  huiliu::v1::GetOverridesInForceRequest request;
  request.set_dataset(source_.dataset());
  request.set_receiver(source_.receivers(0));
  request.set_unless_digest(in_force_.digest());
  ASSIGN_OR_RETURN(huiliu::v1::GetOverridesInForceResponse answer,
                   node_->OverridesInForce(request));
  if (!answer.unchanged()) in_force_ = std::move(answer);
  ASSIGN_OR_RETURN(overrides_, OverridesThatRun(config_.state_dir, source_config_.id,
                                                {in_force_.territory_overrides().begin(),
                                                 in_force_.territory_overrides().end()}));
  return absl::OkStatus();
}

// Exactly once whatever crashes: a row that a batch moved is marked with the batch that the node
// took over, and one that was not is found again.
absl::Status SourceWorker::ReplayOverrides(PublishStream& stream) {
  if (maker_ == nullptr) return absl::OkStatus();
  const std::string digest = ToString(rules::DigestOfOverrides(overrides_));
  if (replayed_with_ == digest) return absl::OkStatus();
  std::set<std::string> run;
  for (const huiliu::v1::TerritoryOverride& one : overrides_) run.insert(one.id());
  // First what is taken back: else what waits would count as what holds no more.
  RETURN_IF_ERROR(ReplayKept(stream, Again::kWithdrawn, run));
  if (!run.empty()) RETURN_IF_ERROR(ReplayKept(stream, Again::kOverrides, run));
  if (!stopping_) replayed_with_ = digest;
  return absl::OkStatus();
}

absl::Status SourceWorker::ReplayKept(PublishStream& stream, Again why,
                                      const std::set<std::string>& run) {
  const bool withdrawn = why == Again::kWithdrawn;
  std::string token;
  do {
    // Rows that this pass keeps anew stand behind the page, and stand as they should.
    ASSIGN_OR_RETURN(const KeptRowPage page, kept_->List(KeptKind::kPending, source_config_.id,
                                                         kPageRows, token, withdrawn));
    std::vector<RedriveItem> items;
    std::vector<huiliu::v1::QuarantinedRow> settled;
    for (const huiliu::v1::QuarantinedRow& row : page.rows) {
      if (withdrawn && (row.territory_override().empty() || run.contains(row.territory_override())))
        continue;
      items.push_back({{KeptKind::kPending, row.id()}, {}, {}});
      settled.push_back(row);
      settled.back().clear_territory_override();
    }
    token = page.next_page_token;
    if (items.empty()) continue;
    std::vector<RedriveResult> results;
    RETURN_IF_ERROR(Redrive(stream, items, why, &results));
    if (stopping_) return absl::OkStatus();
    // Acknowledged. What moved was settled with the batch; what did not is looked at once more
    // after a crash before this, and does not move then, either.
    if (withdrawn) RETURN_IF_ERROR(kept_->Put(KeptKind::kPending, settled));
  } while (!token.empty() && !stopping_);
  return absl::OkStatus();
}

absl::Status SourceWorker::FollowDecided(PublishStream& stream) {
  // While much comes, that goes first.
  const absl::Time began = absl::Now();
  if (maker_ == nullptr || !in_flight_.empty() || !follow_.Due(began)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const KeptRowPage page, kept_->List(follow_.kind(), source_config_.id, kPageRows,
                                                       follow_.token(), false));
  std::vector<RedriveItem> items;
  for (const huiliu::v1::QuarantinedRow& row : page.rows)
    items.push_back({{follow_.kind(), row.id()}, {}, {}});
  std::vector<RedriveResult> results;
  if (!items.empty()) RETURN_IF_ERROR(Redrive(stream, items, Again::kFollow, &results));
  const absl::Time now = absl::Now();
  follow_.Advance(page.next_page_token, now - began, now);
  return absl::OkStatus();
}

}  // namespace huiliu::agent
