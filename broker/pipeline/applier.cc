#include "broker/pipeline/applier.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::pipeline {
namespace {

constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);
constexpr absl::Duration kLookEvery = absl::Seconds(1);
constexpr absl::Duration kLookWhenBusyEvery = absl::Seconds(5);

absl::Status Outdated(const std::string& receiver) {
  return absl::DataLossError(absl::StrCat(
      "接收方 ", receiver,
      " 的目录停留过久（或无从知道跟到何时），其间的删除可能已从日志中清理，须从日志重建 / the "
      "catalog of ",
      receiver,
      " stood still for too long, or nothing says how long: deletes of that time may be gone from "
      "the log, so that it must be built anew from it"));
}

}  // namespace

Applier::Applier(std::string receiver, Catalog& catalog, Backbone& backbone, BackboneWriter* writer,
                 Clock& clock, TopicSettings topics, WorkerErrors errors, SetAside* set_aside)
    : receiver_(std::move(receiver)),
      worker_name_(absl::StrCat("catalog/", receiver_)),
      catalog_(catalog),
      backbone_(backbone),
      writer_(writer),
      clock_(clock),
      topics_(topics),
      errors_(std::move(errors)),
      set_aside_(set_aside),
      restored_(set_aside == nullptr
                    ? nullptr
                    : std::make_unique<RestoredTopic>(RestoredTopic::Parts{
                          receiver_, catalog_, backbone_, writer_, topics_,
                          [this](const absl::Status& status) { errors_(worker_name_, status); },
                          *set_aside})),
      followed_(catalog, clock, topics_.tombstone_retention) {}

Applier::~Applier() { Stop(); }

absl::Status Applier::AddDataset(std::shared_ptr<const schema::Contract> contract) {
  RETURN_IF_ERROR(
      backbone_.EnsureTopic(ReturnedTopicSpec(receiver_, contract->id().value(), topics_)));
  RETURN_IF_ERROR(catalog_.EnsureDataset(contract));
  absl::MutexLock lock(&mutex_);
  // Known ones are opened again, too: records are read by the newest contract.
  datasets_[contract->id()] = std::move(contract);
  changed_ = true;
  return absl::OkStatus();
}

absl::Status Applier::CatchUp() {
  while (true) {
    const absl::StatusOr<bool> more = Step(absl::ZeroDuration());
    if (!more.ok()) reader_.reset();  // the next call begins anew
    RETURN_IF_ERROR(more.status());
    if (!*more) return absl::OkStatus();
  }
}

void Applier::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Applier::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<bool> Applier::TakeUp(const schema::Contract& contract, ReaderOptions* options,
                                     std::map<TopicPartition, Offset>* starts) {
  const DatasetId& dataset = contract.id();
  bool made_again = false, of_former_topic = false;
  if (restored_ != nullptr) {
    ASSIGN_OR_RETURN(const uint64_t before, catalog_.Generation(dataset));
    ASSIGN_OR_RETURN(standings_[dataset], restored_->Check(contract));
    ASSIGN_OR_RETURN(const uint64_t now, catalog_.Generation(dataset));
    made_again = now != before;
    of_former_topic = now != standings_[dataset].generation;
  }
  const absl::Time at = clock_.Now();
  std::vector<FollowedLog::Standing> partitions;
  for (int32_t p = 0; p < topics_.partitions; ++p) {
    const TopicPartition tp{ReturnedTopic(receiver_, dataset.value()), Partition(p)};
    ASSIGN_OR_RETURN(const Offset applied, catalog_.AppliedOffset(dataset, tp));
    std::optional<Offset> traced = applied;
    if (writer_ != nullptr) {
      ASSIGN_OR_RETURN(traced, backbone_.CommittedOffset(options->group, tp));
    }
    ASSIGN_OR_RETURN(const PartitionBounds bounds, backbone_.Bounds(tp));
    partitions.push_back({tp, applied, bounds});
    const Offset from = std::min(traced.value_or(Offset(0)), applied);
    options->assigned.push_back(tp);
    (*starts)[tp] = std::max(from, bounds.earliest);
    assigned_[tp] = {dataset, traced.value_or(Offset(0))};
  }
  if (of_former_topic) return false;
  if (!made_again) return followed_.CanGoOn(dataset, partitions, at);
  RETURN_IF_ERROR(followed_.Begin(partitions));
  return true;
}

