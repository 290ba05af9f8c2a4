#include "broker/pipeline/judgement.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "broker/pipeline/judged_batch.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/rules/history.h"

namespace huiliu::pipeline {

using huiliu::v1::CountDelta;
using huiliu::v1::Envelope;
using huiliu::v1::QuarantinedRow;

bool IsUndecided(const rules::Decision& decision) {
  return std::any_of(decision.outcomes.begin(), decision.outcomes.end(), [](auto outcome) {
    return outcome == huiliu::v1::OUTCOME_QUARANTINED || outcome == huiliu::v1::OUTCOME_PENDING;
  });
}

CountDelta DeltaOf(const NodeEngine& engine, int receiver, const std::string& day,
                   huiliu::v1::Outcome outcome, const std::string& division) {
  CountDelta delta;
  delta.set_day(day);
  delta.set_receiver(engine.source.receivers(receiver));
  delta.set_outcome(outcome);
  if (outcome == huiliu::v1::OUTCOME_RETURNED) delta.set_division(division);
  delta.set_rows(1);
  return delta;
}

void NoteDecided(const NodeEngine& engine, const NodeDecision* before,
                 const rules::Decision& decision, Judgement* judgement) {
  const bool stands =
      decision.novelty == rules::Novelty::kNew || decision.novelty == rules::Novelty::kRedecided;
  if (stands && before != nullptr && !IsUndecided(decision) &&
      (rules::IsUndecided(before->prior) || !decision.overrides.empty()))
    judgement->ended_waiting.insert(engine.source.dataset());
}

std::string OverridesOf(const rules::Decision& decision) {
  std::set<std::string> ids(decision.overrides.begin(), decision.overrides.end());
  ids.erase("");
  return absl::StrJoin(ids, ",");
}

std::string DayOfNumber(int32_t days_since_1970) {
  return absl::FormatCivilTime(absl::CivilDay(1970, 1, 1) + days_since_1970);
}

bool StandsNow(const NodeDecision* before, const rules::Decision& decision) {
  return decision.novelty == rules::Novelty::kRepeat && decision.store && before != nullptr &&
         (before->prior.source != decision.next.source ||
          before->prior.row_id != decision.next.row_id);
}

const rules::PriorDecision& ToRemember(const NodeEngine& engine, const NodeDecision* before,
                                       rules::Decision* decision) {
  if (before != nullptr && decision->next.source != engine.source.id())
    decision->next.outcomes = before->prior.outcomes;
  return decision->next;
}

void Seal(Judgement* judgement) {
  if (!judgement->kept.empty()) {
    RecordBatchBuilder rows;
    for (const auto& [id, row] : judgement->kept) rows.Add(id, "", row.SerializeAsString());
    const int32_t count = rows.count();
    judgement->transaction.appends.push_back(
        {{kQuarantineTopic, Partition(0)}, rows.Finish(), count});
  }
  judgement->decisions.AppendTo(&judgement->transaction);
}

namespace {

struct Incoming {
  RecordView record;
  Envelope envelope;
  std::string key;  // DecisionKey
};

class BatchJudge {
 public:
  // `impacts`: where not null, of history that is decided again.
  BatchJudge(const StoredBatch& batch, Judgement* judgement,
             std::map<std::string, rules::Impact>* impacts)
      : batch_(batch), j_(*judgement), impacts_(impacts) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch_.bytes));
    std::vector<Incoming> rows(static_cast<size_t>(view.count()));
    std::vector<std::string> keys;
    bool torn = false;
    view.ForEach([&](int i, const RecordView& record) {
      Incoming& row = rows[static_cast<size_t>(i)];
      row.record = record;
      torn = torn || !row.envelope.ParseFromArray(record.header.data(),
                                                  static_cast<int>(record.header.size()));
      row.key = DecisionKey(DatasetOfSource(batch_.from.topic), record.key);
      keys.push_back(row.key);
    });
    if (torn) return Torn("an envelope cannot be read");
    RETURN_IF_ERROR(j_.decisions.Load(keys));
    for (const Incoming& row : rows) {
      RETURN_IF_ERROR(EnterBatchOf(row.envelope));
      if (row.record.key.size() <= engine_->source.system().size() + 1)
        return Torn("a key without its system");
      if (impacts_ == nullptr) {
        Decide(row);
      } else {
        DecideAgain(row);
      }
    }
    LeaveBatch();
    return absl::OkStatus();
  }

 private:
  absl::Status Torn(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(batch_.from.topic, "/", batch_.from.partition.value(),
                                            " at ", batch_.first_offset.value(), ": ", what));
  }

  // A stored batch is what one intake batch had for the partition; should it ever hold more, each
  // has its own entries.
  absl::Status EnterBatchOf(const Envelope& envelope) {
    if (judged_.has_value() && engine_->source.id() == envelope.source() &&
        epoch_ == envelope.source_epoch() && sequence_ == envelope.source_sequence()) {
      return absl::OkStatus();
    }
    LeaveBatch();
    ASSIGN_OR_RETURN(engine_, j_.engines.Find(envelope.source()));
    epoch_ = envelope.source_epoch();
    sequence_ = envelope.source_sequence();
    JudgedBatch::Origin origin;
    origin.epoch = epoch_;
    origin.sequence = sequence_;
    origin.partition = batch_.from.partition;
    origin.organisation = engine_->source.organisation();
    origin.reevaluation = impacts_ != nullptr;
    judged_.emplace(*engine_, std::move(origin));
    if (impacts_ != nullptr)
      impact_.assign(static_cast<size_t>(engine_->source.receivers_size()), rules::Impact());
    return absl::OkStatus();
  }

  void LeaveBatch() {
    if (!judged_.has_value()) return;
    judged_->Finish(j_.now, &j_.entries, &j_.transaction);
    for (size_t r = 0; r < impact_.size(); ++r) {
      if (!impact_[r].empty()) (*impacts_)[engine_->rule_labels[r]].MergeFrom(impact_[r]);
    }
  }

  rules::SourceChange ChangeOf(const Incoming& row) const {
    const Envelope& envelope = row.envelope;
    rules::SourceChange change;
    change.operation = envelope.operation();
    change.key = row.record.key.substr(engine_->source.system().size() + 1);
    if (!row.record.tombstone) change.payload = row.record.value;
    change.source_time_us = envelope.source_time_us();
    change.row_id = envelope.row_id();
    change.source = envelope.source();
    change.now_us = envelope.arrival_time_us();
    return change;
  }

  // A version that is not the newest changes nothing; nor does one that these rules have decided.
  void DecideAgain(const Incoming& row) {
    const NodeDecision* before = j_.decisions.Find(row.key);
    for (rules::Impact& impact : impact_) impact.Look(before != nullptr);
    if (before == nullptr) return;
    rules::SourceChange change = ChangeOf(row);
    change.now_us = absl::ToUnixMicros(j_.now);
    change.replay = true;
    engine_->engine->Decide(change, &j_.engines.AsSeenBy(*engine_, before->prior), &decision_);
    if (decision_.novelty != rules::Novelty::kRedecided) return;
    NoteDecided(*engine_, before, decision_, &j_);
    const std::string today = ShanghaiDay(j_.now);
    judged_->Name(decision_);
    MoveCounts(before->prior, today);
    engine_->former->Ask(change, before->prior);
    std::erase_if(decision_.outputs,
                  [&](const rules::Output& output) { return engine_->former->Sent(output); });
    for (size_t r = 0; r < impact_.size(); ++r) {
      const int receiver = static_cast<int>(r);
      impact_[r].Add(before->prior, decision_, receiver, engine_->source.receivers(receiver));
    }
    for (const rules::Output& output : decision_.outputs)
      judged_->Publish(row.record.key, row.envelope, row.envelope.arrival_time_us(), decision_,
                       output);
    Remember(row, before, KeepOrRelease(row, before, today));
  }

  void Remember(const Incoming& row, const NodeDecision* before, std::string kept) {
    if (!decision_.store && (before == nullptr || kept == before->kept)) return;
    j_.decisions.Set(row.key, {DecisionsTopic(engine_->source.dataset()), batch_.from.partition},
                     {std::move(kept), decision_.store || before == nullptr
                                           ? ToRemember(*engine_, before, &decision_)
                                           : before->prior});
  }

  void Decide(const Incoming& row) {
    const Envelope& envelope = row.envelope;
    const rules::SourceChange change = ChangeOf(row);
    const NodeDecision* before = j_.decisions.Find(row.key);
    engine_->engine->Decide(
        change, before == nullptr ? nullptr : &j_.engines.AsSeenBy(*engine_, before->prior),
        &decision_);
    NoteDecided(*engine_, before, decision_, &j_);

    const std::string today = ShanghaiDay(absl::FromUnixMicros(envelope.arrival_time_us()));
    const int counted = std::min<int>(static_cast<int>(envelope.counted_receivers()),
                                      engine_->source.receivers_size());
    for (int r = 0; r < counted; ++r)
      judged_->Count(r, DeltaOf(*engine_, r, today, huiliu::v1::OUTCOME_PENDING, ""), -1);
    if (decision_.novelty == rules::Novelty::kRedecided) {
      MoveCounts(before->prior, today);
    } else if (decision_.novelty != rules::Novelty::kUnchanged) {
      CountChange(envelope, today);
    }
    judged_->Name(decision_);
    for (const rules::Output& output : decision_.outputs)
      judged_->Publish(row.record.key, envelope, envelope.arrival_time_us(), decision_, output);
    Remember(row, before, KeepOrRelease(row, before, today));
  }

  void CountChange(const Envelope& envelope, const std::string& day) {
    for (int r = 0; r < engine_->source.receivers_size(); ++r) {
      CountDelta delta = DeltaOf(*engine_, r, day, decision_.outcomes[static_cast<size_t>(r)],
                                 decision_.attribution.division);
      delta.set_conflicts(decision_.attribution.conflict ? 1 : 0);
      delta.set_masked_at_source(envelope.masked_at_source() || decision_.masked_at_source ? 1 : 0);
      judged_->Count(r, delta, 1);
    }
  }

  // The same version, decided again: its count moves within the day it stands in.
  void MoveCounts(const rules::PriorDecision& prior, const std::string& today) {
    const std::string day = prior.counted_day == 0 ? today : DayOfNumber(prior.counted_day);
    for (size_t r = 0; r < decision_.outcomes.size(); ++r) {
      const int receiver = static_cast<int>(r);
      // Receivers that were added since: for them it counts for the first time.
      if (r < prior.outcomes.size())
        judged_->Count(receiver,
                       DeltaOf(*engine_, receiver, day, prior.outcomes[r], prior.division), -1);
      judged_->Count(
          receiver,
          DeltaOf(*engine_, receiver, day, decision_.outcomes[r], decision_.attribution.division),
          1);
    }
  }

  // Keeps what could not be decided, lets go what now could; what was decided by hand is kept, too,
  // so that it can be decided again when that is withdrawn. Returns the kept row that stands for
  // the newest version from now on.
  std::string KeepOrRelease(const Incoming& row, const NodeDecision* before,
                            const std::string& today) {
    const std::string held = before == nullptr ? "" : before->kept;
    if (decision_.novelty == rules::Novelty::kUnchanged) return held;
    const bool again = decision_.novelty == rules::Novelty::kRedecided;
    const bool stands =
        again || decision_.novelty == rules::Novelty::kNew || StandsNow(before, decision_);
    const bool undecided = IsUndecided(decision_);
    const bool by_hand =
        !decision_.overrides.empty() && decision_.novelty != rules::Novelty::kSuperseded;
    if (again && !undecided && !by_hand) {
      if (!held.empty()) Release(held);
      return "";
    }
    if (undecided || by_hand) {
      const std::string id = again && !held.empty() ? held : KeptId(row);
      const bool dated = again && before->prior.counted_day != 0;
      Keep(row, id, dated ? DayOfNumber(before->prior.counted_day) : today);
      if (stands) return id;
    }
    return stands ? "" : held;
  }

  // Where it stands at its source. A re-read may tell by another row what a kept one told: the kept
  // one is still the row that it is.
  void Place(const Incoming& row, QuarantinedRow* out) {
    const std::string own = KeptId(row);
    const auto changed = j_.kept.find(out->id());
    absl::StatusOr<QuarantinedRow> before =
        out->id() == own           ? absl::NotFoundError("")
        : changed != j_.kept.end() ? absl::StatusOr<QuarantinedRow>(changed->second)
                                   : j_.kept_before.Get(KeptKind::kQuarantined, out->id());
    const bool other = before.ok() && !before->row_id().empty();
    out->set_row_id(other ? before->row_id() : row.envelope.row_id());
    out->set_place(out->row_id());
    out->set_source_time_us(other ? before->source_time_us() : row.envelope.source_time_us());
  }

  std::string KeptId(const Incoming& row) const {
    return absl::StrCat(engine_->source.id(), "/", epoch_, "/", sequence_, "/",
                        row.envelope.index_in_batch());
  }

  void Keep(const Incoming& row, const std::string& id, const std::string& day) {
    QuarantinedRow out;
    out.set_id(id);
    out.set_source(engine_->source.id());
    Place(row, &out);
    // A delete says nothing of its own: it ends a version that nobody could decide.
    out.set_reason(decision_.reason.empty() ? "delete.undecided_version" : decision_.reason);
    out.set_raw(std::string(row.record.value));
    if (row.envelope.operation() == huiliu::v1::OPERATION_DELETE) {
      out.set_operation(huiliu::v1::OPERATION_DELETE);
      const absl::string_view key = row.record.key;
      out.set_key(std::string(key.substr(engine_->source.system().size() + 1)));
    }
    out.set_mapped(true);
    out.set_day(day);
    out.set_territory_override(OverridesOf(decision_));
    out.set_redriven(!IsUndecided(decision_));
    for (int r = 0; r < engine_->source.receivers_size(); ++r) {
      const auto outcome = decision_.outcomes[static_cast<size_t>(r)];
      *out.add_counts() = DeltaOf(*engine_, r, day, outcome, decision_.attribution.division);
      if (outcome == huiliu::v1::OUTCOME_QUARANTINED || outcome == huiliu::v1::OUTCOME_PENDING)
        judged_->Trace(r, out);
    }
    j_.kept[out.id()] = std::move(out);
  }

  // A re-read decided it: nothing is left to repair.
  void Release(const std::string& id) {
    QuarantinedRow out;
    out.set_id(id);
    out.set_source(engine_->source.id());
    out.set_day(decision_.next.counted_day == 0 ? "" : DayOfNumber(decision_.next.counted_day));
    out.set_mapped(true);
    out.set_redriven(true);
    j_.kept[out.id()] = std::move(out);
  }

  const StoredBatch& batch_;
  Judgement& j_;
  NodeEngine* engine_ = nullptr;
  uint64_t epoch_ = 0;
  uint64_t sequence_ = 0;
  std::optional<JudgedBatch> judged_;
  rules::Decision decision_;
  std::map<std::string, rules::Impact>* const impacts_;
  std::vector<rules::Impact> impact_;  // of the present batch, in the source's receivers() order
};

}  // namespace

absl::Status JudgeBatch(const StoredBatch& batch, Judgement* judgement) {
  return BatchJudge(batch, judgement, nullptr).Run();
}

absl::Status JudgeAgain(const StoredBatch& batch, Judgement* judgement,
                        std::map<std::string, rules::Impact>* impacts) {
  return BatchJudge(batch, judgement, impacts).Run();
}

}  // namespace huiliu::pipeline
