// Rows that wait and are decided without anybody asking, by territory overrides and by what was
// decided since they came: SourceWorker's part of it.
#include <set>

#include "absl/strings/str_cat.h"
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
  // First what was decided by them: else what waits would count as what holds no more.
  RETURN_IF_ERROR(RecheckKept(stream, run));
  if (!run.empty()) RETURN_IF_ERROR(ReplayWaiting(stream));
  if (!stopping_) replayed_with_ = digest;
  return absl::OkStatus();
}

absl::Status SourceWorker::RecheckKept(PublishStream& stream, const std::set<std::string>& run) {
  std::string token;
  do {
    // Rows that this pass keeps anew stand behind the page, and stand as they should.
    ASSIGN_OR_RETURN(const KeptRowPage page,
                     kept_->List(KeptKind::kPending, source_config_.id, kPageRows, token, true));
    std::vector<RedriveItem> held, withdrawn;
    std::vector<huiliu::v1::QuarantinedRow> settled;
    for (const huiliu::v1::QuarantinedRow& row : page.rows) {
      if (row.territory_override().empty()) continue;
      const bool holds = run.contains(row.territory_override());
      (holds ? held : withdrawn).push_back({{KeptKind::kPending, row.id()}, {}, {}});
      if (!holds) settled.emplace_back(row).clear_territory_override();
    }
    std::vector<RedriveResult> results;
    if (!held.empty()) RETURN_IF_ERROR(Redrive(stream, held, Again::kRecheck, &results));
    if (!withdrawn.empty()) {
      results.clear();
      RETURN_IF_ERROR(Redrive(stream, withdrawn, Again::kWithdrawn, &results));
      if (stopping_) return absl::OkStatus();
      RETURN_IF_ERROR(Settle(results, std::move(settled)));
    }
    token = page.next_page_token;
  } while (!token.empty() && !stopping_);
  return absl::OkStatus();
}

// Acknowledged. What moved was settled with the batch; what did not is looked at once more after a
// crash before this, and does not move then, either. What the mapping of now cannot read stays
// marked, to be taken back by one that can.
absl::Status SourceWorker::Settle(absl::Span<const RedriveResult> results,
                                  std::vector<huiliu::v1::QuarantinedRow> rows) {
  std::set<std::string> unread;
  for (const RedriveResult& result : results) {
    if (result.outcome == huiliu::v1::OUTCOME_UNSPECIFIED ||
        (result.outcome == huiliu::v1::OUTCOME_QUARANTINED && !result.error.empty()))
      unread.insert(result.row.id);
  }
  std::erase_if(rows, [&](const auto& row) { return unread.contains(row.id()); });
  if (!unread.empty()) {
    status_.AddNotice(absl::StrCat(
        "认领决定已撤回，但有 ", unread.size(),
        " 行按现映射读不出，仍在下级：请恢复能读出这些列的映射并重启本数据源 / an override was "
        "withdrawn, but this mapping cannot read ",
        unread.size(),
        " rows that it decided, and they stay returned: restore a mapping that reads their columns "
        "and start the source again"));
  }
  return kept_->Put(KeptKind::kPending, rows);
}

absl::Status SourceWorker::ReplayWaiting(PublishStream& stream) {
  std::string token;
  do {
    ASSIGN_OR_RETURN(const KeptRowPage page,
                     kept_->List(KeptKind::kPending, source_config_.id, kPageRows, token, false));
    std::vector<RedriveItem> waiting;
    for (const huiliu::v1::QuarantinedRow& row : page.rows)
      waiting.push_back({{KeptKind::kPending, row.id()}, {}, {}});
    std::vector<RedriveResult> results;
    if (!waiting.empty()) RETURN_IF_ERROR(Redrive(stream, waiting, Again::kOverrides, &results));
    token = page.next_page_token;
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