absl::Status Applier::OpenReader() {
  {
    absl::MutexLock lock(&mutex_);
    reading_ = datasets_;
    changed_ = false;
  }
  // A topic that is made again is nobody's before.
  reader_.reset();
  assigned_.clear();
  ReaderOptions options;
  options.group = CatalogGroup(receiver_);
  std::map<TopicPartition, Offset> starts;
  // All of them are looked at first: of a topic that was lost the catalog is the only copy.
  bool outdated = false;
  for (const auto& [dataset, contract] : reading_) {
    ASSIGN_OR_RETURN(const bool goes_on, TakeUp(*contract, &options, &starts));
    outdated = outdated || !goes_on;
  }
  outdated_ = outdated;
  if (outdated) return Outdated(receiver_);
  RETURN_IF_ERROR(followed_.KeepBegun());
  if (options.assigned.empty()) return absl::OkStatus();
  options.start = StartAt::kEarliest;
  ASSIGN_OR_RETURN(reader_, backbone_.OpenReader(options));
  for (const auto& [tp, from] : starts) RETURN_IF_ERROR(reader_->Seek(tp, from));
  return absl::OkStatus();
}

absl::Status Applier::ApplyTopic(const DatasetId& dataset, absl::Span<const StoredBatch> batches,
                                 Transaction* transaction) {
  RETURN_IF_ERROR(
      Annotate(catalog_.Apply(dataset, batches), absl::StrCat("dataset ", dataset.value())));
  if (writer_ == nullptr) return absl::OkStatus();
  Assigned& assigned = assigned_[batches.front().from];
  if (batches.back().next <= assigned.traced) return absl::OkStatus();
  huiliu::v1::LineageEntry entry;
  entry.set_step(huiliu::v1::STEP_APPLY);
  entry.set_time_us(absl::ToUnixMicros(clock_.Now()));
  entry.set_dataset(dataset.value());
  entry.set_receiver(receiver_);
  entry.set_topic(batches.front().from.topic);
  entry.set_partition(batches.front().from.partition.value());
  entry.set_first_offset(std::max(batches.front().first_offset, assigned.traced).value());
  entry.set_last_offset(batches.back().next.value() - 1);
  int64_t records = 0;
  for (const StoredBatch& batch : batches) {
    if (batch.next > assigned.traced) records += batch.records;
  }
  entry.set_records(records);
  RecordBatchBuilder lineage;
  lineage.Add("", "", entry.SerializeAsString());
  transaction->appends.push_back({{kLineageTopic, Partition(0)}, lineage.Finish(), 1});
  transaction->consumed.push_back(
      {CatalogGroup(receiver_), batches.front().from, batches.back().next});
  return absl::OkStatus();
}

void Applier::NoteStandings(Transaction* transaction) {
  std::set<DatasetId> changed;
  for (const ConsumedOffset& offset : transaction->consumed) {
    const DatasetId& dataset = assigned_.at(offset.from).dataset;
    Offset& applied = standings_[dataset]
                          .applied.try_emplace(offset.from.partition.value(), Offset(0))
                          .first->second;
    applied = std::max(applied, offset.next);
    changed.insert(dataset);
  }
  for (const DatasetId& dataset : changed) {
    transaction->positions.push_back(
        {ReturnedStandingKey(receiver_, dataset.value()), Encode(standings_[dataset])});
  }
}

