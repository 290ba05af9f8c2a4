#include "broker/pipeline/subscription.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/pipeline/rows.h"
#include "broker/pipeline/set_aside.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr int kDefaultRows = 1000;
constexpr int kMaxRows = 10000;
// As JSON a row of small fields is several times as large.
constexpr size_t kMaxJsonBytes = kMaxScanBytes / 4;

// Whether the reader sees every field as it came.
bool ShowsAll(const access::AccessPlan& plan) {
  const auto fields = plan.contract().fields();
  return std::all_of(fields.begin(), fields.end(), [&](const schema::Field& field) {
    return plan.visibility(field) == access::Visibility::kClear;
  });
}

// A row that the grant hides now is withdrawn by the grant, whatever became of the record.
std::string ShownReason(const huiliu::v1::Envelope& envelope, bool tombstone) {
  const bool hidden = tombstone && envelope.operation() != huiliu::v1::OPERATION_DELETE;
  return hidden ? "grant.filter" : envelope.reason();
}

// What a consumer is told of a row's way. The source's row id may hold a person's number: who does
// not see every field as it came is not told it; nor the key's hash who does not see the key, for
// it could be found by trying. Of a row that is gone for the reader, nothing of the version by
// which it went: that need not be the reader's to know.
std::string ShownEnvelope(const access::AccessPlan& plan, const huiliu::v1::Envelope& envelope,
                          bool tombstone) {
  huiliu::v1::Envelope shown;
  shown.set_system(envelope.system());
  shown.set_source_department(envelope.source_department());
  shown.set_source_department_name(envelope.source_department_name());
  shown.set_operation(envelope.operation());
  shown.set_city(envelope.city());
  shown.set_cleaned_time_us(envelope.cleaned_time_us());
  shown.set_arrival_time_us(envelope.arrival_time_us());
  shown.set_reason(ShownReason(envelope, tombstone));
  if (shown.reason() == envelope.reason()) shown.set_rule_set(envelope.rule_set());
  if (!tombstone) {
    shown.set_source_time_us(envelope.source_time_us());
    shown.set_division(envelope.division());
    shown.set_conflict(envelope.conflict());
    shown.set_rule(envelope.rule());
    shown.set_source_table(envelope.source_table());
    shown.set_decided_by(envelope.decided_by());
    if (plan.CheckKeyUse().ok()) shown.set_key_hash(envelope.key_hash());
    if (ShowsAll(plan)) shown.set_row_id(envelope.row_id());
  }
  return shown.SerializeAsString();
}

std::string TokenContext(const Admission& admission) {
  return absl::StrCat("cursor\n", admission.reader.organisation, "\n", admission.plan->shape());
}

}  // namespace

std::string Cursors::Seal(const Admission& admission,
                          const huiliu::v1::DeliveryCursor& cursor) const {
  return seal_.Seal(TokenContext(admission), cursor.SerializeAsString());
}

absl::StatusOr<huiliu::v1::DeliveryCursor> Cursors::Open(const Admission& admission,
                                                         absl::string_view cursor) const {
  const auto content = seal_.Open(TokenContext(admission), cursor);
  huiliu::v1::DeliveryCursor opened;
  if (content.ok() && opened.ParseFromString(*content)) return opened;
  return absl::OutOfRangeError(
      "续传位置不是经现行授权给出的（授权的行、字段或脱敏已变更，或不是本单位的），请从头订阅 / "
      "the cursor was "
      "not given through this grant as it is now; subscribe again from the beginning");
}

absl::StatusOr<std::string> Cursors::Find(absl::string_view organisation,
                                          absl::string_view subscription) {
  ASSIGN_OR_RETURN(std::optional<std::string> stored,
                   backbone_.Position(CursorKey(organisation, subscription)));
  return stored.value_or("");
}

absl::Status Cursors::Commit(const Admission& admission, absl::string_view subscription,
                             const std::string& cursor) {
  RETURN_IF_ERROR(Open(admission, cursor).status());
  Transaction transaction;
  transaction.positions.push_back({CursorKey(admission.reader.organisation, subscription), cursor});
  return writer_.Commit(std::move(transaction)).status();
}

