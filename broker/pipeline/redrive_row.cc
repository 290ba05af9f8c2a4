// Decides a kept row of a source with placement NODE again.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "broker/pipeline/judged_batch.h"
#include "broker/pipeline/judgement.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/rules/history.h"
#include "storage/quarantine/quarantine_store.h"

namespace huiliu::pipeline {
namespace {

using huiliu::v1::CountDelta;
using huiliu::v1::Outcome;
using huiliu::v1::QuarantinedRow;
using Result = huiliu::v1::RedriveResponse::Result;

int32_t NumberOfDay(const std::string& day) {
  absl::CivilDay civil;
  if (!absl::ParseCivilTime(day, &civil)) return 0;
  return static_cast<int32_t>(civil - absl::CivilDay(1970, 1, 1));
}

// One word for what became of it: the best for any receiver.
Outcome Foremost(const rules::Decision& decision) {
  for (const Outcome outcome : {huiliu::v1::OUTCOME_QUARANTINED, huiliu::v1::OUTCOME_PENDING,
                                huiliu::v1::OUTCOME_RETURNED, huiliu::v1::OUTCOME_WITHHELD}) {
    if (std::find(decision.outcomes.begin(), decision.outcomes.end(), outcome) !=
        decision.outcomes.end()) {
      return outcome;
    }
  }
  return huiliu::v1::OUTCOME_OUTSIDE_AREA;
}

class Redrive {
 public:
  Redrive(const QuarantinedRow& row, const std::string& payload, Judgement* judgement)
      : row_(row), payload_(payload), j_(*judgement) {}

  absl::Status Run(const governance::Principal& caller, Result* result) {
    ASSIGN_OR_RETURN(engine_, j_.engines.Find(row_.source()));
    const auto key = engine_->contract->KeyOf(payload_);
    if (!key.ok()) {
      result->set_outcome(huiliu::v1::OUTCOME_QUARANTINED);
      result->set_error(std::string(key.status().message()));
      return absl::OkStatus();
    }
    record_key_ = RecordKey(*key);
    key_ = KeyOf(record_key_);
    RETURN_IF_ERROR(LoadDecisions());
    Decide(*key, payload_ == row_.raw());
    result->set_outcome(Foremost(decision_));
    if (IsUndecided(decision_)) {
      result->set_error(decision_.reason);
      return absl::OkStatus();
    }
    return Take(caller);
  }

  absl::Status Replay(pipeline::Replay why) {
    ASSIGN_OR_RETURN(engine_, j_.engines.Find(row_.source()));
    const absl::StatusOr<std::string> key =
        IsDelete() ? row_.key() : engine_->contract->KeyOf(payload_);
    if (!key.ok()) return absl::OkStatus();  // of a contract before this one
    record_key_ = RecordKey(*key);
    key_ = KeyOf(record_key_);
    RETURN_IF_ERROR(LoadDecisions());
    replay_ = true;
    const bool recheck = why == pipeline::Replay::kRecheck;
    recall_ = recheck || why == pipeline::Replay::kWithdrawn;
    const bool last = KeptAs(*key) == rules::Kept::kLast;
    // Of one that holds only what stands by it is looked at: the rest was returned when it was.
    if (recheck &&
        (!last || (!IsUndecidedBefore() && before_->prior.by_hand != row_.territory_override())))
      return absl::OkStatus();
    if (!recall_ && !last) return absl::OkStatus();
    if (why == pipeline::Replay::kFollow && IsUndecidedBefore()) return absl::OkStatus();
    Decide(*key, true);
    const bool by_the_same = row_.territory_override() == OverridesOf(decision_);
    if (by_the_same && (recheck || StandsAsDecided())) return absl::OkStatus();
    if (recheck && !rules::OverridesSpeak(decision_)) return absl::OkStatus();
    return Take({});
  }

 private:
  bool IsDelete() const { return row_.operation() == huiliu::v1::OPERATION_DELETE; }

  // Whether the row counts for each receiver as it was decided now.
  bool StandsAsDecided() const {
    const auto& receivers = engine_->source.receivers();
    return std::all_of(row_.counts().begin(), row_.counts().end(), [&](const CountDelta& delta) {
      const auto at = std::find(receivers.begin(), receivers.end(), delta.receiver());
      if (at == receivers.end()) return true;
      return decision_.outcomes[static_cast<size_t>(at - receivers.begin())] == delta.outcome() &&
             (delta.outcome() != huiliu::v1::OUTCOME_RETURNED ||
              delta.division() == decision_.attribution.division);
    });
  }

