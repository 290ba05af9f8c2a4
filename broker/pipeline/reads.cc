#include "broker/pipeline/reads.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/pipeline/query_plan.h"
#include "broker/pipeline/rows.h"
#include "broker/pipeline/set_aside.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;

// A page token belongs to its query, to who asked it, and to the index that it is a place in.
std::string TokenContext(const Admission& admission, const huiliu::v1::QueryRequest& request,
                         const std::optional<IndexCondition>& condition) {
  std::string index = "rows";
  if (condition.has_value()) {
    index = absl::StrCat(condition->field, condition->lies_in == nullptr ? "" : " in");
    for (const std::string& value : condition->equals) absl::StrAppend(&index, "=", value);
  }
  return absl::StrCat("page\n", index, "\n", admission.reader.organisation, "\n",
                      admission.reader.receiver, "\n", admission.reader.dataset, "\n",
                      admission.reader.purpose, "\n", request.filter());
}

absl::StatusOr<std::string> PlaceOf(const TokenSeal& seal, const std::string& context,
                                    const std::string& page_token) {
  if (page_token.empty()) return std::string();
  std::string token;
  if (absl::WebSafeBase64Unescape(page_token, &token)) {
    auto place = seal.Open(context, token);
    if (place.ok()) return place;
  }
  return absl::InvalidArgumentError(
      "page_token 不属于这个查询，请不带它重新查询 / page_token belongs to another query; begin "
      "again "
      "without it");
}

// A filter that fails is no answer "nothing matches": the reader is told, of rows that he may see.
void CountNotEvaluated(const access::AccessPlan& plan, const cel::Predicate& filter,
                       const CatalogRow& row, huiliu::v1::QueryResponse* response) {
  if (!plan.AllowsRow(row.payload, row.envelope)) return;
  if (response->not_evaluated() == 0)
    response->set_not_evaluated_reason(plan.WhyNotJudged(filter, row.payload, row.envelope));
  response->set_not_evaluated(response->not_evaluated() + 1);
}

// Older versions took rows in that none of ours wrote: they have no envelope, or cannot be read.
bool IsForeign(const access::AccessPlan& plan, const CatalogRow& row) {
  return !WhyNotReturned(plan.contract(),
                         RecordView{row.key, row.envelope, row.payload, /*tombstone=*/false})
              .empty();
}

void PassOver(huiliu::v1::QueryResponse* response) {
  if (response->not_evaluated() == 0) {
    response->set_not_evaluated_reason(
        "并非本系统写入，无法读取：停节点、删除 data_dir/catalog "
        "下该接收方的目录、再启动，目录即从主题重建 / "
        "not written by any of ours, and cannot be read: stop the node, remove the receiver's "
        "folder "
        "under data_dir/catalog and start it, which rebuilds the catalog from its topics");
  }
  response->set_not_evaluated(response->not_evaluated() + 1);
}

absl::Status NotThere() {
  return absl::NotFoundError("没有这一行，或授权不允许查看 / no such row, or the grant hides it");
}

}  // namespace

void Reads::Get(const governance::Principal& caller, const huiliu::v1::GetRequest& request,
                huiliu::v1::RowFormat format, huiliu::v1::GetResponse* response, Done done) {
  auto admission = gate_.Admit(caller, request.context(), "Catalog.Get");
  if (!admission.ok()) return done(admission.status());
  std::vector<std::string> keys;
  const absl::Status found = [&]() -> absl::Status {
    RETURN_IF_ERROR(admission->plan->CheckKeyUse());
    ASSIGN_OR_RETURN(std::string key,
                     gate_.KeyOf(request.context(), admission->plan->contract(), request.key()));
    ASSIGN_OR_RETURN(const std::optional<CatalogRow> row,
                     admission->catalog->Get(admission->plan->contract().id(), key));
    if (!row.has_value()) return NotThere();
    ASSIGN_OR_RETURN(const bool visible,
                     ShowRow(*admission->plan, *row, format, response->mutable_row()));
    if (!visible) return NotThere();
    keys.push_back(std::move(key));
    return absl::OkStatus();
  }();
  gate_.Record(*admission, huiliu::v1::STEP_READ, keys,
               [response, found, done](const absl::Status& recorded) {
                 if (!recorded.ok() || !found.ok()) response->Clear();
                 done(recorded.ok() ? found : recorded);
               });
}

