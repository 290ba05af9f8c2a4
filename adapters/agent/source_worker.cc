#include "adapters/agent/source_worker.h"

#include <spdlog/spdlog.h>

#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/agent/host.h"
#include "adapters/agent/rule_choice.h"
#include "adapters/agent/unjudged_batch.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu::agent {
namespace {

constexpr absl::Duration kMaxBackOff = absl::Seconds(10);
// How soon new rules, areas and contract versions hold here.
constexpr absl::Duration kLookUpEvery = absl::Seconds(5);

// What waiting and trying again may mend. The rest is the operator's.
bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

SourceWorker::SourceWorker(Config config, SourceConfig source, const std::atomic<bool>& stopping)
    : config_(std::move(config)),
      source_config_(std::move(source)),
      stopping_(stopping),
      status_(config_.state_dir, source_config_.id),
      host_(MakeHost(stopping)) {}

std::string SourceWorker::FolderOf(const Config& config, const std::string& source) {
  return absl::StrCat(config.state_dir, "/sources/", source);
}
std::string SourceWorker::KeptFolderOf(const Config& config, const std::string& source) {
  return FolderOf(config, source) + "/kept";
}
std::string SourceWorker::DecisionFolderOf(const Config& config, const std::string& source) {
  return FolderOf(config, source) + "/decisions";
}
std::string SourceWorker::SpoolFolderOf(const Config& config, const std::string& source) {
  return FolderOf(config, source) + "/redrive";
}

absl::Status SourceWorker::OpenStores() {
  const std::string folder = FolderOf(config_, source_config_.id);
  RETURN_IF_ERROR(MakeDirectories(folder));
  RETURN_IF_ERROR(MakeDirectories(absl::StrCat(config_.state_dir, "/keys")));
  ASSIGN_OR_RETURN(key_, SigningKey::LoadOrCreate(source_config_.signing_key));
  ASSIGN_OR_RETURN(decisions_,
                   RocksDbDecisionStore::Open(DecisionFolderOf(config_, source_config_.id), {}));
  ASSIGN_OR_RETURN(kept_, QuarantineStore::Open(KeptFolderOf(config_, source_config_.id), {}));
  ASSIGN_OR_RETURN(divisions_, territory::Divisions::Load(config_.divisions));
  rules_ = std::make_unique<EdgeRules>(divisions_);
  ASSIGN_OR_RETURN(ShownColumns shown,
                   ShownColumns::Load(ColumnsFileOf(config_, source_config_.id)));
  shown_columns_.emplace(std::move(shown));
  return absl::OkStatus();
}

absl::StatusOr<std::string> SourceWorker::LookUp() {
  ASSIGN_OR_RETURN(source_, node_->FindSource(source_config_.id));
  ASSIGN_OR_RETURN(dataset_, node_->GetDataset(source_.dataset()));
  std::string versions = absl::StrCat(source_.version(), "/", dataset_.version());
  if (source_.placement() == huiliu::v1::PLACEMENT_NODE) return versions;
  ASSIGN_OR_RETURN(receiver_, node_->FindReceiver(source_.receivers(0)));
  ASSIGN_OR_RETURN(rule_set_, ChooseRuleSet(config_, source_, *node_));
  absl::StrAppend(&versions, "/", receiver_.version(), "/", rule_set_.version(), "/",
                  absl::BytesToHexString(rule_set_.digest()));
  RETURN_IF_ERROR(LookUpOverrides());
  absl::StrAppend(&versions, "/",
                  absl::BytesToHexString(AsBytes(rules::DigestOfOverrides(overrides_))));
  return versions;
}

absl::StatusOr<bool> SourceWorker::IsOutdated() {
  if (rules_->IsBusy()) return false;
  if (outdated_) return true;
  if (absl::Now() - looked_up_ < kLookUpEvery) return false;
  ASSIGN_OR_RETURN(const std::string versions, LookUp());
  looked_up_ = absl::Now();
  if (versions == prepared_with_) return false;
  outdated_ = true;
  // Thousands of rules take a while: until then the flow goes on by those before them.
  const bool judges = maker_ != nullptr && source_.placement() != huiliu::v1::PLACEMENT_NODE;
  if (!judges || dataset_.version() != contract_->version()) return true;
  rules_->Begin(contract_, rule_set_);
  return false;
}

absl::Status SourceWorker::Prepare() {
  ASSIGN_OR_RETURN(node_, NodeClient::Connect(config_.node));
  ASSIGN_OR_RETURN(prepared_with_, LookUp());
  looked_up_ = absl::Now();
  outdated_ = false;
  if (source_.dataset() != source_config_.dataset) {
    return absl::FailedPreconditionError(absl::StrCat(
        "数据源登记的数据集与本机配置不一致 / source ", source_.id(), " is registered for dataset ",
        source_.dataset(), ", the agent is configured for ", source_config_.dataset));
  }
  if (source_.batch_public_key() != key_->public_key()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "数据源登记的公钥不是本机签名密钥的，请用 huiliu-agent key 所示的公钥重新登记 / source ",
        source_.id(), " is registered with another public key than that of ",
        source_config_.signing_key,
        "; register it again with the key that huiliu-agent key prints"));
  }
  // The same contract stays the same object: compiled rules are taken over with it.
  if (contract_ == nullptr || contract_->version() != dataset_.version() ||
      contract_->source_text() != dataset_.source_text()) {
    ASSIGN_OR_RETURN(contract_,
                     schema::Contract::Parse(dataset_.source_name(), dataset_.source_text(),
                                             dataset_.version()));
  }
  std::string yaml;
  if (!source_config_.mapping.empty()) {
    ASSIGN_OR_RETURN(yaml, ReadFile(source_config_.mapping));
  }
  ASSIGN_OR_RETURN(mapping_, mapping::Mapping::Parse(source_config_.mapping, yaml, contract_));
  bound_header_.clear();
  maker_.reset();
  unmapped_.emplace(*decisions_);
  if (source_.placement() == huiliu::v1::PLACEMENT_NODE) return absl::OkStatus();
  return PrepareEngine();
}

