#include "broker/pipeline/override_reach.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/pipeline/logged_changes.h"
#include "broker/pipeline/topics.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/rules/compiled_rules.h"
#include "core/rules/override_matcher.h"
#include "core/rules/record_facts.h"
#include "core/rules/return_engine.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::TerritoryOverride;

// The records of one dataset, seen by an override: (Take* Judge)*, block by block from the end.
class Counting {
 public:
  Counting(const TerritoryOverride& given, const OverrideReach::Parts& parts,
           std::shared_ptr<const schema::Contract> contract, huiliu::v1::OverrideReach* reach)
      : given_(given),
        parts_(parts),
        contract_(std::move(contract)),
        environment_(rules::EnvironmentOf(parts.divisions)),
        held_(parts.state.OverridesInForce(given.dataset(), given.receiver())),
        reach_(*reach) {
    given_.set_id("proposed");
  }

  absl::Status Open() {
    for (const huiliu::v1::Source& source : parts_.state.Sources()) {
      const bool serves = source.dataset() == given_.dataset() &&
                          std::find(source.receivers().begin(), source.receivers().end(),
                                    given_.receiver()) != source.receivers().end();
      if (!serves) continue;
      if (source.placement() == huiliu::v1::PLACEMENT_NODE) {
        systems_[source.id()] = source.system();
      } else {
        reach_.add_edge_sources(source.id());
      }
    }
    ASSIGN_OR_RETURN(matcher_, rules::OverrideMatcher::Create(given_, *contract_, *environment_));
    ASSIGN_OR_RETURN(facts_, rules::RecordFacts::Create(*contract_, parts_.divisions));
    // Territory comes before rules: any will do.
    const std::string any =
        absl::StrCat("dataset: ", given_.dataset(), "\nreceiver: \"", given_.receiver(),
                     "\"\nlegal_basis: x\nrules:\n  - id: any\n");
    ASSIGN_OR_RETURN(any_rule_, rules::ParseRuleSet("any.yaml", any, *contract_, nullptr));
    return absl::OkStatus();
  }
  bool HasSources() const { return !systems_.empty(); }

  absl::Status Take(const LoggedChange& change) {
    const auto system = systems_.find(std::string(change.envelope.source));
    if (system == systems_.end() || change.record.key.size() <= system->second.size())
      return absl::OkStatus();
    block_.push_back({&system->second, std::string(change.record.key),
                      change.record.tombstone ? "" : std::string(change.record.value)});
    return absl::OkStatus();
  }

  // Of each key only what came last counts.
  absl::Status Judge() {
    for (auto record = block_.rbegin(); record != block_.rend(); ++record) {
      if (!seen_.insert(record->key).second || record->payload.empty()) continue;
      RETURN_IF_ERROR(JudgeOne(*record));
    }
    block_.clear();
    return absl::OkStatus();
  }

 private:
  struct Record {
    const std::string* system;
    std::string key;  // with the system
    std::string payload;
  };
  // The records of one system as they are decided now, and with the override alone.
  struct Judges {
    std::unique_ptr<rules::ReturnEngine> now;
    std::unique_ptr<rules::ReturnEngine> by_it;
  };

  absl::StatusOr<std::unique_ptr<rules::ReturnEngine>> EngineWith(
      const std::string& system, absl::Span<const TerritoryOverride> overrides) const {
    const auto registered = parts_.state.FindReceiver(given_.receiver());
    if (!registered.has_value())
      return absl::NotFoundError("接收方尚未登记 / the receiver is not registered");
    rules::ReturnEngine::Options options;
    rules::Receiver& receiver = options.receivers.emplace_back();
    receiver.id = ReceiverId(given_.receiver());
    receiver.divisions.assign(registered->divisions().begin(), registered->divisions().end());
    options.memoryless = true;
    ASSIGN_OR_RETURN(
        std::unique_ptr<rules::ReturnEngine> engine,
        rules::ReturnEngine::Create(std::move(options), contract_, {any_rule_}, parts_.divisions));
    engine->SetOverrides(system, overrides);
    return engine;
  }