void Reads::MultiGet(const governance::Principal& caller,
                     const huiliu::v1::MultiGetRequest& request, huiliu::v1::RowFormat format,
                     huiliu::v1::MultiGetResponse* response, Done done) {
  auto admission = gate_.Admit(caller, request.context(), "Catalog.MultiGet");
  if (!admission.ok()) return done(admission.status());
  std::vector<std::string> seen;
  const absl::Status found = [&]() -> absl::Status {
    RETURN_IF_ERROR(admission->plan->CheckKeyUse());
    if (request.keys_size() > kMaxKeys) {
      return absl::InvalidArgumentError(absl::StrCat("一次最多查 ", kMaxKeys, " 个主键 / ",
                                                     request.keys_size(), " keys; at most ",
                                                     kMaxKeys, " a call"));
    }
    std::vector<std::string> keys;
    for (const huiliu::v1::RowKey& key : request.keys()) {
      ASSIGN_OR_RETURN(keys.emplace_back(),
                       gate_.KeyOf(request.context(), admission->plan->contract(), key));
    }
    ASSIGN_OR_RETURN(const auto rows,
                     admission->catalog->MultiGet(admission->plan->contract().id(), keys));
    for (size_t i = 0; i < rows.size(); ++i) {
      auto* result = response->add_results();
      if (!rows[i].has_value()) continue;
      ASSIGN_OR_RETURN(const bool visible,
                       ShowRow(*admission->plan, *rows[i], format, result->mutable_row()));
      result->set_found(visible);
      if (visible) {
        seen.push_back(keys[i]);
      } else {
        result->clear_row();
      }
    }
    return absl::OkStatus();
  }();
  gate_.Record(*admission, huiliu::v1::STEP_READ, seen,
               [response, found, done](const absl::Status& recorded) {
                 if (!recorded.ok() || !found.ok()) response->Clear();
                 done(recorded.ok() ? found : recorded);
               });
}

absl::Status Reads::FillPage(const Admission& admission, const huiliu::v1::QueryRequest& request,
                             int page_size, huiliu::v1::RowFormat format,
                             huiliu::v1::QueryResponse* response,
                             std::vector<std::string>* keys) const {
  const access::AccessPlan& plan = *admission.plan;
  ASSIGN_OR_RETURN(const auto filter, plan.CompileFilter(request.filter(), environment_));
  ScanRequest scan;
  if (filter != nullptr) scan.condition = ChooseIndex(*filter, plan.contract(), environment_);
  // A county's grant walks the county's rows. By nothing else of the grant's own filter: the plan
  // is told to the reader.
  if (!scan.condition.has_value() && plan.row_filter() != nullptr)
    scan.condition = ChooseDivision(*plan.row_filter(), environment_);
  const std::string context = TokenContext(admission, request, scan.condition);
  ASSIGN_OR_RETURN(scan.after, PlaceOf(seal_, context, request.page_token()));
  ASSIGN_OR_RETURN(const std::unique_ptr<CatalogSnapshot> snapshot, admission.catalog->Snapshot());
  int visited = 0;
  size_t bytes = 0;
  while (true) {
    // Never more than the page has room for: the token is the place of the last row looked at.
    scan.max_rows = static_cast<size_t>(page_size - response->rows_size());
    ASSIGN_OR_RETURN(const ScanResult result, snapshot->Scan(plan.contract().id(), scan));
    response->set_plan(result.plan);
    for (const CatalogRow& row : result.rows) {
      ++visited;
      if (row.envelope.empty()) {
        PassOver(response);
        continue;
      }
      if (filter != nullptr) {
        const cel::Truth truth = plan.Judge(*filter, row.payload, row.envelope);
        if (truth == cel::Truth::kError) CountNotEvaluated(plan, *filter, row, response);
        if (truth != cel::Truth::kTrue) continue;
      }
      huiliu::v1::Row* shown = response->add_rows();
      const absl::StatusOr<bool> visible = ShowRow(plan, row, format, shown);
      if (absl::IsDataLoss(visible.status()) && IsForeign(plan, row)) {
        response->mutable_rows()->RemoveLast();
        PassOver(response);
        continue;
      }
      RETURN_IF_ERROR(visible.status());
      if (*visible) {
        keys->push_back(row.key);
        bytes += shown->ByteSizeLong();
      } else {
        response->mutable_rows()->RemoveLast();
      }
    }
    if (result.next.empty()) return absl::OkStatus();
    scan.after = result.next;
    if (response->rows_size() >= page_size || visited >= kMaxVisited || bytes >= kMaxScanBytes) {
      response->set_next_page_token(absl::WebSafeBase64Escape(seal_.Seal(context, result.next)));
      return absl::OkStatus();
    }
  }
}

void Reads::Query(const governance::Principal& caller, const huiliu::v1::QueryRequest& request,
                  huiliu::v1::RowFormat format, huiliu::v1::QueryResponse* response, Done done) {
  auto admission = gate_.Admit(caller, request.context(), "Catalog.Query");
  if (!admission.ok()) return done(admission.status());
  const int page_size = request.page_size() == 0 ? kDefaultPage : request.page_size();
  if (page_size < 1 || page_size > kMaxPage) {
    return done(absl::InvalidArgumentError(absl::StrCat("每页行数须在 1 至 ", kMaxPage,
                                                        " 之间 / page_size ", page_size,
                                                        " is not between 1 and ", kMaxPage)));
  }
  std::vector<std::string> keys;
  const absl::Status filled = FillPage(*admission, request, page_size, format, response, &keys);
  gate_.Record(*admission, huiliu::v1::STEP_READ, keys,
               [response, filled, done](const absl::Status& recorded) {
                 if (!recorded.ok() || !filled.ok()) response->Clear();
                 done(recorded.ok() ? filled : recorded);
               });
}

}  // namespace huiliu::pipeline