  std::string RecordKey(absl::string_view key) const {
    return absl::StrCat(engine_->source.system(), absl::string_view("\0", 1), key);
  }
  std::string KeyOf(absl::string_view record_key) const {
    return DecisionKey(engine_->source.dataset(), record_key);
  }
  TopicPartition DecisionsOf(const std::string& record_key) const {
    return {DecisionsTopic(engine_->source.dataset()),
            PartitionOf(record_key, j_.topics.partitions)};
  }

  absl::Status LoadDecisions() {
    std::vector<std::string> keys = {key_};
    if (row_.mapped() && !row_.raw().empty()) {
      const auto old = engine_->contract->KeyOf(row_.raw());
      if (old.ok()) old_record_key_ = RecordKey(*old);
    }
    if (!old_record_key_.empty()) keys.push_back(KeyOf(old_record_key_));
    return j_.decisions.Load(keys);
  }

  const rules::PriorDecision* PriorSeen() {
    return before_ == nullptr ? nullptr : &j_.engines.AsSeenBy(*engine_, before_->prior);
  }
  bool IsUndecidedBefore() { return rules::IsUndecided(*PriorSeen()); }

  // What the row told, beside what is remembered of its record now.
  rules::Kept KeptAs(const std::string& key) {
    before_ = j_.decisions.Find(key_);
    if (before_ == nullptr || !row_.mapped()) return rules::Kept::kApart;
    const bool is_delete = IsDelete();
    if (!is_delete) {
      const auto kept_key = engine_->contract->KeyOf(row_.raw());
      if (!kept_key.ok() || *kept_key != key) return rules::Kept::kApart;
    }
    return rules::IsToldLast(before_->prior, is_delete, is_delete ? Digest{} : Sha256(row_.raw()),
                             row_.row_id())
               ? rules::Kept::kLast
               : rules::Kept::kReplaced;
  }

  void Decide(const std::string& key, bool uncorrected) {
    rules::SourceChange change;
    change.operation = IsDelete() ? huiliu::v1::OPERATION_DELETE : huiliu::v1::OPERATION_UPSERT;
    change.key = key;
    change.payload = payload_;
    change.source_time_us = row_.source_time_us();
    change.row_id = row_.row_id();
    change.source = engine_->source.id();
    change.now_us = absl::ToUnixMicros(j_.now);
    change.redrive = true;
    change.kept = KeptAs(key);
    change.uncorrected = uncorrected;
    change.recall = recall_;
    engine_->engine->Decide(change, PriorSeen(), &decision_);
  }

  void MoveCounts(JudgedBatch* judged) const {
    const auto& receivers = engine_->source.receivers();
    for (const CountDelta& delta : row_.counts()) {
      const auto at = std::find(receivers.begin(), receivers.end(), delta.receiver());
      if (at != receivers.end()) judged->Count(static_cast<int>(at - receivers.begin()), delta, -1);
    }
    for (int r = 0; r < receivers.size(); ++r) {
      CountDelta delta =
          DeltaOf(*engine_, r, row_.day(), decision_.outcomes[static_cast<size_t>(r)],
                  decision_.attribution.division);
      // A mapped row's were counted when it was judged first.
      delta.set_conflicts(!row_.mapped() && decision_.attribution.conflict ? 1 : 0);
      delta.set_masked_at_source(!row_.mapped() && decision_.masked_at_source ? 1 : 0);
      judged->Count(r, delta, 1);
    }
  }

  huiliu::v1::Envelope EnvelopeOf() const {
    huiliu::v1::Envelope envelope;
    envelope.set_system(engine_->source.system());
    envelope.set_source_department(engine_->source.department());
    envelope.set_source_department_name(engine_->source.department_title());
    envelope.set_row_id(row_.row_id());
    envelope.set_source_time_us(row_.source_time_us());
    envelope.set_key_hash(ToString(
        Sha256(absl::string_view(record_key_).substr(engine_->source.system().size() + 1))));
    envelope.set_cleaned_time_us(absl::ToUnixMicros(j_.now));
    envelope.set_source(engine_->source.id());
    return envelope;
  }