absl::Status Applier::SetForeignAside(std::vector<StoredBatch>* batches) {
  for (StoredBatch& batch : *batches) {
    const schema::Contract& contract = *reading_.at(assigned_.at(batch.from).dataset);
    const auto why_not = [&](const RecordView& record) { return WhyNotReturned(contract, record); };
    RETURN_IF_ERROR(Sift(why_not, set_aside_, &batch));
  }
  return absl::OkStatus();
}

// A reader of Kafka's hears nothing of a topic that is gone: it waits for it to come back.
absl::Status Applier::LookAtOneTopic(bool idle) {
  const absl::Time now = absl::Now();
  if (assigned_.empty() || now - looked_ < (idle ? kLookEvery : kLookWhenBusyEvery))
    return absl::OkStatus();
  looked_ = now;
  auto next = assigned_.upper_bound({looked_at_, Partition(topics_.partitions)});
  if (next == assigned_.end()) {
    next = assigned_.begin();
    looked_into_ = Partition((looked_into_.value() + 1) % topics_.partitions);
  }
  looked_at_ = next->first.topic;
  const DatasetId& dataset = next->second.dataset;
  FollowedLog::Standing standing{{looked_at_, looked_into_}, Offset(0), {}};
  const absl::Time at = clock_.Now();
  ASSIGN_OR_RETURN(standing.bounds, backbone_.Bounds(standing.from));
  ASSIGN_OR_RETURN(standing.applied, catalog_.AppliedOffset(dataset, standing.from));
  if (restored_ != nullptr)
    RETURN_IF_ERROR(RestoredTopic::CheckStill(standing.from, standing.bounds, standing.applied));
  followed_.SawEnd(standing, at);
  return absl::OkStatus();
}

absl::StatusOr<bool> Applier::Step(absl::Duration timeout) {
  bool reopen = reader_ == nullptr;
  {
    absl::MutexLock lock(&mutex_);
    reopen = reopen || changed_;
  }
  if (reopen) RETURN_IF_ERROR(OpenReader());
  if (reader_ == nullptr) {
    absl::SleepFor(timeout);
    return false;
  }
  ASSIGN_OR_RETURN(std::vector<StoredBatch> batches, reader_->Poll(timeout));
  if (set_aside_ != nullptr) RETURN_IF_ERROR(SetForeignAside(&batches));
  RETURN_IF_ERROR(LookAtOneTopic(batches.empty()));
  caught_up_ = batches.empty();
  std::stable_sort(batches.begin(), batches.end(),
                   [](const StoredBatch& a, const StoredBatch& b) { return a.from < b.from; });
  Transaction transaction;
  for (size_t begin = 0; begin < batches.size();) {
    size_t end = begin + 1;
    while (end < batches.size() && batches[end].from == batches[begin].from) ++end;
    const absl::Span<const StoredBatch> run(batches.data() + begin, end - begin);
    // It stood still for long: the topics are taken up anew, or the catalog is.
    if (!followed_.MayApply(run)) {
      reader_.reset();
      return true;
    }
    RETURN_IF_ERROR(ApplyTopic(assigned_[run.front().from].dataset, run, &transaction));
    followed_.Applied(run);
    begin = end;
  }
  followed_.FlushWhenDue();
  if (transaction.appends.empty()) return !batches.empty();
  const std::vector<ConsumedOffset> consumed = transaction.consumed;
  if (restored_ != nullptr) NoteStandings(&transaction);
  RETURN_IF_ERROR(writer_->Commit(std::move(transaction)).status());
  for (const ConsumedOffset& offset : consumed) assigned_[offset.from].traced = offset.next;
  return true;
}

void Applier::Run() {
  bool failed = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    const absl::Status status = Step(kPollTimeout).status();
    if (outdated_) {
      caught_up_ = false;
      return;
    }
    if (!status.ok()) {
      errors_(worker_name_, status);
      reader_.reset();
      caught_up_ = false;
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kRetryDelay);
    } else if (failed) {
      errors_(worker_name_, absl::OkStatus());
    }
    failed = !status.ok();
  }
}

}  // namespace huiliu::pipeline