absl::Status SourceWorker::PrepareEngine() {
  ASSIGN_OR_RETURN(const EdgeRules::Compiled compiled, rules_->Take(contract_, rule_set_));
  rules::ReturnEngine::Options options;
  rules::Receiver area;
  area.id = ReceiverId(receiver_.id());
  area.title = receiver_.title();
  area.divisions.assign(receiver_.divisions().begin(), receiver_.divisions().end());
  options.receivers.push_back(std::move(area));
  ASSIGN_OR_RETURN(auto engine, rules::ReturnEngine::Assemble(std::move(options), contract_,
                                                              {compiled}, divisions_));
  if (engine_ != nullptr) engine->TakeOver(engine_.get());
  engine_ = std::move(engine);
  engine_->SetOverrides(source_.system(), overrides_);
  BatchMaker::Parts parts;
  parts.source = source_;
  parts.city = receiver_.id();
  parts.rule_set = absl::BytesToHexString(AsBytes(compiled->rule_set().digest));
  parts.rule_label = rules::LabelOf(compiled->rule_set());
  parts.mapping = mapping_.get();
  parts.engine = engine_.get();
  parts.decisions = decisions_.get();
  parts.key = key_.get();
  parts.clock = &SystemClock();
  maker_ = std::make_unique<BatchMaker>(std::move(parts));
  return absl::OkStatus();
}

absl::StatusOr<MadeBatch> SourceWorker::MakeBatch(const huiliu_rows& rows) {
  if (maker_ != nullptr) return maker_->Make(rows, epoch_, sequence_ + 1);
  return MakeUnjudgedBatch({source_, *mapping_, *key_, SystemClock(), *unmapped_}, rows, epoch_,
                           sequence_ + 1);
}

// Without its decisions an edge does not know who holds what: a row that has moved away since would
// not be taken back, and an older version could pass for a newer one. Nobody but a person may
// decide to go on like that.
absl::Status SourceWorker::MayForget(const absl::Status& lost) const {
  if (maker_ == nullptr) return absl::OkStatus();
  const std::string folder = FolderOf(config_, source_config_.id);
  const std::string accepted = folder + "/accept-lost-decisions";
  std::error_code error;
  if (std::filesystem::remove(accepted, error)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "本机丢失了此前批次的判定（", lost.message(), "），未读取任何行。请从备份恢复 ", folder,
      "；确无备份，请新建空文件 ", accepted,
      " 后再启动：重读的行会再次计数，此前已回流、如今不再属于接收方的行不会自动撤回 / decisions "
      "of "
      "earlier batches are lost here; nothing is read. Restore ",
      folder, " from a backup; where there is none, create the empty file ", accepted,
      " and start again: rows that are read again count again, and what was returned and belongs "
      "elsewhere now is not taken back by itself"));
}

