#include "broker/pipeline/dry_runs.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/lineage/entry.h"
#include "broker/pipeline/dry_run_samples.h"
#include "broker/pipeline/logged_changes.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"

namespace huiliu::pipeline {
namespace {

using absl::StrCat;
using huiliu::v1::DryRunReport;
using huiliu::v1::DryRunRequest;

constexpr char kMethod[] = "Rules.DryRun";
constexpr absl::Duration kTellEvery = absl::Seconds(1);
constexpr int kNice = 10;  // of the thread that compares: whoever returns and answers goes first
constexpr int kDefaultSamples = 5;

int64_t MicrosOf(bool is_set, const google::protobuf::Timestamp& time, int64_t otherwise) {
  return is_set ? absl::ToUnixMicros(FromProto(time)) : otherwise;
}

bool Serves(const huiliu::v1::Source& source, const std::string& dataset,
            const std::string& receiver) {
  return source.dataset() == dataset &&
         std::find(source.receivers().begin(), source.receivers().end(), receiver) !=
             source.receivers().end();
}

}  // namespace

// What is read.
struct DryRuns::Scope {
  std::string dataset;
  std::string receiver;
  std::map<std::string, std::string> systems;  // by source
  std::vector<std::string> edge_sources;
  int64_t from_us = 0;
  int64_t to_us = 0;
  struct Share {
    TopicPartition from;
    PartitionBounds bounds;
    uint32_t parts = 1;  // of its keys, one after the other
  };
  std::vector<Share> shares;
  int64_t total = 0;  // log records, each as often as it is read
};

// A place among the runs that go on.
class DryRuns::Slot {
 public:
  static absl::StatusOr<std::unique_ptr<Slot>> Take(DryRuns& runs, const std::string& receiver) {
    absl::MutexLock lock(&runs.mutex_);
    int& own = runs.running_of_[receiver];
    if (own >= kAtOncePerReceiver || runs.running_ >= kAtOnce) {
      const bool his = own >= kAtOncePerReceiver;
      if (own == 0) runs.running_of_.erase(receiver);
      return absl::ResourceExhaustedError(
          his ? StrCat("接收方 ", receiver, " 正有一次试运行，请等它结束 / a dry run for ",
                       receiver, " is going on; wait until it has ended")
              : StrCat("本节点同时最多 ", kAtOnce, " 次试运行，请稍后再试 / this node does ",
                       kAtOnce, " dry runs at once; try again later"));
    }
    ++own;
    ++runs.running_;
    return std::unique_ptr<Slot>(new Slot(runs, receiver));
  }
  ~Slot() {
    absl::MutexLock lock(&runs_.mutex_);
    --runs_.running_;
    if (--runs_.running_of_[receiver_] == 0) runs_.running_of_.erase(receiver_);
  }