absl::StatusOr<std::unique_ptr<Subscription>> Subscription::Open(
    const Parts& parts, const governance::Principal& caller,
    const huiliu::v1::SubscribeRequest& request, huiliu::v1::RowFormat format) {
  Gate& gate = parts.gate;
  ASSIGN_OR_RETURN(Admission admission,
                   gate.Admit(caller, request.context(), "Delivery.Subscribe"));
  const int rows = request.max_batch_rows() == 0 ? kDefaultRows : request.max_batch_rows();
  if (rows < 1 || rows > kMaxRows) {
    return absl::InvalidArgumentError(absl::StrCat("每批行数须在 1 至 ", kMaxRows,
                                                   " 之间 / max_batch_rows ", rows,
                                                   " is not between 1 and ", kMaxRows));
  }
  // So that a message is about a second's worth.
  const int64_t a_second = admission.quota.rows_per_second();
  const int most = a_second > 0 ? static_cast<int>(std::min<int64_t>(rows, a_second)) : rows;
  std::string cursor = request.cursor();
  if (cursor.empty() && !request.subscription().empty()) {
    ASSIGN_OR_RETURN(cursor, parts.cursors.Find(caller.organisation, request.subscription()));
  }
  std::unique_ptr<Subscription> subscription(
      new Subscription(parts, std::move(admission), most, format));
  ASSIGN_OR_RETURN(
      access::Quotas::Place place,
      gate.quotas().OpenStream(request.context().receiver(), subscription->admission_.quota));
  subscription->place_.emplace(std::move(place));
  RETURN_IF_ERROR(subscription->Start(request, cursor));
  return subscription;
}

absl::Status Subscription::Start(const huiliu::v1::SubscribeRequest& request,
                                 const std::string& cursor) {
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(cursor_, cursors_.Open(admission_, cursor));
    if (cursor_.receiver() != request.context().receiver() ||
        cursor_.dataset() != request.context().dataset()) {
      return absl::InvalidArgumentError(
          "游标属于另一数据集或接收方 / the cursor belongs to another dataset or receiver");
    }
    followed_.GoOn();
    if (cursor_.in_snapshot()) {
      // What was sent of it is as old as the cursor.
      RETURN_IF_ERROR(followed_.Look());
      ASSIGN_OR_RETURN(snapshot_, admission_.catalog->Snapshot());
      return absl::OkStatus();
    }
    return OpenReader();
  }
  cursor_.set_receiver(request.context().receiver());
  cursor_.set_dataset(request.context().dataset());
  if (request.has_offsets()) return StartAtOffsets(request.offsets());
  if (!request.changes_only()) return StartAtSnapshot();
  const std::string topic = ReturnedTopic(cursor_.receiver(), cursor_.dataset());
  ASSIGN_OR_RETURN(const std::vector<TopicSpec> topics, backbone_.ListTopics());
  for (const TopicSpec& spec : topics) {
    if (spec.name != topic) continue;
    for (int32_t p = 0; p < spec.partitions; ++p) {
      ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds({topic, Partition(p)}));
      (*cursor_.mutable_offsets())[p] = bounds.end.value();
    }
  }
  followed_.Begin();
  return OpenReader();
}

absl::Status Subscription::StartAtOffsets(const huiliu::v1::StartOffsets& start) {
  const std::string topic = ReturnedTopic(cursor_.receiver(), cursor_.dataset());
  ASSIGN_OR_RETURN(const std::vector<TopicSpec> topics, backbone_.ListTopics());
  int32_t partitions = 0;
  for (const TopicSpec& spec : topics) {
    if (spec.name == topic) partitions = spec.partitions;
  }
  for (const auto& [partition, offset] : start.by_partition()) {
    if (partition >= 0 && partition < partitions) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("没有分区 ", partition, "，本数据集有 ", partitions,
                     " 个分区，从 0 起 / there is no partition ", partition, "; the dataset has ",
                     partitions, ", from 0"));
  }
  for (int32_t p = 0; p < partitions; ++p) {
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds({topic, Partition(p)}));
    const auto at = start.by_partition().find(p);
    const int64_t offset = at == start.by_partition().end() ? bounds.earliest.value() : at->second;
    if (offset < bounds.earliest.value() || offset > bounds.end.value()) {
      return absl::OutOfRangeError(absl::StrCat(
          "分区 ", p, " 现存变更的位置为 ", bounds.earliest.value(), " 至 ", bounds.end.value(),
          "，不含 ", offset, " / partition ", p, " holds the offsets from ",
          bounds.earliest.value(), " to ", bounds.end.value(), ", not ", offset));
    }
    (*cursor_.mutable_offsets())[p] = offset;
  }
  followed_.Begin();
  return OpenReader();
}

