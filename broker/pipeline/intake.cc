#include "broker/pipeline/intake.h"

#include "absl/strings/str_cat.h"
#include "broker/lineage/entry.h"
#include "broker/pipeline/envelope_bytes.h"
#include "broker/pipeline/intake_checks.h"
#include "broker/pipeline/judged_batch.h"
#include "broker/pipeline/reread.h"
#include "core/base/signing.h"
#include "core/base/status.h"
#include "core/model/batch_digest.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::pipeline {
namespace {

using absl::StrCat;
using huiliu::v1::Batch;
using huiliu::v1::SourcePosition;

constexpr size_t kMaxTracedRowIdBytes = 200;

// The counts as the log states them: dated by taking over; what a node has yet to decide is
// pending.
void FillCounts(const huiliu::v1::Source& source, const Batch& batch, const std::string& today,
                huiliu::v1::LineageEntry* entry) {
  if (source.placement() == huiliu::v1::PLACEMENT_EDGE) {
    for (const huiliu::v1::CountDelta& delta : batch.counts()) {
      huiliu::v1::CountDelta* out = entry->add_counts();
      *out = delta;
      if (!batch.redrive() || out->day().empty()) out->set_day(today);
    }
    return;
  }
  for (const std::string& receiver : source.receivers()) {
    const auto add = [&](huiliu::v1::Outcome outcome, int64_t rows) {
      if (rows == 0) return;
      huiliu::v1::CountDelta* out = entry->add_counts();
      out->set_day(today);
      out->set_receiver(receiver);
      out->set_outcome(outcome);
      out->set_rows(rows);
    };
    add(huiliu::v1::OUTCOME_PENDING, batch.keys_size());
    add(huiliu::v1::OUTCOME_QUARANTINED, batch.quarantined_size());
  }
}

huiliu::v1::LineageEntry IntakeEntry(const huiliu::v1::Source& source, const Batch& batch,
                                     absl::Time now) {
  huiliu::v1::LineageEntry entry;
  const bool repair = batch.redrive() && !batch.has_reread();
  entry.set_step(repair ? huiliu::v1::STEP_REDRIVE : huiliu::v1::STEP_INTAKE);
  if (batch.has_reread()) {
    entry.set_reevaluation(
        StrCat(batch.dataset(), "/", source.receivers(0), "@", batch.reread().version()));
    if (batch.reread().done()) entry.set_detail(InWords(batch.reread().counts()));
  }
  entry.set_time_us(absl::ToUnixMicros(now));
  entry.set_organisation(source.organisation());
  entry.set_source(source.id());
  entry.set_system(source.system());
  entry.set_dataset(batch.dataset());
  entry.set_dataset_version(batch.dataset_version());
  if (source.placement() == huiliu::v1::PLACEMENT_EDGE) entry.set_receiver(source.receivers(0));
  entry.set_epoch(batch.epoch());
  entry.set_sequence(batch.sequence());
  entry.set_batch_digest(batch.digest());
  entry.set_batch_signature(batch.signature());
  entry.set_records_root(batch.records_root());
  entry.set_records(batch.keys_size());
  entry.set_rest_digest(batch.rest_digest());
  entry.set_rest_rows(batch.rest_rows());
  entry.set_rule_set(batch.rule_set());
  lineage::NameOverrides({batch.overrides().begin(), batch.overrides().end()}, &entry);
  FillCounts(source, batch, ShanghaiDay(now), &entry);
  const auto trace = [&](const std::string& row, const std::string& reason,
                         const std::string& digest) {
    if (entry.quarantined_size() >= kMaxTracedRows) return;
    huiliu::v1::QuarantineTrace* out = entry.add_quarantined();
    out->set_row_id(row);
    lineage::CutText(out->mutable_row_id(), kMaxTracedRowIdBytes);
    out->set_reason(reason);
    lineage::CutText(out->mutable_reason(), kMaxTracedReasonBytes);
    out->set_raw_sha256(digest);
  };
  for (const auto& note : batch.quarantine_notes())
    trace(note.row_id(), note.reason(), note.raw_sha256());
  for (const auto& row : batch.quarantined()) {
    if (entry.quarantined_size() < kMaxTracedRows) *entry.add_quarantined() = TraceOf(row);
  }
  return entry;
}

// As many entries as its counts need; the first carries everything else. An entry that does not
// fit, or cannot be read, would stand in the log for ever and count nothing.
absl::Status AppendEntries(const Batch& batch, huiliu::v1::LineageEntry entry,
                           Transaction* transaction) {
  google::protobuf::RepeatedPtrField<huiliu::v1::CountDelta> counts;
  counts.Swap(entry.mutable_counts());
  huiliu::v1::LineageEntry more = entry;
  more.clear_records();
  more.clear_records_root();
  more.clear_rest_rows();
  more.clear_rest_digest();
  more.clear_quarantined();
  RecordBatchBuilder builder;
  int at = 0;
  do {
    for (; at < counts.size() && entry.counts_size() < kMaxCountsOfEntry; ++at)
      *entry.add_counts() = counts[at];
    if (!lineage::Bound(&entry).ok())
      return Refuse(batch,
                    "计数中的日期或区划过长，无法留痕 / its counts name days or divisions that are "
                    "too long for the log");
    builder.Add("", "", entry.SerializeAsString());
    // No two are the same bytes: those would be taken for a repetition, whose counts count once.
    more.set_time_us(more.time_us() + 1);
    entry = more;
  } while (at < counts.size());
  const int32_t records = builder.count();
  transaction->appends.push_back({{kLineageTopic, Partition(0)}, builder.Finish(), records});
  return absl::OkStatus();
}

// Splits the batch's records over the partitions of their topic. `counted_receivers`: of a source
// topic, else 0.
void AppendRecords(const std::string& topic, int32_t partitions, const Batch& batch,
                   uint32_t counted_receivers, int64_t arrival_us, Transaction* transaction) {
  std::vector<RecordBatchBuilder> builders(static_cast<size_t>(partitions));
  std::string envelope;
  for (int i = 0; i < batch.keys_size(); ++i) {
    RecordBatchBuilder& builder =
        builders[static_cast<size_t>(PartitionOf(batch.keys(i), partitions).value())];
    envelope.assign(batch.envelopes(i));
    if (counted_receivers > 0) AppendCountedReceivers(counted_receivers, &envelope);
    AppendArrival(arrival_us, &envelope);
    if (batch.payloads(i).empty()) {
      builder.AddTombstone(batch.keys(i), envelope);
    } else {
      builder.Add(batch.keys(i), envelope, batch.payloads(i));
    }
  }
  for (int32_t p = 0; p < partitions; ++p) {
    RecordBatchBuilder& builder = builders[static_cast<size_t>(p)];
    if (builder.count() == 0) continue;
    const int32_t records = builder.count();
    transaction->appends.push_back({{topic, Partition(p)}, builder.Finish(), records});
  }
}

// The rows' ids follow those of the batch's records: the engine may have to keep these too.
void AppendQuarantine(const huiliu::v1::Source& source, const Batch& batch, const std::string& day,
                      Transaction* transaction) {
  if (batch.quarantined_size() == 0) return;
  RecordBatchBuilder builder;
  for (int i = 0; i < batch.quarantined_size(); ++i) {
    huiliu::v1::QuarantinedRow row = batch.quarantined(i);
    row.set_id(StrCat(batch.source(), "/", batch.epoch(), "/", batch.sequence(), "/",
                      batch.keys_size() + i));
    row.set_source(batch.source());
    row.set_day(day);
    row.set_redriven(false);
    row.set_mapped(false);
    row.clear_counts();
    for (const std::string& receiver : source.receivers()) {
      huiliu::v1::CountDelta* count = row.add_counts();
      count->set_day(day);
      count->set_receiver(receiver);
      count->set_outcome(huiliu::v1::OUTCOME_QUARANTINED);
      count->set_rows(1);
    }
    builder.Add(row.id(), "", row.SerializeAsString());
  }
  const int32_t records = builder.count();
  transaction->appends.push_back({{kQuarantineTopic, Partition(0)}, builder.Finish(), records});
}

}  // namespace

