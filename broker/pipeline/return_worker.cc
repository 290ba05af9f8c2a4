#include "broker/pipeline/return_worker.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/from_intake.h"
#include "core/base/status.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::pipeline {
namespace {

constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);
// One transaction's: on Kafka small ones are ruinous.
constexpr size_t kPollBytes = size_t{8} << 20;
constexpr int kMaxCorrections = 1000;

bool IsAskedFor(const huiliu::v1::ListQuarantineRequest& request,
                const huiliu::v1::QuarantinedRow& row) {
  if (!request.reason().empty() && row.reason() != request.reason()) return false;
  return request.outcome() == huiliu::v1::OUTCOME_UNSPECIFIED ||
         std::any_of(row.counts().begin(), row.counts().end(),
                     [&](const auto& delta) { return delta.outcome() == request.outcome(); });
}

}  // namespace

ReturnWorker::ReturnWorker(Parts parts)
    : parts_(std::move(parts)),
      own_rules_(parts_.rules != nullptr
                     ? nullptr
                     : std::make_unique<PreparedRules>(parts_.state, parts_.divisions,
                                                       parts_.pseudonym_key, parts_.clock)),
      reevaluation_(parts_.state, parts_.backbone, parts_.clock, parts_.topics.partitions),
      engines_(parts_.state, parts_.rules != nullptr ? *parts_.rules : *own_rules_, parts_.clock),
      kept_(parts_.backbone, parts_.writer, parts_.kept, parts_.kept_group, parts_.set_aside),
      replay_(parts_.state) {}

absl::Status ReturnWorker::AddDataset(const std::string& dataset) {
  RETURN_IF_ERROR(parts_.backbone.EnsureTopic(SourceTopicSpec(dataset, parts_.topics)));
  RETURN_IF_ERROR(parts_.backbone.EnsureTopic(DecisionsTopicSpec(dataset, parts_.topics)));
  absl::MutexLock lock(&mutex_);
  if (std::find(datasets_.begin(), datasets_.end(), dataset) == datasets_.end()) {
    datasets_.push_back(dataset);
    changed_ = true;
  }
  return absl::OkStatus();
}

std::vector<TopicPartition> ReturnWorker::PartitionsOf(
    std::string (*topic)(absl::string_view)) const {
  absl::MutexLock lock(&mutex_);
  std::vector<TopicPartition> partitions;
  for (const std::string& dataset : datasets_) {
    for (int32_t p = 0; p < parts_.topics.partitions; ++p)
      partitions.push_back({topic(dataset), Partition(p)});
  }
  return partitions;
}

std::vector<std::string> ReturnWorker::Datasets() const {
  absl::MutexLock lock(&mutex_);
  return datasets_;
}

void ReturnWorker::Start() {
  if (own_rules_ != nullptr) own_rules_->Start();
  thread_ = std::thread([this] { Run(); });
}

void ReturnWorker::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  if (own_rules_ != nullptr) own_rules_->Stop();
}