absl::Status Subscription::StartAtSnapshot() {
  const std::string topic = ReturnedTopic(cursor_.receiver(), cursor_.dataset());
  ASSIGN_OR_RETURN(const std::vector<TopicSpec> topics, backbone_.ListTopics());
  // Before the snapshot, which is no older.
  for (const TopicSpec& spec : topics) {
    if (spec.name != topic) continue;
    for (int32_t p = 0; p < spec.partitions; ++p) {
      cursor_.mutable_offsets()->insert({p, 0});
      ASSIGN_OR_RETURN(const std::optional<Followed> followed,
                       admission_.catalog->FollowedOf({topic, Partition(p)}));
      followed_.BeginAt(p, followed);
    }
  }
  ASSIGN_OR_RETURN(snapshot_, admission_.catalog->Snapshot());
  cursor_.set_in_snapshot(true);
  for (const auto& [tp, offset] : snapshot_->Applied(DatasetId(cursor_.dataset()))) {
    (*cursor_.mutable_offsets())[tp.partition.value()] = offset.value();
  }
  return absl::OkStatus();
}

absl::Status Subscription::OpenReader() {
  RETURN_IF_ERROR(followed_.Look());
  ReaderOptions options;
  options.start = StartAt::kEarliest;
  const std::string topic = ReturnedTopic(cursor_.receiver(), cursor_.dataset());
  for (const auto& [partition, offset] : cursor_.offsets())
    options.assigned.push_back({topic, Partition(partition)});
  ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
  for (const auto& [partition, offset] : cursor_.offsets())
    RETURN_IF_ERROR(reader_->Seek({topic, Partition(partition)}, Offset(offset)));
  return absl::OkStatus();
}

absl::StatusOr<bool> Subscription::MayForget(absl::string_view key) {
  if (!filtered_ || in_message_.contains(key)) return true;
  if (!settled_) RETURN_IF_ERROR(delivered_.Settle());
  settled_ = true;
  return delivered_.Has(admission_, key);
}

absl::Status Subscription::AddChange(absl::string_view key, absl::string_view envelope_bytes,
                                     absl::string_view payload, bool tombstone,
                                     huiliu::v1::SubscribeResponse* response,
                                     std::vector<std::string>* keys) {
  const access::AccessPlan& plan = *admission_.plan;
  huiliu::v1::Envelope envelope;
  if (!envelope.ParseFromArray(envelope_bytes.data(), static_cast<int>(envelope_bytes.size()))) {
    return absl::DataLossError("a stored envelope cannot be read");
  }
  if (format_ == huiliu::v1::ROW_FORMAT_JSON && !tombstone) {
    CatalogRow row;
    row.key = std::string(key);
    row.envelope = std::string(envelope_bytes);
    row.payload = std::string(payload);
    huiliu::v1::Row* shown = response->add_rows();
    ASSIGN_OR_RETURN(const bool visible, ShowRow(plan, row, format_, shown));
    if (visible) {
      shown->set_reason(envelope.reason());
      shown->set_rule_set(envelope.rule_set());
      response->add_deletes(false);
      if (filtered_) in_message_.insert(row.key);
      keys->push_back(row.key);
      return absl::OkStatus();
    }
    response->mutable_rows()->RemoveLast();
    tombstone = true;
  }
  std::string shown;
  if (!tombstone) {
    ASSIGN_OR_RETURN(const bool visible, plan.Apply(payload, envelope_bytes, &shown));
    // A row that the filter hides now may have been shown before: the reader is told to forget it.
    tombstone = !visible;
  }
  if (tombstone && snapshot_ != nullptr) return absl::OkStatus();
  if (tombstone) {
    ASSIGN_OR_RETURN(const bool may, MayForget(key));
    if (!may) return absl::OkStatus();
  }
  if (format_ == huiliu::v1::ROW_FORMAT_JSON) {
    huiliu::v1::Row* row = response->add_rows();
    row->set_key(plan.ShownKey(key));
    row->set_reason(ShownReason(envelope, true));
    if (row->reason() == envelope.reason()) row->set_rule_set(envelope.rule_set());
    response->add_deletes(true);
  } else {
    response->add_keys(plan.ShownKey(key));
    response->add_payloads(std::move(shown));
    response->add_deletes(tombstone);
    response->add_envelopes(ShownEnvelope(plan, envelope, tombstone));
  }
  if (filtered_) in_message_.emplace(key);
  keys->emplace_back(key);
  return absl::OkStatus();
}