absl::Status SourceWorker::Recover(const huiliu::v1::Welcome& welcome) {
  epoch_ = welcome.epoch();
  sequence_ = welcome.sequence();
  position_ = welcome.position();
  in_flight_.clear();
  moving_.clear();
  absl::Status recovered = decisions_->Recover(welcome.sequence());
  if (recovered.code() == absl::StatusCode::kFailedPrecondition) {
    RETURN_IF_ERROR(MayForget(recovered));
    status_.AddNotice(
        absl::StrCat("本机丢失了此前批次的判定，重读的行会再次计数 / decisions of earlier "
                     "batches are lost here (",
                     recovered.message(), "); rows that are read again count again"));
    recovered =
        decisions_->Rebuild(welcome.sequence(), [] { return std::vector<DecisionUpdate>(); });
  }
  RETURN_IF_ERROR(recovered);
  RETURN_IF_ERROR(kept_->CommitRedriven(source_config_.id, welcome.sequence()));
  return kept_->DiscardAfter(source_config_.id, welcome.sequence());
}

absl::Status SourceWorker::TakeAck(const huiliu::v1::Ack& ack) {
  if (ack.error_code() != 0) {
    return absl::Status(
        absl::StatusCode::kFailedPrecondition,
        absl::StrCat("节点拒收一批数据，未跳过任何行 / the node refused a batch: ",
                     ack.error_message(), "; nothing is skipped, mend it and start again"));
  }
  if (in_flight_.empty() || in_flight_.front() != ack.sequence()) {
    return absl::InternalError(
        absl::StrCat("the node acknowledged batch ", ack.sequence(), " out of turn"));
  }
  RETURN_IF_ERROR(decisions_->Commit(ack.sequence()));
  in_flight_.pop_front();
  if (!moving_.empty() && moving_.front() == ack.sequence()) {
    RETURN_IF_ERROR(kept_->CommitRedriven(source_config_.id, ack.sequence()));
    moving_.pop_front();
  }
  status_.SetSequence(ack.sequence());
  return absl::OkStatus();
}