Intake::Lane& Intake::LaneOf(const std::string& source) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Lane>& lane = lanes_[source];
  if (lane == nullptr) lane = std::make_unique<Lane>();
  return *lane;
}

absl::Status Intake::Load(const std::string& source, Lane& lane) {
  if (lane.loaded) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::optional<std::string> stored,
                   backbone_.Position(SourcePositionKey(source)));
  if (stored.has_value() && !lane.position.ParseFromString(*stored)) {
    return absl::DataLossError(StrCat("the stored position of source ", source, " cannot be read"));
  }
  lane.loaded = true;
  return absl::OkStatus();
}

void Intake::Release(const std::function<bool(const std::string& source)>& which) {
  std::vector<Lane*> released;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [source, lane] : lanes_) {
      if (which(source)) released.push_back(lane.get());
    }
  }
  for (Lane* lane : released) {
    absl::MutexLock lock(&lane->mutex);
    lane->loaded = false;
    lane->position.Clear();
  }
}

absl::StatusOr<SourcePosition> Intake::Position(const std::string& source) {
  Lane& lane = LaneOf(source);
  if (lane.mutex.TryLock()) {
    const bool ours = fence_.Of(source).ok();
    const absl::Status loaded = ours ? Load(source, lane) : absl::OkStatus();
    SourcePosition known = lane.position;
    lane.mutex.Unlock();
    RETURN_IF_ERROR(loaded);
    if (ours) return known;
  }
  // A batch is being committed, and who asks must not wait for that; or another node takes them.
  ASSIGN_OR_RETURN(const std::optional<std::string> stored,
                   backbone_.Position(SourcePositionKey(source)));
  SourcePosition position;
  if (stored.has_value() && !position.ParseFromString(*stored)) {
    return absl::DataLossError(StrCat("the stored position of source ", source, " cannot be read"));
  }
  return position;
}

