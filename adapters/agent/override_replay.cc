// Territory overrides at the edge: SourceWorker's part of it.
#include <set>

#include "absl/strings/match.h"
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
  std::string token;
  do {
    // Rows that this pass keeps anew stand behind the page, and stand as they should.
    ASSIGN_OR_RETURN(const KeptRowPage page,
                     kept_->List(KeptKind::kPending, source_config_.id, kPageRows, token, true));
    std::vector<RedriveItem> waiting, withdrawn;
    std::vector<huiliu::v1::QuarantinedRow> settled;
    for (const huiliu::v1::QuarantinedRow& row : page.rows) {
      RedriveItem item{{KeptKind::kPending, row.id()}, {}, {}};
      if (!row.redriven()) {
        if (!run.empty() && absl::StartsWith(row.reason(), "territory.")) waiting.push_back(item);
      } else if (!row.territory_override().empty() && !run.contains(row.territory_override())) {
        withdrawn.push_back(item);
        settled.push_back(row);
        settled.back().clear_territory_override();
      }
    }
    std::vector<RedriveResult> results;
    if (!waiting.empty()) RETURN_IF_ERROR(Redrive(stream, waiting, Again::kOverrides, &results));
    if (!withdrawn.empty()) {
      RETURN_IF_ERROR(Redrive(stream, withdrawn, Again::kWithdrawn, &results));
      if (stopping_) return absl::OkStatus();
      // Acknowledged: what still is decided by hand was kept anew. A crash before this looks at
      // them once more, and finds them as they should be.
      RETURN_IF_ERROR(kept_->Put(KeptKind::kPending, settled));
    }
    token = page.next_page_token;
  } while (!token.empty() && !stopping_);
  if (!stopping_) replayed_with_ = digest;
  return absl::OkStatus();
}

}  // namespace huiliu::agent