absl::Status SourceWorker::TakeAcks(PublishStream& stream, bool wait_for_room) {
  while (!in_flight_.empty() && !stopping_) {
    const bool full = in_flight_.size() >= kMaxInFlight;
    ASSIGN_OR_RETURN(const auto ack, stream.NextAck(wait_for_room || full ? absl::Milliseconds(500)
                                                                          : absl::ZeroDuration()));
    if (ack.has_value()) {
      RETURN_IF_ERROR(TakeAck(*ack));
    } else if (!full && !wait_for_room) {
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::Status SourceWorker::Send(PublishStream& stream, MadeBatch made) {
  const uint64_t sequence = made.batch.sequence();
  if (!made.quarantined.empty())
    RETURN_IF_ERROR(kept_->Put(KeptKind::kQuarantined, made.quarantined));
  if (!made.pending.empty()) RETURN_IF_ERROR(kept_->Put(KeptKind::kPending, made.pending));
  RETURN_IF_ERROR(StageReleased(made));
  if (made.ends_waiting) follow_.Want();
  // Durable before the batch is sent: whatever crashes, the node's sequence says which staged
  // changes are true.
  RETURN_IF_ERROR(decisions_->Stage(sequence, std::move(made.decisions)));
  in_flight_.push_back(sequence);
  sequence_ = sequence;
  position_ = made.batch.position();
  return stream.Send(made.batch);
}

absl::Status SourceWorker::PumpOnce(PublishStream& stream, sdk::OpenSource& plugin) {
  // History that waits is not kept waiting by a quiet source.
  const bool waits = reevaluation_.has_value() && reevaluation_->caught_up > absl::Now();
  ASSIGN_OR_RETURN(const huiliu_rows* rows,
                   plugin.Poll(static_cast<size_t>(source_config_.batch_rows),
                               waits ? 0 : source_config_.linger_ms));
  for (size_t i = 0; i < rows->notice_count; ++i)
    status_.AddNotice(std::string(sdk::ToView(rows->notices[i])));
  if (rows->row_count > 0) {
    RETURN_IF_ERROR(BindHeader(*rows, plugin.has_one_header()));
    ASSIGN_OR_RETURN(MadeBatch made, MakeBatch(*rows));
    status_.AddRows(static_cast<int64_t>(rows->row_count));
    if (!made.empty()) RETURN_IF_ERROR(Send(stream, std::move(made)));
  }
  const bool idle = rows->row_count == 0 && rows->caught_up != 0;
  RETURN_IF_ERROR(TakeAcks(stream, idle && !waits));
  status_.SetCaughtUp(idle && in_flight_.empty());
  status_.Write(idle);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<PublishStream>> SourceWorker::Connect() {
  RETURN_IF_ERROR(Prepare());
  huiliu::v1::Hello hello;
  hello.set_source(source_config_.id);
  hello.set_agent(config_.agent);
  hello.set_dataset(source_.dataset());
  hello.set_dataset_version(contract_->version());
  hello.set_agent_version("0.1.0");
  huiliu::v1::Welcome welcome;
  ASSIGN_OR_RETURN(std::unique_ptr<PublishStream> stream, node_->Publish(hello, &welcome));
  RETURN_IF_ERROR(Recover(welcome));
  reevaluation_.reset();
  if (maker_ != nullptr) reevaluation_ = DueReevaluation(rule_set_, welcome);
  return stream;
}

absl::Status SourceWorker::AnswerRequests() {
  RETURN_IF_ERROR(OpenStores());
  ASSIGN_OR_RETURN(const std::unique_ptr<PublishStream> stream, Connect());
  return TakeRequests(*stream);
}

absl::Status SourceWorker::RunConnected() {
  ASSIGN_OR_RETURN(const std::unique_ptr<PublishStream> stream, Connect());
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin,
                   sdk::LoadPlugin(config_.PluginPath(source_config_.plugin)));
  ASSIGN_OR_RETURN(const huiliu_source* table, sdk::FindSource(*plugin, source_config_.plugin));
  ASSIGN_OR_RETURN(const std::unique_ptr<sdk::OpenSource> source,
                   sdk::OpenSource::Open(*table, &host_, source_config_.options_json, position_));
  RETURN_IF_ERROR(source->Need(mapping_->needed_columns()));
  RETURN_IF_ERROR(ReplayOverrides(*stream));
  RETURN_IF_ERROR(BeginReevaluation(*table));
  status_.Set("running", "");
  while (!stopping_) {
    RETURN_IF_ERROR(TakeRequests(*stream));
    RETURN_IF_ERROR(PumpOnce(*stream, *source));
    RETURN_IF_ERROR(Reevaluate(*stream));
    RETURN_IF_ERROR(FollowDecided(*stream));
    ASSIGN_OR_RETURN(const bool outdated, IsOutdated());
    if (outdated) break;  // what is sent is acknowledged, then all is prepared anew
  }
  return TakeAcks(*stream, true);
}

absl::Status SourceWorker::Run() {
  RETURN_IF_ERROR(OpenStores());
  absl::Duration back_off = absl::Milliseconds(200);
  while (!stopping_) {
    const absl::Time started = absl::Now();
    const absl::Status status = RunConnected();
    if (status.ok()) continue;
    if (!IsTransient(status)) {
      status_.Set("stopped", std::string(status.message()));
      return status;
    }
    status_.SetCaughtUp(false);
    status_.Set("waiting", std::string(status.message()));
    if (absl::Now() - started > absl::Seconds(30)) back_off = absl::Milliseconds(200);
    for (absl::Time end = absl::Now() + back_off; !stopping_ && absl::Now() < end;)
      absl::SleepFor(absl::Milliseconds(50));
    back_off = std::min(back_off * 2, kMaxBackOff);
  }
  status_.Set("stopped", "");
  return absl::OkStatus();
}

}  // namespace huiliu::agent