 private:
  Slot(DryRuns& runs, std::string receiver) : runs_(runs), receiver_(std::move(receiver)) {}
  DryRuns& runs_;
  const std::string receiver_;
};

absl::StatusOr<DryRuns::Draft> DryRuns::FindDraft(const DryRunRequest& request) const {
  const bool is_text = !request.yaml().empty();
  if (is_text == !request.dataset().empty()) {
    return absl::InvalidArgumentError(
        "须给出规则文件或数据集之一 / give a rule file, or a dataset and version");
  }
  Draft draft;
  std::string dataset = request.dataset(), receiver = request.receiver();
  if (is_text) {
    ASSIGN_OR_RETURN(const rules::RuleSetHead head,
                     rules::ParseRuleSetHead(request.source_name(), request.yaml()));
    dataset = head.dataset.value();
    receiver = head.receiver.value();
  }
  draft.contract = parts_.state.FindContract(dataset);
  if (draft.contract == nullptr)
    return absl::NotFoundError(
        StrCat("数据集 ", dataset, " 尚未登记 / dataset \"", dataset, "\" is not registered"));
  for (huiliu::v1::RuleSet& kept : parts_.state.RuleSets(parts_.clock.Now())) {
    if (kept.dataset() != dataset || kept.receiver() != receiver) continue;
    if (is_text ? kept.yaml() != request.yaml()
                : request.version() != 0 && kept.version() != request.version()) {
      continue;
    }
    draft.kept = std::move(kept);
    break;  // newest first
  }
  if (!is_text && !draft.kept.has_value()) {
    return absl::NotFoundError(StrCat("没有这个规则版本（huiliu rules history 可查）/ no version ",
                                      request.version(), " of the rules for dataset ", dataset,
                                      " to receiver ", receiver));
  }
  ASSIGN_OR_RETURN(
      const std::shared_ptr<const rules::RuleSet> parsed,
      rules::ParseRuleSet(is_text ? request.source_name() : draft.kept->source_name(),
                          is_text ? request.yaml() : draft.kept->yaml(), *draft.contract, nullptr,
                          is_text ? parts_.divisions.get() : nullptr,
                          is_text ? rules::RuleAge::kNew : rules::RuleAge::kStanding));
  draft.rules =
      rules::WithVersion(*parsed, draft.kept.has_value() ? draft.kept->version() : uint32_t{0});
  return draft;
}

absl::StatusOr<DryRuns::Scope> DryRuns::ScopeOf(const Draft& draft,
                                                const DryRunRequest& request) const {
  Scope scope;
  scope.dataset = draft.rules->dataset.value();
  scope.receiver = draft.rules->receiver.value();
  scope.from_us = MicrosOf(request.has_from(), request.from(), 0);
  scope.to_us =
      MicrosOf(request.has_to(), request.to(),
               absl::ToUnixMicros(absl::FromUnixSeconds(1) + absl::Hours(24 * 365 * 1000)));
  if (scope.from_us >= scope.to_us) {
    return absl::InvalidArgumentError(
        "起始时间须早于截止时间 / the range begins after its end (from, to)");
  }
  for (const huiliu::v1::Source& source : parts_.state.Sources()) {
    if (!Serves(source, scope.dataset, scope.receiver)) continue;
    if (source.placement() == huiliu::v1::PLACEMENT_NODE) {
      scope.systems[source.id()] = source.system();
    } else {
      scope.edge_sources.push_back(source.id());
    }
  }
  if (scope.systems.empty()) {
    return absl::FailedPreconditionError(
        scope.edge_sources.empty()
            ? StrCat("没有数据源向 ", scope.receiver, " 回流 ", scope.dataset,
                     "，没有可试运行的记录 / no source returns ", scope.dataset, " to ",
                     scope.receiver, ": there is nothing to try the rules on")
            : StrCat("数据源 ", absl::StrJoin(scope.edge_sources, "、"),
                     " 在部门侧判定，未回流的记录不在本节点；请数源部门运行 huiliu-agent rules "
                     "dry-run --source ",
                     scope.edge_sources[0],
                     "，结果会记在该版本上 / these sources are decided at the edge, and this node "
                     "does not have what was not returned: their departments run huiliu-agent "
                     "rules dry-run, and the version shows what it came to"));
  }
  const std::string topic = SourceTopic(scope.dataset);
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionsOf(parts_.backbone, topic));
  for (int32_t p = 0; p < partitions; ++p) {
    Scope::Share share;
    share.from = {topic, Partition(p)};
    ASSIGN_OR_RETURN(share.bounds, parts_.backbone.Bounds(share.from));
    const int64_t records = share.bounds.end.value() - share.bounds.earliest.value();
    if (records <= 0) continue;
    share.parts = static_cast<uint32_t>((static_cast<uint64_t>(records) + parts_.keys_at_once - 1) /
                                        parts_.keys_at_once);
    scope.total += records * share.parts;
    scope.shares.push_back(std::move(share));
  }
  return scope;
}

