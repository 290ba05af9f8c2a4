#include "broker/service/catalog_service.h"

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "broker/service/tenancy.h"
#include "core/base/status.h"

namespace huiliu::service {
namespace {

using huiliu::v1::RowFormat;

RowFormat FormatOf(const CallContext& context, RowFormat asked) {
  if (asked != huiliu::v1::ROW_FORMAT_UNSPECIFIED) return asked;
  return context.json ? huiliu::v1::ROW_FORMAT_JSON : huiliu::v1::ROW_FORMAT_PROTO;
}

template <typename Start>
absl::Status Wait(const Start& start) {
  absl::Notification ended;
  absl::Status result;
  start([&](const absl::Status& status) {
    result = status;
    ended.Notify();
  });
  ended.WaitForNotification();
  return result;
}

}  // namespace

void CatalogService::Get(const CallContext& context, const huiliu::v1::GetRequest& request,
                         huiliu::v1::GetResponse* response, Done done) {
  auto caller = RequireCaller(context);
  if (!caller.ok()) return done(caller.status());
  reads_.Get(*caller, request, FormatOf(context, request.format()), response, std::move(done));
}

void CatalogService::MultiGet(const CallContext& context,
                              const huiliu::v1::MultiGetRequest& request,
                              huiliu::v1::MultiGetResponse* response, Done done) {
  auto caller = RequireCaller(context);
  if (!caller.ok()) return done(caller.status());
  reads_.MultiGet(*caller, request, FormatOf(context, request.format()), response, std::move(done));
}

void CatalogService::Query(const CallContext& context, const huiliu::v1::QueryRequest& request,
                           huiliu::v1::QueryResponse* response, Done done) {
  auto caller = RequireCaller(context);
  if (!caller.ok()) return done(caller.status());
  reads_.Query(*caller, request, FormatOf(context, request.format()), response, std::move(done));
}

absl::Status CatalogService::GetAndWait(const CallContext& context,
                                        const huiliu::v1::GetRequest& request,
                                        huiliu::v1::GetResponse* response) {
  return Wait([&](Done done) { Get(context, request, response, std::move(done)); });
}

absl::Status CatalogService::MultiGetAndWait(const CallContext& context,
                                             const huiliu::v1::MultiGetRequest& request,
                                             huiliu::v1::MultiGetResponse* response) {
  return Wait([&](Done done) { MultiGet(context, request, response, std::move(done)); });
}

absl::Status CatalogService::QueryAndWait(const CallContext& context,
                                          const huiliu::v1::QueryRequest& request,
                                          huiliu::v1::QueryResponse* response) {
  return Wait([&](Done done) { Query(context, request, response, std::move(done)); });
}

absl::Status CatalogService::Stats(const CallContext& context,
                                   const huiliu::v1::StatsRequest& request,
                                   huiliu::v1::StatsResponse* response) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireReceiver(state_, caller, request.receiver()));
  const std::shared_ptr<Catalog> catalog = catalogs_.Find(request.receiver());
  if (catalog == nullptr)
    return absl::NotFoundError(
        absl::StrCat("本节点没有该接收方的回流库 / this node holds no catalog of receiver \"",
                     request.receiver(), "\""));
  for (const huiliu::v1::Dataset& dataset : state_.Datasets()) {
    ASSIGN_OR_RETURN(const int64_t rows, catalog->Rows(DatasetId(dataset.id())));
    auto* line = response->add_datasets();
    line->set_dataset(dataset.id());
    line->set_title(dataset.title());
    line->set_rows(rows);
  }
  return absl::OkStatus();
}

absl::Status DeliveryService::Subscribe(const CallContext& context,
                                        const huiliu::v1::SubscribeRequest& request,
                                        const StreamSink& sink) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(slots_.Take(caller.organisation));
  const auto close = absl::MakeCleanup([&] { slots_.Release(caller.organisation); });
  ASSIGN_OR_RETURN(
      const std::unique_ptr<pipeline::Subscription> subscription,
      pipeline::Subscription::Open(parts_, caller, request, FormatOf(context, request.format())));
  huiliu::v1::SubscribeResponse response;
  while (!stopping_) {
    ASSIGN_OR_RETURN(const bool something, subscription->Next(absl::Milliseconds(250), &response));
    if (something) {
      if (!sink(response)) return absl::OkStatus();
    } else if ((!request.follow() && !subscription->paced()) || (context.gone && context.gone())) {
      return absl::OkStatus();
    }
  }
  return absl::UnavailableError(
      "节点正在停止，请从最后的游标继续 / the node is stopping; resume from the last cursor");
}

absl::Status DeliveryService::CommitCursor(const CallContext& context,
                                           const huiliu::v1::CommitCursorRequest& request,
                                           huiliu::v1::CommitCursorResponse*) {
  ASSIGN_OR_RETURN(const governance::Principal caller, RequireCaller(context));
  RETURN_IF_ERROR(RequireAnyRole(caller, {huiliu::v1::ROLE_CONSUMER}, context.method));
  if (request.subscription().empty())
    return absl::InvalidArgumentError("订阅须有名称 / subscription: a name is required");
  ASSIGN_OR_RETURN(const pipeline::Admission admission,
                   parts_.gate.Admit(caller, request.context(), "Delivery.CommitCursor"));
  return parts_.cursors.Commit(admission, request.subscription(), request.cursor());
}

}  // namespace huiliu::service