  absl::Status Take(const governance::Principal& caller) {
    NoteDecided(*engine_, before_, decision_, &j_);
    ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(row_.id()));
    JudgedBatch::Origin origin;
    origin.step = huiliu::v1::STEP_REDRIVE;
    origin.epoch = id.epoch;
    origin.sequence = id.sequence;
    origin.partition = PartitionOf(record_key_, j_.topics.partitions);
    origin.actor = caller.account;
    origin.organisation = caller.organisation;
    origin.why = replay_ ? rules::DecidedAgain::kByOverrides : rules::DecidedAgain::kCorrected;
    JudgedBatch judged(*engine_, std::move(origin));
    MoveCounts(&judged);
    judged.Name(decision_);
    if (recall_) judged.NameWithdrawn(row_.territory_override());
    const huiliu::v1::Envelope envelope = EnvelopeOf();
    for (const rules::Output& output : decision_.outputs)
      judged.Publish(record_key_, envelope, absl::ToUnixMicros(j_.now), decision_, output);
    judged.Finish(j_.now, &j_.entries, &j_.transaction);
    Remember();
    QuarantinedRow done = row_;
    done.set_territory_override(OverridesOf(decision_));
    done.set_redriven(!IsUndecided(decision_));
    done.clear_counts();
    if (StaysKept()) {
      done.set_raw(payload_);
      done.set_mapped(true);
      // A delete says nothing of its own: it waits for what it waited for.
      if (!done.redriven() && !decision_.reason.empty()) done.set_reason(decision_.reason);
      for (int r = 0; r < engine_->source.receivers_size(); ++r)
        *done.add_counts() =
            DeltaOf(*engine_, r, row_.day(), decision_.outcomes[static_cast<size_t>(r)],
                    decision_.attribution.division);
    } else {
      done.clear_raw();
    }
    j_.kept[done.id()] = std::move(done);
    return absl::OkStatus();
  }

  // With its content: somebody waits for it still, or it was decided by hand.
  bool StaysKept() const { return IsUndecided(decision_) || !decision_.overrides.empty(); }

  void Remember() {
    const bool newest = decision_.novelty == rules::Novelty::kNew ||
                        decision_.novelty == rules::Novelty::kRedecided;
    if (newest) {
      decision_.next.counted_day = NumberOfDay(row_.day());
      j_.decisions.Set(key_, DecisionsOf(record_key_),
                       {StaysKept() ? row_.id() : "", ToRemember(*engine_, before_, &decision_)});
    } else if (decision_.store) {
      j_.decisions.Set(key_, DecisionsOf(record_key_),
                       {before_->kept, ToRemember(*engine_, before_, &decision_)});
    }
    if (old_record_key_.empty() || old_record_key_ == record_key_) return;
    // The correction changed the key: what the source goes on telling under the old one is read.
    const std::string old = KeyOf(old_record_key_);
    const NodeDecision* wrong = j_.decisions.Find(old);
    if (wrong == nullptr || wrong->kept != row_.id()) return;
    rules::PriorDecision prior = wrong->prior;
    prior.told = Sha256(row_.raw());
    prior.corrected = true;
    prior.payload_digest = Sha256(payload_);
    prior.outcomes = decision_.outcomes;
    prior.division = decision_.attribution.division;
    j_.decisions.Set(old, DecisionsOf(old_record_key_), {"", std::move(prior)});
  }

  const QuarantinedRow& row_;
  const std::string& payload_;
  Judgement& j_;
  NodeEngine* engine_ = nullptr;
  std::string record_key_, old_record_key_, key_;
  const NodeDecision* before_ = nullptr;
  bool replay_ = false;  // overrides have changed
  bool recall_ = false;
  rules::Decision decision_;
};

}  // namespace

absl::Status RedriveRow(const QuarantinedRow& row, const std::string& payload,
                        const governance::Principal& caller, Judgement* judgement, Result* result) {
  result->set_id(row.id());
  return Redrive(row, payload, judgement).Run(caller, result);
}

absl::Status ReplayRow(const QuarantinedRow& row, Replay why, Judgement* judgement) {
  return Redrive(row, row.raw(), judgement).Replay(why);
}

}  // namespace huiliu::pipeline