absl::StatusOr<std::unique_ptr<rules::DryRun>> DryRuns::Begin(const Draft& draft,
                                                              const DryRunRequest& request) const {
  const std::string& receiver = draft.rules->receiver.value();
  const auto registered = parts_.state.FindReceiver(receiver);
  if (!registered.has_value())
    return absl::NotFoundError(
        StrCat("接收方 ", receiver, " 尚未登记 / receiver ", receiver, " is not registered"));
  const absl::Time now = parts_.clock.Now();
  rules::DryRun::Options options;
  options.active.divisions.assign(registered->divisions().begin(), registered->divisions().end());
  options.active.rules = parts_.state.FindRuleSet(draft.rules->dataset.value(), receiver, now);
  options.draft.rules = draft.rules;
  options.draft.divisions = options.active.divisions;
  if (request.divisions_size() > 0)
    options.draft.divisions.assign(request.divisions().begin(), request.divisions().end());
  options.overrides = parts_.state.OverridesInForce(draft.rules->dataset.value(), receiver);
  options.pseudonym_key = parts_.pseudonym_key(receiver);
  options.as_of_us = MicrosOf(request.has_as_of(), request.as_of(), absl::ToUnixMicros(now));
  options.samples = request.samples() < 0    ? 0
                    : request.samples() == 0 ? kDefaultSamples
                                             : request.samples();
  options.seed = request.seed();
  options.max_keys = parts_.keys_at_once * 2;  // a part is a little larger than its share
  return rules::DryRun::Create(std::move(options), draft.contract, parts_.divisions);
}

absl::Status DryRuns::Feed(const Scope& scope, const Progress& progress, rules::DryRun* run,
                           int64_t* log_from_us) {
  int64_t read = 0;
  for (const Scope::Share& share : scope.shares) {
    for (uint32_t part = 0; part < share.parts; ++part) {
      LogReading reading;
      reading.from = share.from;
      reading.first = share.bounds.earliest;
      reading.end = share.bounds.end;
      if (share.parts > 1) {
        reading.wanted = [&](absl::string_view key) {
          return rules::DryRun::PartOf(key, share.parts) == part;
        };
      }
      reading.take = [&](const LoggedChange& logged) -> absl::Status {
        const int64_t arrived = logged.envelope.arrival_time_us;
        if (*log_from_us == 0 || arrived < *log_from_us) *log_from_us = arrived;
        const auto system = scope.systems.find(std::string(logged.envelope.source));
        if (system == scope.systems.end() || arrived < scope.from_us || arrived >= scope.to_us) {
          return absl::OkStatus();
        }
        // Of another's making, though it names one of our sources: the return worker counts it.
        if (logged.record.key.size() <= system->second.size()) return absl::OkStatus();
        rules::SourceChange change;
        change.operation =
            logged.record.tombstone ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
        change.key = logged.record.key.substr(system->second.size() + 1);
        change.payload = logged.record.value;
        change.source_time_us = logged.envelope.source_time_us;
        return run->Add(system->second, change, PlaceOf(logged));
      };
      reading.go_on = [&](int64_t records) {
        read += records;
        return progress(read, scope.total) ? absl::OkStatus()
                                           : absl::CancelledError("the dry run was ended");
      };
      RETURN_IF_ERROR(ReadLog(parts_.backbone, reading));
      run->ForgetKeys();
    }
  }
  return absl::OkStatus();
}

absl::Status DryRuns::RunApart(const Scope& scope, const Progress& progress, rules::DryRun* run,
                               int64_t* log_from_us) {
  if (!progress(0, scope.total)) return absl::CancelledError("the dry run was ended");
  std::atomic<int64_t> read = 0;
  std::atomic<bool> stop = false, ended = false;
  absl::Status result;
  absl::Mutex mutex;
  std::thread thread([&] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
    const absl::Status fed = Feed(
        scope,
        [&](int64_t so_far, int64_t) {
          read = so_far;
          return !stop;
        },
        run, log_from_us);
    absl::MutexLock lock(&mutex);
    result = fed;
    ended = true;
  });
  const auto is_ended = [&] { return ended.load(); };
  while (true) {
    {
      absl::MutexLock lock(&mutex);
      mutex.AwaitWithTimeout(absl::Condition(&is_ended), kTellEvery);
      if (ended) break;
    }
    if (!progress(read, scope.total)) stop = true;
  }
  thread.join();
  return result;
}

