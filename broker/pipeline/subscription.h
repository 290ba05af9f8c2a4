// Delivery (推送): one subscription: a snapshot of the catalog, then every change from the log,
// through the gate.
#ifndef HUILIU_BROKER_PIPELINE_SUBSCRIPTION_H_
#define HUILIU_BROKER_PIPELINE_SUBSCRIPTION_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "broker/backbone/backbone.h"
#include "broker/pipeline/delivered_keys.h"
#include "broker/pipeline/followed_cursor.h"
#include "broker/pipeline/gate.h"
#include "broker/pipeline/topics.h"
#include "core/base/token_seal.h"
#include "huiliu/v1/control.pb.h"
#include "huiliu/v1/delivery.pb.h"

namespace huiliu::pipeline {

// Seals cursors for who holds them, through which grant; stores and finds them by name.
class Cursors {
 public:
  Cursors(Backbone& backbone, BackboneWriter& writer, const TokenSeal& seal)
      : backbone_(backbone), writer_(writer), seal_(seal) {}
  std::string Seal(const Admission& admission, const huiliu::v1::DeliveryCursor& cursor) const;
  // OUT_OF_RANGE where it was given to another organisation or through a grant that showed other
  // rows or fields: what it stands behind must be delivered anew.
  absl::StatusOr<huiliu::v1::DeliveryCursor> Open(const Admission& admission,
                                                  absl::string_view cursor) const;
  // Empty: none stored.
  absl::StatusOr<std::string> Find(absl::string_view organisation, absl::string_view subscription);
  absl::Status Commit(const Admission& admission, absl::string_view subscription,
                      const std::string& cursor);

 private:
  Backbone& backbone_;
  BackboneWriter& writer_;
  const TokenSeal& seal_;
};

// Legal calls: Next*. One thread.
class Subscription {
 public:
  struct Parts {
    Gate& gate;
    Backbone& backbone;
    Cursors& cursors;
    const DeliveredKeys& delivered;
    Clock& clock;
    absl::Duration tombstone_retention;  // of returned.*
  };

  // PERMISSION_DENIED as the gate says; INVALID_ARGUMENT where the cursor is of another
  // subscription; OUT_OF_RANGE where the subscriber must take a snapshot anew.
  static absl::StatusOr<std::unique_ptr<Subscription>> Open(
      const Parts& parts, const governance::Principal& caller,
      const huiliu::v1::SubscribeRequest& request, huiliu::v1::RowFormat format);

  // The next message, in lineage already; false: nothing new within `timeout`. Now and then one
  // that has a cursor and no rows, of a log in which nothing happens. PERMISSION_DENIED when the
  // grant has ended, OUT_OF_RANGE as of Open where the stream stood still for too long.
  absl::StatusOr<bool> Next(absl::Duration timeout, huiliu::v1::SubscribeResponse* response);
  // Whether the snapshot is complete and nothing more was there at the last Next.
  bool caught_up() const { return caught_up_; }
  // Whether the last Next brought nothing because the receiver's quota is used up.
  bool paced() const { return paced_; }

 private:
  Subscription(const Parts& parts, Admission admission, int max_rows, huiliu::v1::RowFormat format)
      : gate_(parts.gate),
        backbone_(parts.backbone),
        cursors_(parts.cursors),
        delivered_(parts.delivered),
        admission_(std::move(admission)),
        max_rows_(max_rows),
        filtered_(!admission_.plan->grant().row_filter().empty()),
        format_(format),
        followed_(parts.backbone, parts.clock, parts.tombstone_retention, cursor_) {}

  absl::Status Start(const huiliu::v1::SubscribeRequest& request, const std::string& cursor);
  absl::Status StartAtSnapshot();
  absl::Status StartAtOffsets(const huiliu::v1::StartOffsets& start);
  absl::Status OpenReader();
  absl::StatusOr<bool> NextOfSnapshot(huiliu::v1::SubscribeResponse* response,
                                      std::vector<std::string>* keys);
  absl::StatusOr<bool> NextOfChanges(absl::Duration timeout,
                                     huiliu::v1::SubscribeResponse* response,
                                     std::vector<std::string>* keys);
  absl::Status AddChange(absl::string_view key, absl::string_view envelope,
                         absl::string_view payload, bool tombstone,
                         huiliu::v1::SubscribeResponse* response, std::vector<std::string>* keys);

  // Of rows in one message: it ends behind the row that reaches it.
  size_t MaxBytes() const;
  // Whether the reader may learn that this row is gone: with a row filter, only of rows that it was
  // once shown.
  absl::StatusOr<bool> MayForget(absl::string_view key);

  Gate& gate_;
  Backbone& backbone_;
  const Cursors& cursors_;
  const DeliveredKeys& delivered_;
  const Admission admission_;
  std::optional<access::Quotas::Place> place_;
  const int max_rows_;
  const bool filtered_;  // the grant has a row filter
  const huiliu::v1::RowFormat format_;
  huiliu::v1::DeliveryCursor cursor_;
  FollowedCursor followed_;
  std::unique_ptr<CatalogSnapshot> snapshot_;
  std::unique_ptr<BackboneReader> reader_;
  std::vector<StoredBatch> pending_;  // read, not yet sent; the front one may be sent in part
  int pending_record_ = 0;
  bool caught_up_ = false;
  bool paced_ = false;
  // Rows of the message that is being filled: they are not in lineage yet.
  absl::flat_hash_set<std::string> in_message_;
  bool settled_ = false;  // nothing has left since the last delivered_.Settle()
};

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_SUBSCRIPTION_H_