absl::Status ReturnWorker::OpenReader() {
  reader_.reset();
  {
    absl::MutexLock lock(&mutex_);
    changed_ = false;
  }
  ReaderOptions options;
  options.group = ReturnGroup();
  options.assigned = PartitionsOf(&SourceTopic);
  options.max_poll_bytes = kPollBytes;
  if (options.assigned.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(reader_, parts_.backbone.OpenReader(std::move(options)));
  return absl::OkStatus();
}

// Of a dataset that came to this worker after it had read what it remembers: another node may have
// judged it before.
absl::Status ReturnWorker::LookForFormerDecisions(const std::vector<std::string>& datasets) {
  for (const std::string& dataset : datasets) {
    if (remembered_.contains(dataset)) continue;
    for (int32_t p = 0; p < parts_.topics.partitions; ++p) {
      ASSIGN_OR_RETURN(const PartitionBounds bounds,
                       parts_.backbone.Bounds({DecisionsTopic(dataset), Partition(p)}));
      if (bounds.earliest == bounds.end) continue;
      recovered_ = false;
      lacks_decisions_ = true;
    }
    remembered_.insert(dataset);
  }
  return absl::OkStatus();
}

absl::Status ReturnWorker::Recover() {
  const std::vector<std::string> datasets = Datasets();
  if (read_once_) RETURN_IF_ERROR(LookForFormerDecisions(datasets));
  if (!recovered_) {
    ASSIGN_OR_RETURN(const std::optional<std::string> stored,
                     parts_.backbone.Position(ReturnPosition(parts_.lane)));
    EngineMark mark;
    if (stored.has_value()) {
      ASSIGN_OR_RETURN(mark, ParseEngineMark(*stored));
    }
    // Where nobody has numbered a transaction yet, a lone node may have judged before this lane.
    const bool here = stored.has_value() && mark.node == parts_.node && !lacks_decisions_;
    const Staged staged = here ? Staged::kHere : Staged::kElsewhere;
    former_ = mark.former;
    RETURN_IF_ERROR(RecoverDecisions(parts_.backbone, PartitionsOf(&DecisionsTopic), mark.sequence,
                                     staged, parts_.set_aside, &parts_.decisions, &former_));
    sequence_ = mark.sequence;
    recovered_ = read_once_ = true;
    lacks_decisions_ = false;
    remembered_.insert(datasets.begin(), datasets.end());
  }
  return kept_.CatchUp();
}

absl::Status ReturnWorker::Commit(Judgement* judgement) {
  // What goes wrong from here on is not guessed: the backbone is asked again.
  recovered_ = false;
  Seal(judgement);
  const uint64_t sequence = sequence_ + 1;
  judgement->transaction.positions.push_back(
      {ReturnPosition(parts_.lane), Encode(EngineMark{sequence, parts_.node, former_})});
  if (parts_.fence != nullptr) {
    std::string any;
    {
      absl::MutexLock lock(&mutex_);
      any = datasets_.front();
    }
    ASSIGN_OR_RETURN(std::vector<ConsumedOffset> fence, parts_.fence->Of(any));
    for (ConsumedOffset& offset : fence)
      judgement->transaction.consumed.push_back(std::move(offset));
  }
  RETURN_IF_ERROR(parts_.decisions.Stage(sequence, judgement->decisions.Updates()));
  RETURN_IF_ERROR(parts_.writer.Commit(std::move(judgement->transaction)).status());
  RETURN_IF_ERROR(parts_.decisions.Commit(sequence));
  sequence_ = sequence;
  recovered_ = true;
  replay_.Want(judgement->ended_waiting);
  return absl::OkStatus();
}

absl::Status ReturnWorker::Judge(const std::vector<StoredBatch>& batches) {
  absl::MutexLock lock(&judging_);
  RETURN_IF_ERROR(Recover());
  if (batches.empty()) return absl::OkStatus();
  Judgement judgement(engines_, parts_.decisions, former_, kept_.store(), parts_.topics,
                      parts_.clock.Now());
  std::map<TopicPartition, Offset> consumed;
  for (const StoredBatch& batch : batches) {
    RETURN_IF_ERROR(JudgeBatch(batch, &judgement));
    consumed.insert_or_assign(batch.from, batch.next);
  }
  for (const auto& [from, next] : consumed)
    judgement.transaction.consumed.push_back({ReturnGroup(), from, next});
  return Commit(&judgement);
}

absl::StatusOr<bool> ReturnWorker::JudgeHistoryOnce() {
  RETURN_IF_ERROR(Recover());
  Judgement judgement(engines_, parts_.decisions, former_, kept_.store(), parts_.topics,
                      parts_.clock.Now());
  RETURN_IF_ERROR(reevaluation_.CountRest(engines_, parts_.decisions));
  ASSIGN_OR_RETURN(std::vector<StoredBatch> batches, reevaluation_.Next());
  // What was set aside when it was new was counted then.
  RETURN_IF_ERROR(FromIntake(parts_.state, parts_.control).Sift(nullptr, &batches));
  for (const StoredBatch& batch : batches) {
    std::map<std::string, rules::Impact> impacts;
    RETURN_IF_ERROR(JudgeAgain(batch, &judgement, &impacts));
    reevaluation_.Add(batch, impacts);
  }
  if (!reevaluation_.Stage(&judgement.transaction)) return false;
  RETURN_IF_ERROR(Commit(&judgement));
  reevaluation_.Committed();
  return true;
}

absl::StatusOr<bool> ReturnWorker::JudgeHistory() {
  RETURN_IF_ERROR(reevaluation_.LookUp(Datasets()));
  if (!reevaluation_.IsDue()) return false;
  absl::MutexLock lock(&judging_);
  absl::StatusOr<bool> moved = JudgeHistoryOnce();
  if (!moved.ok()) reevaluation_.Forget();
  return moved;
}

absl::StatusOr<bool> ReturnWorker::ReplayPage() {
  const std::vector<std::string> datasets = Datasets();
  absl::MutexLock lock(&judging_);
  const absl::Time began = parts_.clock.Now();
  if (!replay_.Due(datasets, began)) return false;
  RETURN_IF_ERROR(Recover());
  Judgement judgement(engines_, parts_.decisions, former_, kept_.store(), parts_.topics, began);
  RETURN_IF_ERROR(replay_.Page(kept_.store(), &judgement));
  if (!judgement.kept.empty()) {
    RETURN_IF_ERROR(Commit(&judgement));
    RETURN_IF_ERROR(kept_.CatchUp());
  }
  const absl::Time now = parts_.clock.Now();
  replay_.Commit(now, now - began);
  return replay_.Due(datasets, now);
}

absl::StatusOr<bool> ReturnWorker::Step(absl::Duration timeout) {
  ASSIGN_OR_RETURN(const bool more, ReplayPage());
  if (more) timeout = absl::ZeroDuration();
  bool reopen = reader_ == nullptr;
  {
    absl::MutexLock lock(&mutex_);
    reopen = reopen || changed_;
  }
  if (reopen) RETURN_IF_ERROR(OpenReader());
  std::vector<StoredBatch> batches;
  if (reader_ != nullptr) {
    // History that waits is not kept waiting by a quiet source.
    ASSIGN_OR_RETURN(batches, reader_->Poll(history_moves_ ? absl::ZeroDuration() : timeout));
    const absl::Status sifted =
        FromIntake(parts_.state, parts_.control).Sift(parts_.set_aside, &batches);
    if (!sifted.ok()) reader_.reset();
    RETURN_IF_ERROR(sifted);
  } else {
    absl::SleepFor(timeout);
  }
  const absl::Status judged = Judge(batches);
  // What was read and not committed is read again.
  if (!judged.ok()) reader_.reset();
  RETURN_IF_ERROR(judged);
  history_moves_ = false;
  ASSIGN_OR_RETURN(history_moves_, JudgeHistory());
  return more || history_moves_ || !batches.empty();
}

absl::Status ReturnWorker::ListKept(const governance::Principal& caller,
                                    const huiliu::v1::ListQuarantineRequest& request,
                                    huiliu::v1::ListQuarantineResponse* response) {
  absl::MutexLock lock(&judging_);
  RETURN_IF_ERROR(kept_.CatchUp());
  ASSIGN_OR_RETURN(KeptRowPage page,
                   kept_.store().List(KeptKind::kQuarantined, request.source(), request.page_size(),
                                      request.page_token(), request.include_redriven()));
  std::erase_if(page.rows, [&](const auto& row) { return !IsAskedFor(request, row); });
  huiliu::v1::LineageEntry entry;
  entry.set_step(huiliu::v1::STEP_READ);
  entry.set_time_us(absl::ToUnixMicros(parts_.clock.Now()));
  entry.set_actor(caller.account);
  entry.set_organisation(caller.organisation);
  entry.set_source(request.source());
  entry.set_method("Intake.ListQuarantine");
  entry.set_records(static_cast<int64_t>(page.rows.size()));
  RecordBatchBuilder lineage;
  lineage.Add("", "", entry.SerializeAsString());
  Transaction transaction;
  transaction.appends.push_back({{kLineageTopic, Partition(0)}, lineage.Finish(), 1});
  RETURN_IF_ERROR(parts_.writer.Commit(std::move(transaction)).status());
  for (huiliu::v1::QuarantinedRow& row : page.rows) *response->add_rows() = std::move(row);
  response->set_next_page_token(page.next_page_token);
  return absl::OkStatus();
}

absl::Status ReturnWorker::RedriveOne(const governance::Principal& caller,
                                      const std::string& source,
                                      const huiliu::v1::RedriveRequest::Correction& correction,
                                      Judgement* judgement,
                                      huiliu::v1::RedriveResponse::Result* result) {
  result->set_id(correction.id());
  const auto refuse = [&](absl::string_view why) {
    result->set_error(std::string(why.data(), why.size()));
    return absl::OkStatus();
  };
  const absl::StatusOr<huiliu::v1::QuarantinedRow> row =
      kept_.store().Get(KeptKind::kQuarantined, correction.id());
  if (absl::IsNotFound(row.status()) || absl::IsInvalidArgument(row.status()) ||
      (row.ok() && row->source() != source)) {
    return refuse(absl::StrCat("数据源无此行 / source ", source, " keeps no such row"));
  }
  RETURN_IF_ERROR(row.status());
  if (row->redriven() || judgement->kept.contains(row->id()))
    return refuse("此行已重判 / this row has been decided again already");
  if (row->operation() == huiliu::v1::OPERATION_DELETE && row->mapped()) {
    return refuse(
        "此行是删除，无内容可更正：请对该记录作认领决定 / a delete has nothing to correct: claim "
        "its "
        "record (huiliu override propose --record)");
  }
  std::string payload = correction.payload();
  if (payload.empty() == correction.json().empty())
    return refuse("须给出 payload 或 json 之一 / give exactly one of payload and json");
  if (payload.empty()) {
    ASSIGN_OR_RETURN(NodeEngine * engine, judgement->engines.Find(source));
    auto encoded = schema::RecordFromJson(*engine->contract, correction.json());
    if (!encoded.ok())
      return refuse({encoded.status().message().data(), encoded.status().message().size()});
    payload = *std::move(encoded);
  }
  return RedriveRow(*row, payload, caller, judgement, result);
}

absl::Status ReturnWorker::Redrive(const governance::Principal& caller,
                                   const huiliu::v1::RedriveRequest& request,
                                   huiliu::v1::RedriveResponse* response) {
  if (request.corrections_size() == 0 || request.corrections_size() > kMaxCorrections) {
    return absl::InvalidArgumentError(absl::StrCat("一次重判 1 至 ", kMaxCorrections,
                                                   " 行 / a redrive has 1 to ", kMaxCorrections,
                                                   " corrections"));
  }
  absl::MutexLock lock(&judging_);
  RETURN_IF_ERROR(Recover());
  Judgement judgement(engines_, parts_.decisions, former_, kept_.store(), parts_.topics,
                      parts_.clock.Now());
  for (const auto& correction : request.corrections()) {
    RETURN_IF_ERROR(
        RedriveOne(caller, request.source(), correction, &judgement, response->add_results()));
  }
  if (judgement.kept.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(Commit(&judgement));
  return kept_.CatchUp();
}

void ReturnWorker::Run() {
  // Each lane's own: one that works must not say that another does.
  const std::string name = ReturnPosition(parts_.lane);
  bool failed = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    const absl::Status status = Step(kPollTimeout).status();
    if (!status.ok()) {
      parts_.errors(name, status);
      reader_.reset();
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kRetryDelay);
    } else if (failed) {
      parts_.errors(name, absl::OkStatus());
    }
    failed = !status.ok();
  }
}

}  // namespace huiliu::pipeline
