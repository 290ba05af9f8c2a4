// How the worker decides kept rows again: SourceWorker's part of it.
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/agent/source_worker.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

constexpr absl::Duration kLookEvery = absl::Milliseconds(500);

// Whether a kept row came with this batch.
bool IsOf(const std::string& id, const huiliu::v1::Batch& batch) {
  const auto parsed = ParseKeptRowId(id);
  return parsed.ok() && parsed->epoch == batch.epoch() && parsed->sequence == batch.sequence();
}

}  // namespace

// A kept row that a re-read has decided meanwhile must not move its count a second time, and one
// that its source has replaced must not come back over what replaced it.
absl::Status SourceWorker::StageReleased(const MadeBatch& made) {
  std::vector<KeptRowRef> moving = made.redriven;
  for (const KeptKind kind : {KeptKind::kPending, KeptKind::kQuarantined})
    RETURN_IF_ERROR(AddReleased(made, kind, &moving));
  RETURN_IF_ERROR(AddSuperseded(made, &moving));
  if (moving.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(kept_->StageRedriven(source_config_.id, made.batch.sequence(), moving));
  moving_.push_back(made.batch.sequence());
  return absl::OkStatus();
}

absl::Status SourceWorker::AddReleased(const MadeBatch& made, KeptKind kind,
                                       std::vector<KeptRowRef>* refs) {
  std::vector<std::string> ids;
  for (const MadeBatch::Released& released : made.released) {
    if (released.kind == kind) ids.push_back(released.row_id);
  }
  std::map<std::string, std::vector<huiliu::v1::QuarantinedRow>> kept;
  if (ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::vector<huiliu::v1::QuarantinedRow> rows,
                   kept_->OfRowIds(kind, source_config_.id, ids));
  for (huiliu::v1::QuarantinedRow& row : rows) {
    // What this very batch keeps is another version's.
    if (!IsOf(row.id(), made.batch)) kept[row.row_id()].push_back(std::move(row));
  }
  for (const MadeBatch::Released& released : made.released) {
    if (released.kind != kind) continue;
    // One count moves: of several versions that are kept the one whose it is.
    const huiliu::v1::QuarantinedRow* settled = nullptr;
    for (const huiliu::v1::QuarantinedRow& row : kept[released.row_id]) {
      if (row.redriven() != released.by_hand) continue;
      if (kind == KeptKind::kQuarantined && released.raw != row.raw()) continue;
      if (settled == nullptr || row.day() == released.day) settled = &row;
    }
    if (settled != nullptr) refs->push_back({kind, settled->id()});
  }
  return absl::OkStatus();
}

absl::Status SourceWorker::AddSuperseded(const MadeBatch& made, std::vector<KeptRowRef>* refs) {
  const std::set<std::string> ids(made.superseded.begin(), made.superseded.end());
  std::set<std::string> now;
  for (const huiliu::v1::QuarantinedRow& row : made.quarantined) now.insert(row.id());
  ASSIGN_OR_RETURN(const std::vector<huiliu::v1::QuarantinedRow> rows,
                   kept_->OfRowIds(KeptKind::kQuarantined, source_config_.id,
                                   std::vector<std::string>(ids.begin(), ids.end())));
  for (const huiliu::v1::QuarantinedRow& row : rows) {
    if (!now.contains(row.id())) refs->push_back({KeptKind::kQuarantined, row.id()});
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SourceWorker::IsLaterKept(const huiliu::v1::QuarantinedRow& row) {
  ASSIGN_OR_RETURN(const KeptRowId is, ParseKeptRowId(row.id()));
  const auto came = [](const KeptRowId& id) {
    return std::make_tuple(id.epoch, id.sequence, id.index);
  };
  for (const KeptKind kind : {KeptKind::kPending, KeptKind::kQuarantined}) {
    ASSIGN_OR_RETURN(const std::vector<huiliu::v1::QuarantinedRow> others,
                     kept_->OfRowIds(kind, source_config_.id, {row.row_id()}));
    for (const huiliu::v1::QuarantinedRow& other : others) {
      ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(other.id()));
      if (came(id) > came(is)) return true;
    }
  }
  return false;
}

absl::Status SourceWorker::Redrive(PublishStream& stream, const std::vector<RedriveItem>& items,
                                   Again why, std::vector<RedriveResult>* results) {
  if (maker_ == nullptr) {
    for (const RedriveItem& item : items)
      results->push_back(
          {item.row, huiliu::v1::OUTCOME_UNSPECIFIED,
           "此数据源在节点判定，请用 / decided at the node, use: huiliu quarantine"});
    return absl::OkStatus();
  }
  // Nothing of an earlier request is still on its way: a row's count moves once.
  RETURN_IF_ERROR(TakeAcks(stream, true));
  std::map<std::string, std::vector<KeptRows::Row>> by_header;
  for (const RedriveItem& item : items) {
    auto kept = kept_->Get(item.row.kind, item.row.id);
    if (kept.ok() && kept->redriven() && why != Again::kWithdrawn && why != Again::kRecheck)
      kept = absl::AlreadyExistsError("已重新判定 / it was decided again already");
    absl::StatusOr<huiliu::v1::QuarantinedRow> corrected = kept;
    if (kept.ok()) corrected = Correct(*kept, item);
    if (!corrected.ok()) {
      results->push_back(
          {item.row, huiliu::v1::OUTCOME_UNSPECIFIED, std::string(corrected.status().message())});
      continue;
    }
    bool later_kept = false;
    if (why != Again::kFollow) {
      ASSIGN_OR_RETURN(later_kept, IsLaterKept(*kept));
    }
    by_header[absl::StrJoin(corrected->columns(), "\x1f")].push_back(
        {item.row, *std::move(corrected), *std::move(kept),
         !item.cells.empty() || !item.nulls.empty(), later_kept});
  }
  for (auto& [header, rows] : by_header) {
    const KeptRows again(std::move(rows));
    bound_header_.clear();
    const absl::Status bound =
        mapping_->BindHeader({again.rows().columns, again.rows().column_count});
    if (!bound.ok()) {
      for (size_t i = 0; i < again.size(); ++i)
        results->push_back(
            {again.row(i).ref, huiliu::v1::OUTCOME_UNSPECIFIED, std::string(bound.message())});
      continue;
    }
    ASSIGN_OR_RETURN(MadeBatch made,
                     maker_->MakeAgain(again, epoch_, sequence_ + 1, position_, why, results));
    if (made.empty()) continue;
    RETURN_IF_ERROR(Send(stream, std::move(made)));
    RETURN_IF_ERROR(TakeAcks(stream, true));
  }
  return absl::OkStatus();
}

absl::Status SourceWorker::TakeRequests(PublishStream& stream) {
  if (absl::Now() - spool_looked_ < kLookEvery) return absl::OkStatus();
  spool_looked_ = absl::Now();
  RedriveSpool spool(SpoolFolderOf(config_, source_config_.id));
  while (!stopping_) {
    ASSIGN_OR_RETURN(const std::optional<RedriveRequest> request, spool.Next());
    if (!request.has_value()) return absl::OkStatus();
    std::vector<RedriveResult> results;
    // A connection that breaks in the middle leaves the request: asked again, rows that moved say
    // so.
    const absl::Status status = Redrive(stream, request->items, Again::kAsked, &results);
    if (status.code() == absl::StatusCode::kFailedPrecondition ||
        status.code() == absl::StatusCode::kInvalidArgument) {
      RETURN_IF_ERROR(spool.Answer(request->name, status, results));
      return status;
    }
    RETURN_IF_ERROR(status);
    RETURN_IF_ERROR(spool.Answer(request->name, absl::OkStatus(), results));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::agent
