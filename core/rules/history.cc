#include "core/rules/history.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "core/rules/version_order.h"

namespace huiliu::rules {
namespace {

constexpr size_t kMaxSeen = 16;
constexpr int64_t kDayUs = int64_t{86400} * 1000000;
constexpr int64_t kShanghaiUs = int64_t{8} * 3600 * 1000000;

int32_t ShanghaiDay(int64_t now_us) {
  return now_us == 0 ? 0 : static_cast<int32_t>((now_us + kShanghaiUs) / kDayUs);
}

void Assign(absl::string_view text, std::string* to) { to->assign(text.data(), text.size()); }

bool SameSource(const SourceChange& change, const PriorDecision& prior) {
  return change.source == absl::string_view(prior.source);
}

bool SameRow(const SourceChange& change, const PriorDecision& prior) {
  return SameSource(change, prior) && change.row_id == prior.row_id;
}

// Whether a record of the source's history is the very version that was decided last.
bool IsNewest(const SourceChange& change, const PriorDecision& prior, const Digest& digest) {
  return !prior.deleted && SameSource(change, prior) &&
         change.operation != huiliu::v1::OPERATION_DELETE &&
         SamePayload(prior.payload_digest, digest) &&
         (change.row_id.empty() || change.row_id == prior.row_id) &&
         (change.source_time_us == 0 || change.source_time_us == prior.source_time_us);
}

bool IsDelete(const SourceChange& change) {
  return change.operation == huiliu::v1::OPERATION_DELETE;
}

void AddSeen(absl::string_view source, absl::string_view row_id, const Digest& payload_digest,
             std::vector<uint64_t>* seen) {
  const uint64_t fingerprint = FingerprintOf(source, row_id, payload_digest);
  if (std::find(seen->begin(), seen->end(), fingerprint) != seen->end()) return;
  if (seen->size() >= kMaxSeen) seen->erase(seen->begin());
  seen->push_back(fingerprint);
}

// The version that the source told last, under its row.
const Digest& ToldOf(const PriorDecision& prior) {
  return prior.corrected ? prior.told : prior.payload_digest;
}

bool IsOlderThan(const PriorDecision& prior, const SourceChange& change) {
  return IsOlder({change.source_time_us, change.source, change.row_id},
                 {prior.source_time_us, prior.source, prior.row_id});
}

bool IsSeen(const SourceChange& change, const PriorDecision& prior, const Digest& digest) {
  return !prior.seen.empty() &&
         std::find(prior.seen.begin(), prior.seen.end(),
                   FingerprintOf(change.source, change.row_id, digest)) != prior.seen.end();
}

// What was decided last is a re-read from now on, and so is what the source had told in its place.
void AddPriorToSeen(const PriorDecision& prior, std::vector<uint64_t>* seen) {
  if (prior.corrected) AddSeen(prior.source, prior.row_id, prior.told, seen);
  AddSeen(prior.source, prior.row_id, prior.payload_digest, seen);
}

// A person has put `digest` in the place of what the source told.
void NoteCorrected(const PriorDecision& prior, const Digest& digest, PriorDecision* next) {
  if (SamePayload(prior.payload_digest, digest)) return;
  // Corrected twice: what the source told is the first. Corrected back to it: nothing is.
  next->told = ToldOf(prior);
  next->corrected = !SamePayload(next->told, digest);
}

// What was told last is decided by hand now. It keeps its newest row; under another source only
// where that one's row was decided, for its receivers are what the outcomes are of.
void StandForRedriven(const SourceChange& change, const PriorDecision& prior, const Digest& digest,
                      PriorDecision* next) {
  NoteCorrected(prior, digest, next);
  if (SameSource(change, prior)) return;
  AddPriorToSeen(prior, &next->seen);
  Assign(change.source, &next->source);
  Assign(change.row_id, &next->row_id);
}

// The source itself tells now what a person had corrected it to: the correction is over.
void EndCorrection(const SourceChange& change, const PriorDecision& prior, const Digest& digest,
                   PriorDecision* next) {
  if (!prior.corrected || !SamePayload(prior.payload_digest, digest) || IsOlderThan(prior, change))
    return;
  next->corrected = false;
  if (change.row_id != prior.row_id || change.source_time_us > prior.source_time_us)
    AddSeen(prior.source, prior.row_id, prior.told, &next->seen);
}

// Which row stands for it: the one that tells it last, with its own time and count, so that new
// rules find what they move.
void StandForRepeat(const SourceChange& change, const PriorDecision& prior, const Digest& digest,
                    Decision* d) {
  PriorDecision& next = d->next;
  // Sources that have no times do not wait for each other: one that takes another's place takes its
  // records over, whatever its id.
  const bool older = SameSource(change, prior) ? IsOlderThan(prior, change)
                                               : change.source_time_us != 0 &&
                                                     change.source_time_us < prior.source_time_us;
  if (older) return AddSeen(change.source, change.row_id, digest, &next.seen);
  if (SameSource(change, prior)) {
    AddSeen(prior.source, prior.row_id, ToldOf(prior), &next.seen);
  } else {
    AddPriorToSeen(prior, &next.seen);
  }
  Assign(change.source, &next.source);
  Assign(change.row_id, &next.row_id);
  next.source_time_us = change.source_time_us;
  next.outcomes = d->outcomes;
  next.counted_day = ShanghaiDay(change.now_us);
  EndCorrection(change, prior, digest, &next);
}

// The truth stands; what came is only recognised from now on.
void RememberBeside(const SourceChange& change, const PriorDecision& prior, const Digest& digest,
                    Decision* d) {
  PriorDecision& next = d->next;
  switch (d->novelty) {
    case Novelty::kUnchanged:
      if (change.replay) {
        d->store = false;
        return;
      }
      // Only the same content may move the time forward, and no other source's re-read.
      d->store =
          SameSource(change, prior) && change.source_time_us > prior.source_time_us &&
          (SamePayload(prior.payload_digest, digest) || TellsCorrected(change, prior, digest));
      if (d->store) next.source_time_us = change.source_time_us;
      if (!SameSource(change, prior)) return;
      EndCorrection(change, prior, digest, &next);
      d->store = d->store || next.corrected != prior.corrected;
      return;
    case Novelty::kRepeat:
      // A row that waited was told of when it came.
      if (change.redrive) {
        d->store = false;
      } else {
        StandForRepeat(change, prior, digest, d);
      }
      return;
    case Novelty::kSuperseded:
      AddSeen(change.source, change.row_id, digest, &next.seen);
      return;
    case Novelty::kNew:
    case Novelty::kRedecided:
      return;
  }
}

// Whether what decided the prior version by hand has been taken back already.
bool IsRecalled(const PriorDecision& prior, const Digest& rule_digest) {
  return SameRules(prior.rule_digest, rule_digest) &&
         (!IsUndecided(prior) || prior.holders.empty());
}

Novelty RelateRedriven(const SourceChange& change, const PriorDecision& prior,
                       const Digest& payload_digest, const Digest& rule_digest) {
  const bool says_the_same =
      TellsCorrected(change, prior, payload_digest) ||
      (prior.deleted == IsDelete(change) && SamePayload(prior.payload_digest, payload_digest));
  const bool older = IsOlderThan(prior, change);
  if (change.kept == Kept::kLast) {
    if (change.recall)
      return IsRecalled(prior, rule_digest) ? Novelty::kRepeat : Novelty::kRedecided;
    if (IsUndecided(prior)) return Novelty::kRedecided;
    if (says_the_same) return Novelty::kRepeat;
    return older ? Novelty::kSuperseded : Novelty::kRedecided;
  }
  if (says_the_same) return Novelty::kRepeat;
  // Of the versions of one row only a later time tells that the kept one is the newer.
  const bool replaced = change.kept == Kept::kReplaced && SameRow(change, prior) &&
                        change.source_time_us <= prior.source_time_us;
  return older || replaced ? Novelty::kSuperseded : Novelty::kNew;
}

}  // namespace

bool IsToldLast(const PriorDecision& prior, bool is_delete, const Digest& payload_digest,
                absl::string_view row_id) {
  if (prior.deleted != is_delete) return false;
  // Deletes all say the same: one that waited is not the one that something later was deleted by.
  if (is_delete) return prior.row_id == row_id || IsUndecided(prior) || !prior.by_hand.empty();
  return SamePayload(ToldOf(prior), payload_digest) ||
         SamePayload(prior.payload_digest, payload_digest);
}

bool IsUndecided(const PriorDecision& prior) {
  return std::any_of(prior.outcomes.begin(), prior.outcomes.end(), [](auto outcome) {
    return outcome == huiliu::v1::OUTCOME_PENDING || outcome == huiliu::v1::OUTCOME_QUARANTINED;
  });
}

bool OverridesSpeak(const Decision& decision) {
  return !decision.overrides.empty() ||
         std::any_of(decision.reasons.begin(), decision.reasons.end(),
                     [](const std::string& reason) {
                       return absl::StartsWith(reason, "territory.override_conflict");
                     });
}

bool TellsCorrected(const SourceChange& change, const PriorDecision& prior,
                    const Digest& payload_digest) {
  return prior.corrected && !IsDelete(change) && SamePayload(prior.told, payload_digest);
}

Novelty Relate(const SourceChange& change, const PriorDecision& prior, const Digest& payload_digest,
               const Digest& rule_digest) {
  const bool is_delete = IsDelete(change);
  if (change.replay) {
    return IsNewest(change, prior, payload_digest) && !SameRules(prior.rule_digest, rule_digest)
               ? Novelty::kRedecided
               : Novelty::kUnchanged;
  }
  if (change.redrive) return RelateRedriven(change, prior, payload_digest, rule_digest);
  const bool same_source = SameSource(change, prior);
  const bool same_row = same_source && (change.row_id.empty() || change.row_id == prior.row_id);
  const auto reread = [&] { return same_row || IsSeen(change, prior, payload_digest); };
  // The correction stands in for it under other rules, too: what it says is not known here.
  if (TellsCorrected(change, prior, payload_digest))
    return reread() ? Novelty::kUnchanged : Novelty::kRepeat;
  if (prior.deleted == is_delete && SamePayload(prior.payload_digest, payload_digest)) {
    if (is_delete || SameRules(prior.rule_digest, rule_digest))
      return reread() ? Novelty::kUnchanged : Novelty::kRepeat;
    if (!reread()) return Novelty::kNew;
    // What counts is moved where it stands: under the source that told it last.
    return same_source ? Novelty::kRedecided : Novelty::kUnchanged;
  }
  if (!IsOlderThan(prior, change)) return Novelty::kNew;
  return IsSeen(change, prior, payload_digest) ? Novelty::kUnchanged : Novelty::kSuperseded;
}

void Remember(const SourceChange& change, const PriorDecision* prior, const Digest& payload_digest,
              const Digest& rule_digest, Decision* d) {
  PriorDecision& next = d->next;
  if (prior != nullptr) {
    next = *prior;
  } else {
    next.seen.clear();
    next.corrected = false;
    next.by_hand.clear();
    next.holders.clear();
    next.source_time_us = 0;
    next.counted_day = 0;
    next.row_id.clear();
    next.source.clear();
  }
  if (prior != nullptr && d->novelty != Novelty::kNew && d->novelty != Novelty::kRedecided) {
    return RememberBeside(change, *prior, payload_digest, d);
  }
  if (prior != nullptr && d->novelty == Novelty::kNew &&
      (!SameRow(change, *prior) || change.source_time_us > prior->source_time_us)) {
    AddPriorToSeen(*prior, &next.seen);
  }
  next.deleted = IsDelete(change);
  next.payload_digest = payload_digest;
  next.rule_digest = rule_digest;
  next.outcomes = d->outcomes;
  Assign(d->attribution.division, &next.division);
  // Of what holders keep meanwhile: a delete of it counts under that.
  if (prior != nullptr && next.division.empty() && !prior->holders.empty() && IsUndecided(next))
    next.division = prior->division;
  next.conflict = d->attribution.conflict;
  if (d->novelty == Novelty::kRedecided) {
    if (change.redrive) {
      StandForRedriven(change, *prior, payload_digest, &next);
    } else {
      next.source_time_us = std::max(prior->source_time_us, change.source_time_us);
      EndCorrection(change, *prior, payload_digest, &next);
    }
    return;
  }
  next.source_time_us = change.source_time_us;
  next.corrected = false;
  next.counted_day = ShanghaiDay(change.now_us);
  if (!change.row_id.empty() || (prior != nullptr && !SameSource(change, *prior)))
    Assign(change.row_id, &next.row_id);
  Assign(change.source, &next.source);
}

}  // namespace huiliu::rules