size_t Subscription::MaxBytes() const {
  return format_ == huiliu::v1::ROW_FORMAT_JSON ? kMaxJsonBytes : kMaxScanBytes;
}

absl::StatusOr<bool> Subscription::NextOfSnapshot(huiliu::v1::SubscribeResponse* response,
                                                  std::vector<std::string>* keys) {
  ScanRequest scan;
  scan.after = cursor_.after();
  scan.max_rows = static_cast<size_t>(max_rows_);
  scan.max_bytes = MaxBytes();
  ASSIGN_OR_RETURN(const ScanResult result, snapshot_->Scan(DatasetId(cursor_.dataset()), scan));
  for (const CatalogRow& row : result.rows) {
    if (row.envelope.empty()) continue;  // none of ours wrote it; a query says so
    RETURN_IF_ERROR(AddChange(row.key, row.envelope, row.payload, false, response, keys));
  }
  cursor_.set_after(result.next);
  if (result.next.empty()) {
    snapshot_.reset();
    cursor_.set_in_snapshot(false);
    response->set_snapshot_complete(true);
    RETURN_IF_ERROR(OpenReader());
  }
  return true;
}

absl::StatusOr<bool> Subscription::NextOfChanges(absl::Duration timeout,
                                                 huiliu::v1::SubscribeResponse* response,
                                                 std::vector<std::string>* keys) {
  if (pending_.empty()) {
    ASSIGN_OR_RETURN(pending_, reader_->Poll(timeout));
    RETURN_IF_ERROR(followed_.LookWhenOld(pending_.empty()));
    RETURN_IF_ERROR(followed_.MayApply(pending_));
    // The applier counts them.
    const auto why_not = [this](const RecordView& record) {
      return WhyNotReturned(admission_.plan->contract(), record);
    };
    RETURN_IF_ERROR(Sift(why_not, nullptr, &pending_));
    pending_record_ = 0;
  }
  if (pending_.empty()) return followed_.HasNews();
  const StoredBatch& batch = pending_.front();
  ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
  int64_t& next = (*cursor_.mutable_offsets())[batch.from.partition.value()];
  const int64_t from = next;
  absl::Status status;
  bool more = false;
  size_t bytes = 0;
  view.ForEach([&](int i, const RecordView& record) {
    const int64_t offset = batch.offsets.empty() ? batch.first_offset.value() + i
                                                 : batch.offsets[static_cast<size_t>(i)].value();
    if (!status.ok() || offset < from || more) return;
    if (response->deletes_size() >= max_rows_ || bytes >= MaxBytes()) {
      more = true;
      return;
    }
    bytes += record.key.size() + record.header.size() + record.value.size();
    status = AddChange(record.key, record.header, record.value, record.tombstone, response, keys);
    next = offset + 1;
  });
  RETURN_IF_ERROR(status);
  followed_.Applied(batch);
  if (!more) {
    next = batch.next.value();
    pending_.erase(pending_.begin());
  }
  return true;
}

absl::StatusOr<bool> Subscription::Next(absl::Duration timeout,
                                        huiliu::v1::SubscribeResponse* response) {
  RETURN_IF_ERROR(gate_.MayLeave(admission_));
  response->Clear();
  in_message_.clear();
  const absl::Duration wait = gate_.quotas().WaitForRows(cursor_.receiver(), admission_.quota);
  paced_ = wait > absl::ZeroDuration();
  if (paced_) {
    absl::SleepFor(std::min(wait, timeout));
    caught_up_ = false;
    return false;
  }
  std::vector<std::string> keys;
  ASSIGN_OR_RETURN(const bool something, snapshot_ != nullptr
                                             ? NextOfSnapshot(response, &keys)
                                             : NextOfChanges(timeout, response, &keys));
  caught_up_ = !something;
  if (!something) return false;
  followed_.Keep();
  response->set_cursor(cursors_.Seal(admission_, cursor_));
  response->set_dataset_version(admission_.plan->contract().version());
  if (snapshot_ == nullptr) *response->mutable_next_offsets() = cursor_.offsets();
  response->set_key_hidden(!admission_.plan->CheckKeyUse().ok());
  if (keys.empty()) return true;
  settled_ = false;
  RETURN_IF_ERROR(gate_.RecordAndWait(admission_, huiliu::v1::STEP_DELIVER, keys));
  return true;
}

}  // namespace huiliu::pipeline
