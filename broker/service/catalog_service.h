// Catalog and Delivery: reads through the gate.
#ifndef HUILIU_BROKER_SERVICE_CATALOG_SERVICE_H_
#define HUILIU_BROKER_SERVICE_CATALOG_SERVICE_H_

#include <atomic>

#include "broker/pipeline/reads.h"
#include "broker/pipeline/subscription.h"
#include "broker/service/call_context.h"
#include "broker/service/method_table.h"
#include "broker/service/slots.h"
#include "huiliu/v1/catalog.pb.h"
#include "huiliu/v1/delivery.pb.h"

namespace huiliu::service {

// Thread-safe. Get, MultiGet and Query answer through `done`, maybe on another thread.
class CatalogService {
 public:
  using Done = pipeline::Reads::Done;
  CatalogService(const governance::State& state, pipeline::Reads& reads,
                 const pipeline::Catalogs& catalogs)
      : state_(state), reads_(reads), catalogs_(catalogs) {}

  void Get(const CallContext& context, const huiliu::v1::GetRequest& request,
           huiliu::v1::GetResponse* response, Done done);
  void MultiGet(const CallContext& context, const huiliu::v1::MultiGetRequest& request,
                huiliu::v1::MultiGetResponse* response, Done done);
  void Query(const CallContext& context, const huiliu::v1::QueryRequest& request,
             huiliu::v1::QueryResponse* response, Done done);
  absl::Status Stats(const CallContext& context, const huiliu::v1::StatsRequest& request,
                     huiliu::v1::StatsResponse* response);

  // The same, waiting.
  absl::Status GetAndWait(const CallContext& context, const huiliu::v1::GetRequest& request,
                          huiliu::v1::GetResponse* response);
  absl::Status MultiGetAndWait(const CallContext& context,
                               const huiliu::v1::MultiGetRequest& request,
                               huiliu::v1::MultiGetResponse* response);
  absl::Status QueryAndWait(const CallContext& context, const huiliu::v1::QueryRequest& request,
                            huiliu::v1::QueryResponse* response);

 private:
  const governance::State& state_;
  pipeline::Reads& reads_;
  const pipeline::Catalogs& catalogs_;
};

// Thread-safe.
class DeliveryService {
 public:
  // Open at once, each with a thread of its own.
  static constexpr int kMaxSubscriptions = 256;
  static constexpr int kMaxSubscriptionsOfOne = 64;  // of one organisation

  explicit DeliveryService(const pipeline::Subscription::Parts& parts) : parts_(parts) {}

  // Streams until the reader goes, the grant ends, `follow` is false and all is sent, or Stop.
  // Blocks.
  absl::Status Subscribe(const CallContext& context, const huiliu::v1::SubscribeRequest& request,
                         const StreamSink& sink);
  absl::Status CommitCursor(const CallContext& context,
                            const huiliu::v1::CommitCursorRequest& request,
                            huiliu::v1::CommitCursorResponse* response);
  // Ends all streams.
  void Stop() { stopping_ = true; }

 private:
  const pipeline::Subscription::Parts parts_;
  Slots slots_{kMaxSubscriptions, kMaxSubscriptionsOfOne};
  std::atomic<bool> stopping_ = false;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_CATALOG_SERVICE_H_