absl::Status DryRuns::AddSamples(const governance::Principal& caller, const Draft& draft,
                                 const std::optional<Admission>& admission,
                                 const rules::DryRun& run, DryRunReport* report) {
  SampleViewer viewer;
  viewer.plan = admission.has_value() ? admission->plan.get() : nullptr;
  viewer.sees_draft = draft.kept.has_value() && draft.kept->author() != caller.account;
  lineage::Reader reader;
  if (admission.has_value()) {
    reader = admission->reader;
  } else {
    reader.account = caller.account;
    reader.organisation = caller.organisation;
    reader.receiver = report->receiver();
    reader.dataset = report->dataset();
    reader.dataset_version = draft.contract->version();
    reader.method = kMethod;
  }
  std::vector<std::string> digests;
  for (const rules::DryRunExample* example : run.Examples()) {
    huiliu::v1::DryRunSample* sample = report->add_samples();
    *sample = rules::SampleOf(*example, *draft.contract);
    sample->set_key_digest(
        parts_.gate.KeyDigest(report->receiver(), report->dataset(),
                              StrCat(example->system, absl::string_view("\0", 1), example->key)));
    AddValues(*example, *draft.contract, viewer, sample);
    digests.push_back(sample->key_digest());
  }
  // The counts tell of records too, by conditions that somebody chose: that he asked stands in
  // lineage, samples or not.
  for (huiliu::v1::LineageEntry& entry :
       lineage::ReadEntries(huiliu::v1::STEP_READ, reader, digests, parts_.clock.Now())) {
    entry.set_rule_set(absl::BytesToHexString(report->draft_digest()));
    RETURN_IF_ERROR(parts_.recorder.RecordAndWait(lineage::Encode(entry)));
  }
  return admission.has_value() ? parts_.gate.MayLeave(*admission) : absl::OkStatus();
}

absl::StatusOr<DryRunReport> DryRuns::Run(const governance::Principal& caller, const Draft& draft,
                                          const DryRunRequest& request, const Progress& progress,
                                          bool sees_outside) {
  // What cannot be shown is told before the work, not after it.
  std::optional<Admission> admission;
  if (!request.purpose().empty()) {
    huiliu::v1::ReadContext context;
    context.set_receiver(draft.rules->receiver.value());
    context.set_dataset(draft.rules->dataset.value());
    context.set_purpose(request.purpose());
    ASSIGN_OR_RETURN(admission,
                     parts_.gate.Admit(caller, context, kMethod, huiliu::v1::ROLE_DATA_OFFICER));
  }
  RETURN_IF_ERROR(CheckQuestions(draft, request, admission));
  ASSIGN_OR_RETURN(const std::unique_ptr<Slot> slot,
                   Slot::Take(*this, draft.rules->receiver.value()));
  ASSIGN_OR_RETURN(const Scope scope, ScopeOf(draft, request));
  ASSIGN_OR_RETURN(const std::unique_ptr<rules::DryRun> run, Begin(draft, request));
  int64_t log_from_us = 0;
  RETURN_IF_ERROR(RunApart(scope, progress, run.get(), &log_from_us));

  DryRunReport report = run->Report();
  if (request.has_from()) *report.mutable_from() = request.from();
  if (request.has_to()) *report.mutable_to() = request.to();
  report.set_time(huiliu::v1::DRY_RUN_TIME_ARRIVAL);
  *report.mutable_as_of() = request.has_as_of() ? request.as_of() : ToProto(parts_.clock.Now());
  if (log_from_us != 0) *report.mutable_log_from() = ToProto(absl::FromUnixMicros(log_from_us));
  *report.mutable_finished() = ToProto(parts_.clock.Now());
  for (const auto& [source, system] : scope.systems) report.add_sources(source);
  for (const std::string& source : scope.edge_sources) report.add_edge_sources(source);
  if (!scope.edge_sources.empty()) {
    report.set_note(
        "部门侧判定的数据源未计入：本节点没有它们未回流的记录，请其部门运行 huiliu-agent rules "
        "dry-run / sources that are decided at the edge are not part of it: their departments run "
        "huiliu-agent rules dry-run");
  }
  RETURN_IF_ERROR(AddSamples(caller, draft, admission, *run, &report));
  const auto receiver = parts_.state.FindReceiver(draft.rules->receiver.value());
  if (!sees_outside && receiver.has_value()) FoldElsewhere(*receiver, *parts_.divisions, &report);
  return report;
}

}  // namespace huiliu::pipeline