absl::Status Intake::GetPosition(const std::optional<governance::Principal>& caller,
                                 const huiliu::v1::GetPositionRequest& request,
                                 huiliu::v1::GetPositionResponse* response) {
  const auto source = state_.FindSource(request.source());
  if (!source.has_value())
    return absl::NotFoundError(StrCat("数源 ", request.source(), " 尚未登记 / source \"",
                                      request.source(), "\" is not registered"));
  if (!caller.has_value() || caller->organisation != source->organisation()) {
    return absl::PermissionDeniedError(StrCat("数源 ", source->id(), " 属于其他单位 / source ",
                                              source->id(), " belongs to another organisation"));
  }
  ASSIGN_OR_RETURN(const SourcePosition position, Position(source->id()));
  response->set_epoch(position.epoch());
  response->set_sequence(position.sequence());
  response->set_position(position.position());
  return absl::OkStatus();
}

// Without rules the engine would count everything as withheld. An agent at the edge refuses that
// itself.
absl::Status Intake::CheckRules(const huiliu::v1::Source& source) const {
  if (source.placement() != huiliu::v1::PLACEMENT_NODE) return absl::OkStatus();
  for (const std::string& receiver : source.receivers()) {
    if (state_.FindRuleSet(source.dataset(), receiver, clock_.Now()) != nullptr) continue;
    return absl::FailedPreconditionError(
        StrCat("没有把数据集 ", source.dataset(), " 回流给接收方 ", receiver,
               " 的现行规则集，请数据专员提交并由另一人审批 / no rule set returns dataset ",
               source.dataset(), " to receiver ", receiver,
               "; a data officer proposes one and another approves it first"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Intake::Session>> Intake::Open(const governance::Principal& caller,
                                                              const huiliu::v1::Hello& hello,
                                                              huiliu::v1::Welcome* welcome) {
  const auto source = state_.FindSource(hello.source());
  if (!source.has_value()) {
    return absl::NotFoundError(
        StrCat("数源 ", hello.source(), " 尚未登记，请用 huiliu source put 登记 / source \"",
               hello.source(), "\" is not registered; register it with huiliu source put"));
  }
  if (!caller.Has(huiliu::v1::ROLE_AGENT) || caller.organisation != source->organisation()) {
    return absl::PermissionDeniedError(
        StrCat("数源 ", source->id(), " 由 ", source->organisation(), " 的代理发布，账号 ",
               caller.account, " 不是 / source ", source->id(), " is published by agents of ",
               source->organisation(), "; account \"", caller.account, "\" is none"));
  }
  if (hello.dataset() != source->dataset()) {
    return absl::FailedPreconditionError(StrCat(
        "数源 ", source->id(), " 登记的数据集是 ", source->dataset(), " / source ", source->id(),
        " is registered for dataset ", source->dataset(), ", not ", hello.dataset()));
  }
  RETURN_IF_ERROR(CheckRules(*source));
  if (state_.FindContract(hello.dataset(), hello.dataset_version()) == nullptr) {
    return absl::FailedPreconditionError(
        StrCat("数据集 ", hello.dataset(), " 没有版本 ", hello.dataset_version(),
               "，请登记该版本或更新代理 / dataset ", hello.dataset(), " has no version ",
               hello.dataset_version(), "; register it or update the agent"));
  }
  Lane& lane = LaneOf(source->id());
  absl::MutexLock lock(&lane.mutex);
  Transaction transaction;
  ASSIGN_OR_RETURN(transaction.consumed, fence_.Of(source->id()));
  RETURN_IF_ERROR(Load(source->id(), lane));
  SourcePosition after = lane.position;
  after.set_epoch(lane.position.epoch() + 1);
  transaction.positions.push_back({SourcePositionKey(source->id()), after.SerializeAsString()});
  const absl::Status committed = writer_.Commit(std::move(transaction)).status();
  if (!committed.ok()) {
    lane.loaded = false;
    lane.position.Clear();
    return committed;
  }
  lane.position = after;
  welcome->set_epoch(after.epoch());
  welcome->set_sequence(after.sequence());
  welcome->set_position(after.position());
  welcome->set_position_epoch(after.position_epoch());
  if (after.has_reread()) *welcome->mutable_reread() = after.reread();
  return std::make_unique<Session>(*this, source->id(), after.epoch());
}

absl::Status Intake::Session::Take(const Batch& batch) {
  return intake_.Take(source_, epoch_, batch);
}

absl::Status Intake::CheckSequence(const Lane& lane, uint64_t epoch, const Batch& batch,
                                   bool* repeated) const {
  *repeated = false;
  if (lane.position.epoch() != epoch) {
    return absl::AbortedError(StrCat(
        "数源 ", batch.source(), "：另一代理已接管 / source ", batch.source(), ": writer epoch ",
        epoch, " was fenced by epoch ", lane.position.epoch(), " (another agent took over)"));
  }
  if (batch.epoch() != epoch)
    return Refuse(batch, StrCat("批次与本连接的代次不符 / this stream's epoch is ", epoch));
  const uint64_t last = lane.position.sequence();
  if (batch.sequence() == last && lane.position.batch_digest() == batch.digest()) {
    *repeated = true;
    return absl::OkStatus();
  }
  if (batch.sequence() != last + 1) {
    return absl::FailedPreconditionError(
        StrCat(NameOf(batch), "：批次序号不连续 / the next sequence is ", last + 1));
  }
  return absl::OkStatus();
}

absl::Status Intake::CheckContent(const huiliu::v1::Source& source, const Batch& batch) const {
  if (batch.dataset() != source.dataset())
    return Refuse(batch,
                  StrCat("该数源登记的数据集不同 / the source's dataset is ", source.dataset()));
  const auto contract = state_.FindContract(batch.dataset(), batch.dataset_version());
  if (contract == nullptr) {
    return Refuse(batch, StrCat("数据集没有该版本 / dataset ", batch.dataset(), " has no version ",
                                batch.dataset_version()));
  }
  RETURN_IF_ERROR(CheckBatchDigests(batch));
  if (!VerifySignature(source.batch_public_key(), batch.digest(), batch.signature())) {
    return Refuse(batch,
                  "签名与该数源登记的密钥不符 / its signature is not by the key that the source is "
                  "registered with");
  }
  const bool edge = source.placement() == huiliu::v1::PLACEMENT_EDGE;
  std::optional<huiliu::v1::Receiver> receiver;
  if (edge) {
    RETURN_IF_ERROR(CheckCounts(source, batch));
    if (batch.has_reread() && batch.reread().version() == 0)
      return Refuse(batch,
                    "重读须写明要求重读的规则版本 / a re-read names the version of the rules that "
                    "asks for it");
    RETURN_IF_ERROR(CheckOverrides(state_, source, batch));
    if (batch.quarantined_size() > 0) {
      return Refuse(batch,
                    "问题数据留在数源部门，前置端只上报说明 / rows kept for repair stay with the "
                    "department: at the edge only notes travel");
    }
    receiver = state_.FindReceiver(source.receivers(0));
    if (!receiver.has_value())
      return Refuse(batch, StrCat("接收方 ", source.receivers(0), " 尚未登记 / receiver ",
                                  source.receivers(0), " is not registered"));
  } else {
    RETURN_IF_ERROR(CheckUnjudged(batch));
  }
  for (int i = 0; i < batch.keys_size(); ++i) {
    RETURN_IF_ERROR(CheckRecord(source, batch, i));
    if (!edge) continue;  // the node's engine keeps for repair what cannot be read
    RETURN_IF_ERROR(CheckArea(*receiver, batch, i));
    RETURN_IF_ERROR(CheckPayload(*contract, batch, i));
  }
  return absl::OkStatus();
}

absl::StatusOr<Transaction> Intake::Build(const huiliu::v1::Source& source, const Batch& batch,
                                          const SourcePosition& after) const {
  Transaction transaction;
  const bool edge = source.placement() == huiliu::v1::PLACEMENT_EDGE;
  const std::string topic =
      edge ? ReturnedTopic(source.receivers(0), batch.dataset()) : SourceTopic(batch.dataset());
  AppendRecords(topic, topics_.partitions, batch,
                edge ? 0 : static_cast<uint32_t>(source.receivers_size()), after.time_us(),
                &transaction);
  AppendQuarantine(source, batch, ShanghaiDay(absl::FromUnixMicros(after.time_us())), &transaction);
  huiliu::v1::LineageEntry entry =
      IntakeEntry(source, batch, absl::FromUnixMicros(after.time_us()));
  entry.set_topic(topic);
  RETURN_IF_ERROR(AppendEntries(batch, std::move(entry), &transaction));
  transaction.positions.push_back({SourcePositionKey(source.id()), after.SerializeAsString()});
  if (batch.has_reread()) {
    transaction.positions.push_back(
        {ReevaluationPosition(batch.dataset(), source.receivers(0), batch.reread().version(),
                              StrCat("source/", source.id())),
         MarkOf(after).SerializeAsString()});
  }
  return transaction;
}

absl::Status Intake::Take(const std::string& id, uint64_t epoch, const Batch& batch) {
  if (batch.source() != id)
    return Refuse(batch, StrCat("本连接属于另一数源 / this stream was opened for source ", id));
  const auto source = state_.FindSource(id);
  if (!source.has_value())
    return absl::NotFoundError(
        StrCat("数源 ", id, " 已不再登记 / source ", id, " is no longer registered"));
  // Checked before the lane is held: the checks are pure and cost most.
  RETURN_IF_ERROR(CheckContent(*source, batch));
  Lane& lane = LaneOf(id);
  absl::MutexLock lock(&lane.mutex);
  ASSIGN_OR_RETURN(std::vector<ConsumedOffset> fence, fence_.Of(id));
  RETURN_IF_ERROR(Load(id, lane));
  bool repeated = false;
  RETURN_IF_ERROR(CheckSequence(lane, epoch, batch, &repeated));
  if (repeated) return absl::OkStatus();
  SourcePosition after = lane.position;
  after.set_sequence(batch.sequence());
  after.set_position_epoch(epoch);
  after.set_position(batch.position());
  after.set_batch_digest(batch.digest());
  after.set_time_us(absl::ToUnixMicros(clock_.Now()));
  if (batch.has_reread()) TakeReread(batch.reread(), &after);
  ASSIGN_OR_RETURN(Transaction transaction, Build(*source, batch, after));
  transaction.consumed = std::move(fence);
  const absl::Status committed = writer_.Commit(std::move(transaction)).status();
  if (!committed.ok()) {
    // The outcome is not guessed: the next call reads it back.
    lane.loaded = false;
    lane.position.Clear();
    return committed;
  }
  lane.position = after;
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