  absl::Status JudgeOne(const Record& record) {
    Judges& judges = judges_[*record.system];
    if (judges.by_it == nullptr) {
      ASSIGN_OR_RETURN(judges.now, EngineWith(*record.system, held_));
      ASSIGN_OR_RETURN(judges.by_it, EngineWith(*record.system, {given_}));
    }
    rules::SourceChange change;
    change.key = absl::string_view(record.key).substr(record.system->size() + 1);
    change.payload = record.payload;
    change.row_id = "1";
    change.now_us = absl::ToUnixMicros(parts_.clock.Now());
    judges.now->Decide(change, nullptr, &decision_);
    // Of other areas' records nothing is told.
    if (decision_.outcomes[0] == huiliu::v1::OUTCOME_OUTSIDE_AREA) return absl::OkStatus();
    const bool pending = decision_.outcomes[0] == huiliu::v1::OUTCOME_PENDING;
    reach_.set_known_read(reach_.known_read() + 1);
    territory::Attribution attribution;
    findings_.clear();
    bool masked = false;
    if (facts_->Read(record.payload, &attribution, &findings_, &masked) &&
        matcher_->Matches(
            *record.system, change.key,
            {facts_->slots(), attribution.division, record.payload, attribution.conflict})) {
      reach_.set_known_matched(reach_.known_matched() + 1);
    }
    if (!pending) return absl::OkStatus();
    reach_.set_pending_read(reach_.pending_read() + 1);
    judges.by_it->Decide(change, nullptr, &decision_);
    if (!decision_.overrides.empty() && !decision_.overrides[0].empty())
      reach_.set_pending_matched(reach_.pending_matched() + 1);
    return absl::OkStatus();
  }

  TerritoryOverride given_;
  const OverrideReach::Parts& parts_;
  const std::shared_ptr<const schema::Contract> contract_;
  const std::shared_ptr<const cel::Environment> environment_;
  const std::vector<TerritoryOverride> held_;
  huiliu::v1::OverrideReach& reach_;
  std::shared_ptr<const rules::RuleSet> any_rule_;
  std::unique_ptr<const rules::OverrideMatcher> matcher_;
  std::unique_ptr<rules::RecordFacts> facts_;
  std::map<std::string, std::string> systems_;  // of a source
  std::map<std::string, Judges> judges_;        // of a system
  std::vector<Record> block_;
  absl::flat_hash_set<std::string> seen_;
  std::vector<std::string> findings_;
  rules::Decision decision_;
};

// Reads the log from its end. False: there is more than was read.
absl::StatusOr<bool> ReadFromEnd(const OverrideReach::Parts& parts, const std::string& topic,
                                 Counting* counting) {
  const absl::Time until = absl::Now() + OverrideReach::kMaxTime;
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionsOf(parts.backbone, topic));
  const int64_t share = OverrideReach::kMaxRecords / std::max(partitions, 1);
  bool all = true;
  for (int32_t p = 0; p < partitions; ++p) {
    LogReading reading;
    reading.from = {topic, Partition(p)};
    reading.take = [&](const LoggedChange& change) { return counting->Take(change); };
    ASSIGN_OR_RETURN(const PartitionBounds bounds, parts.backbone.Bounds(reading.from));
    const int64_t first = std::max(bounds.earliest.value(), bounds.end.value() - share);
    int64_t end = bounds.end.value();
    while (end > first && absl::Now() < until) {
      reading.end = Offset(end);
      end = std::max(first, end - OverrideReach::kBlock);
      reading.first = Offset(end);
      RETURN_IF_ERROR(ReadLog(parts.backbone, reading));
      RETURN_IF_ERROR(counting->Judge());
    }
    all = all && end == bounds.earliest.value();
  }
  return all;
}

}  // namespace

huiliu::v1::OverrideReach OverrideReach::Count(const TerritoryOverride& given) const {
  huiliu::v1::OverrideReach reach;
  *reach.mutable_counted() = ToProto(parts_.clock.Now());
  reach.set_partial(true);
  auto contract = parts_.state.FindContract(given.dataset());
  if (contract == nullptr) return reach;  // the command says so
  Counting counting(given, parts_, std::move(contract), &reach);
  if (const absl::Status opened = counting.Open(); !opened.ok()) return reach;
  if (!counting.HasSources()) {
    reach.set_partial(false);
    return reach;
  }
  const auto all = ReadFromEnd(parts_, SourceTopic(given.dataset()), &counting);
  reach.set_partial(!all.ok() || !*all);
  return reach;
}

}  // namespace huiliu::pipeline
