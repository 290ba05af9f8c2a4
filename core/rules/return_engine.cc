#include "core/rules/return_engine.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/rules/areas.h"
#include "core/rules/compiled_rules.h"
#include "core/rules/history.h"
#include "core/rules/masks.h"
#include "core/rules/override_index.h"
#include "core/rules/record_facts.h"
#include "core/rules/rule_matcher.h"
#include "core/rules/version_order.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Outcome;
using huiliu::v1::OUTCOME_OUTSIDE_AREA;
using huiliu::v1::OUTCOME_PENDING;
using huiliu::v1::OUTCOME_QUARANTINED;
using huiliu::v1::OUTCOME_RETURNED;
using huiliu::v1::OUTCOME_WITHHELD;

void Assign(absl::string_view text, std::string* to) { to->assign(text.data(), text.size()); }

bool IsUndecidedOutcome(Outcome outcome) {
  return outcome == OUTCOME_PENDING || outcome == OUTCOME_QUARANTINED;
}

bool Contains(const std::vector<std::string>& list, absl::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

class Engine : public ReturnEngine {
 public:
  Engine(Options options, std::shared_ptr<const schema::Contract> contract,
         std::shared_ptr<const territory::Divisions> divisions)
      : receivers_(std::move(options.receivers)),
        memoryless_(options.memoryless),
        contract_(std::move(contract)),
        divisions_(std::move(divisions)),
        areas_(receivers_, divisions_) {}

  absl::Status Init(const std::vector<std::shared_ptr<const CompiledRules>>& compiled) {
    ASSIGN_OR_RETURN(facts_, RecordFacts::Create(*contract_, divisions_));
    environment_ = *EnvironmentOf(divisions_);
    matchers_.resize(receivers_.size());
    for (const auto& rules : compiled) {
      const RuleSet& set = rules->rule_set();
      const auto receiver = std::find_if(receivers_.begin(), receivers_.end(),
                                         [&](const Receiver& r) { return r.id == set.receiver; });
      if (set.dataset != contract_->id() || receiver == receivers_.end() ||
          rules->with().contract != contract_ ||
          rules->with().pseudonym_key != receiver->pseudonym_key) {
        return absl::InvalidArgumentError(
            absl::StrCat(set.source_name, ": 规则不属于此数据集或接收方 / rules for ",
                         set.dataset.value(), " to ", set.receiver.value(), " do not belong here"));
      }
      auto& matcher = matchers_[receiver - receivers_.begin()];
      if (matcher != nullptr) {
        return absl::InvalidArgumentError(absl::StrCat(
            set.source_name, ": 同一接收方有两个规则集 / a second rule set for receiver ",
            set.receiver.value()));
      }
      matcher = std::make_unique<RuleMatcher>(rules);
    }
    SetTime(0);
    return absl::OkStatus();
  }

  absl::Span<const Receiver> receivers() const override { return receivers_; }
  const Digest& rule_digest() const override { return rule_digest_; }
  const Digest& RuleDigestFor(const PriorDecision& prior, int64_t now_us) override {
    SetTime(now_us);
    return RuleDigestFor(prior);
  }

  void SetOverrides(absl::string_view system,
                    absl::Span<const huiliu::v1::TerritoryOverride> overrides) override {
    overrides_.emplace(
        OverrideIndex::Context{*contract_, *divisions_, receivers_, areas_, environment_},
        std::string(system), overrides);
    MixPendingDigest();
  }
  void TakeOver(ReturnEngine* previous) override {
    auto& engine = static_cast<Engine&>(*previous);
    for (const auto& matcher : matchers_) {
      for (const auto& before : engine.matchers_) {
        if (matcher != nullptr && before != nullptr) matcher->TakeOver(before.get());
      }
    }
  }

  void Decide(const SourceChange& change, const PriorDecision* prior, Decision* d) override {
    Reset(d);
    SetTime(change.now_us);
    const bool is_delete = change.operation == huiliu::v1::OPERATION_DELETE;
    if (is_delete || memoryless_) {
      digest_.fill(0);
    } else {
      hasher_.Update(change.payload);
      digest_ = hasher_.Finish();
    }
    d->novelty =
        prior == nullptr ? Novelty::kNew : Relate(change, *prior, digest_, RuleDigestFor(*prior));
    const bool publish = d->novelty == Novelty::kNew || d->novelty == Novelty::kRedecided;
    if (d->novelty == Novelty::kUnchanged) {
      TakeOver(*prior, d);
    } else if (is_delete && (prior != nullptr || change.payload.empty())) {
      DecideDelete(prior, change.recall, d);
      if (publish && overrides_.has_value() && !overrides_->empty()) DecideDeleteByHand(change, d);
    } else {
      DecideRecord(change, d);
      if (prior != nullptr && Follows(change, *prior, *d)) {
        TakeRepeated(change, *prior, d);
      } else if (d->novelty == Novelty::kSuperseded && !change.recall) {
        d->overrides.clear();  // nobody has it by them
      }
    }
    if (!memoryless_) Remember(change, prior, digest_, RuleDigestOf(*d), d);
    if (publish) {
      // While something newer waits, what holders have may be somebody else's.
      const bool recall =
          change.recall && prior != nullptr && (!IsUndecided(*prior) || !AllHold(prior->by_hand));
      Publish(prior, is_delete, recall, d);
    } else {
      d->outputs.clear();
      if (change.recall && d->novelty == Novelty::kSuperseded && IsUndecided(*prior) &&
          !AllHold(prior->by_hand))
        TakeBack(*prior, d);
    }
  }

 private:
  // ---- before the decision
  void Reset(Decision* d) {
    const size_t n = receivers_.size();
    d->novelty = Novelty::kNew;
    d->outcomes.assign(n, huiliu::v1::OUTCOME_UNSPECIFIED);
    d->reasons.resize(n);
    for (std::string& reason : d->reasons) reason.clear();
    d->rules.assign(n, -1);
    d->overrides.clear();
    d->findings.clear();
    d->masked_at_source = false;
    d->reason.clear();
    d->store = true;
    d->attribution.division.clear();
    d->attribution.decided_by = d->attribution.county_by = -1;
    d->attribution.county_means = territory::CountyMeans::kNothing;
    d->attribution.conflict = false;
    d->attribution.findings.clear();
    d->attribution.reason.clear();
    // Payload buffers are kept for reuse; what the caller took away is made again. The decision may
    // be of an engine before this one, with more receivers.
    for (Output& output : d->outputs) {
      if (static_cast<size_t>(output.receiver) >= payloads_.size()) continue;
      if (output.payload.capacity() > payloads_[output.receiver].capacity()) {
        payloads_[output.receiver].swap(output.payload);
      }
    }
  }

  void SetTime(int64_t now_us) {
    bool changed = !has_digest_;
    for (const auto& matcher : matchers_) {
      if (matcher != nullptr && matcher->SetTime(now_us)) changed = true;
    }
    if (!changed) return;
    has_digest_ = true;
    Hasher hasher;
    const auto add = [&hasher](absl::string_view text) {
      char size[8];
      absl::little_endian::Store64(size, text.size());
      hasher.Update(absl::string_view(size, sizeof size));
      hasher.Update(text);
    };
    add(contract_->options().territory().SerializeAsString());
    payloads_.resize(receivers_.size());
    for (size_t i = 0; i < receivers_.size(); ++i) {
      add(receivers_[i].id.value());
      for (const std::string& division : receivers_[i].divisions) add(division);
      add(AsBytes(HmacSha256(receivers_[i].pseudonym_key, "huiliu.rule_digest")));
      add(matchers_[i] == nullptr ? absl::string_view() : AsBytes(matchers_[i]->rule_set().digest));
      if (matchers_[i] == nullptr) continue;
      AddNumbers(matchers_[i]->in_force(), &hasher);
    }
    rule_digest_ = hasher.Finish();
    MixPendingDigest();
  }

  // Overrides decide what evidence leaves pending, and nothing else: theirs is another digest, so
  // that a new one lets only such records be decided again.
  void MixPendingDigest() {
    pending_digest_ = rule_digest_;
    if (!overrides_.has_value() || overrides_->empty()) return;
    hasher_.Update(AsBytes(rule_digest_));
    hasher_.Update(AsBytes(overrides_->digest()));
    pending_digest_ = hasher_.Finish();
  }
  // With what to compare a prior decision's digest: nothing in it says which of the two it is, but
  // a pending one always has the second.
  const Digest& RuleDigestFor(const PriorDecision& prior) const {
    const bool pended = std::find(prior.outcomes.begin(), prior.outcomes.end(), OUTCOME_PENDING) !=
                        prior.outcomes.end();
    return pended || SameRules(prior.rule_digest, pending_digest_) ? pending_digest_ : rule_digest_;
  }
  const Digest& RuleDigestOf(const Decision& d) const {
    const bool pends =
        std::find(d.outcomes.begin(), d.outcomes.end(), OUTCOME_PENDING) != d.outcomes.end();
    return pends || !d.overrides.empty() ? pending_digest_ : rule_digest_;
  }

  // As `add` would one by one; they are many, and this runs between two records.
  static void AddNumbers(absl::Span<const int> numbers, Hasher* hasher) {
    std::string bytes;
    bytes.reserve(numbers.size() * 13);
    for (const int number : numbers) {
      const absl::AlphaNum text(number);
      char size[8];
      absl::little_endian::Store64(size, text.size());
      bytes.append(size, sizeof size);
      bytes.append(text.data(), text.size());
    }
    hasher->Update(bytes);
  }

  // ---- the decision
  void TakeOutcomes(const PriorDecision& prior, Decision* d) const {
    if (prior.outcomes.size() != d->outcomes.size()) return;
    for (size_t i = 0; i < prior.outcomes.size(); ++i) {
      if (prior.outcomes[i] != huiliu::v1::OUTCOME_UNSPECIFIED) d->outcomes[i] = prior.outcomes[i];
    }
  }

  // Whether it counts as what stands: a repeat; and what waited in vain, where that is decided.
  static bool Follows(const SourceChange& change, const PriorDecision& prior, const Decision& d) {
    if (d.novelty == Novelty::kRepeat) return true;
    // What is taken back waits first.
    if (d.novelty != Novelty::kSuperseded || !change.uncorrected || change.recall ||
        IsUndecided(prior))
      return false;
    // Evidence does not decide it.
    return !d.overrides.empty() ||
           std::any_of(d.outcomes.begin(), d.outcomes.end(), IsUndecidedOutcome);
  }

  // It counts as the first did; where that was corrected by hand, as it was decided then.
  void TakeRepeated(const SourceChange& change, const PriorDecision& prior, Decision* d) const {
    TakeOutcomes(prior, d);
    const bool decided_otherwise =
        TellsCorrected(change, prior, digest_) || d->novelty == Novelty::kSuperseded;
    if (change.redrive) Assign(prior.division, &d->attribution.division);
    if (decided_otherwise) {
      TakeOver(prior, d);
      d->attribution.conflict = prior.conflict;
      d->overrides.clear();
      if (!IsUndecided(prior)) {
        d->reason.clear();
        for (std::string& reason : d->reasons) reason.clear();
      }
    }
    // By what decided that, so that it is taken back with it.
    if (prior.by_hand.empty() || IsUndecided(prior)) return;
    d->overrides.assign(receivers_.size(), "");
    d->overrides[0] = prior.by_hand;
  }

  void TakeOver(const PriorDecision& prior, Decision* d) const {
    Assign(prior.division, &d->attribution.division);
    for (size_t i = 0; i < receivers_.size(); ++i) {
      d->outcomes[i] = Contains(prior.holders, receivers_[i].id.value()) ? OUTCOME_RETURNED
                                                                         : OUTCOME_OUTSIDE_AREA;
    }
    TakeOutcomes(prior, d);
  }

  // `recall`: what decided this very delete was taken back.
  void DecideDelete(const PriorDecision* prior, bool recall, Decision* d) {
    if (prior == nullptr) {
      for (size_t i = 0; i < receivers_.size(); ++i)
        Set(d, i, OUTCOME_PENDING, "delete.unknown_key");
      return;
    }
    TakeOver(*prior, d);
    if (prior->deleted) {
      if (recall && d->novelty == Novelty::kRedecided)
        d->outcomes.assign(receivers_.size(), OUTCOME_PENDING);
      return;
    }
    for (size_t i = 0; i < receivers_.size(); ++i) {
      if (Contains(prior->holders, receivers_[i].id.value())) d->outcomes[i] = OUTCOME_RETURNED;
    }
  }

  void DecideRecord(const SourceChange& change, Decision* d) {
    const absl::string_view payload = change.payload;
    if (!facts_->Read(payload, &d->attribution, &d->findings, &d->masked_at_source)) {
      for (size_t i = 0; i < receivers_.size(); ++i) Set(d, i, OUTCOME_QUARANTINED, "record.torn");
      return;
    }
    const territory::Attribution& attribution = d->attribution;
    const absl::Span<const Belonging> belonging = attribution.division.empty()
                                                      ? absl::Span<const Belonging>()
                                                      : areas_.Of(attribution.division);
    const bool waits = attribution.conflict && contract_->options().territory().conflicts_wait();
    const cel::Activation activation{facts_->slots(), attribution.division, payload,
                                     attribution.conflict};
    for (size_t i = 0; i < receivers_.size(); ++i) {
      if (!belonging.empty() && belonging[i] == Belonging::kOutside &&
          !(waits && IsNamed(attribution, i))) {
        d->outcomes[i] = OUTCOME_OUTSIDE_AREA;
      } else if (facts_->missing() != nullptr) {
        Set(d, i, OUTCOME_QUARANTINED, "required.empty:", facts_->missing()->name);
      } else if (belonging.empty()) {
        Set(d, i, OUTCOME_PENDING,
            attribution.reason.empty() ? "territory.no_evidence" : attribution.reason);
      } else if (waits) {
        Set(d, i, OUTCOME_PENDING, "territory.conflict");
      } else if (belonging[i] == Belonging::kUnclear) {
        Set(d, i, OUTCOME_PENDING, "territory.too_coarse");
      } else {
        ApplyRules(activation, i, d);
      }
    }
    if (overrides_.has_value() && !overrides_->empty()) DecideByHand(change, waits, d);
  }

  // For whom it is pending.
  bool FindPending(const Decision& d) {
    pends_.assign(receivers_.size(), false);
    for (size_t i = 0; i < receivers_.size(); ++i) pends_[i] = d.outcomes[i] == OUTCOME_PENDING;
    return std::find(pends_.begin(), pends_.end(), true) != pends_.end();
  }

  // A delete of which nobody knows whose record it ends: what names just that record says so.
  void DecideDeleteByHand(const SourceChange& change, Decision* d) {
    if (!FindPending(*d)) return;
    const OverrideVerdict& verdict = overrides_->FindRecord(change.key, pends_);
    if (!verdict.speaks) return;
    absl::Span<const Belonging> belonging;
    if (verdict.claim != nullptr) {
      Assign(verdict.claim->division, &d->attribution.division);
      belonging = areas_.Of(d->attribution.division);
    }
    for (size_t i = 0; i < receivers_.size(); ++i) {
      if (!pends_[i] || verdict.contradictions[i].first != nullptr) continue;
      const HeldOverride* by = verdict.not_ours[i];
      if (by == nullptr && !belonging.empty() && belonging[i] != Belonging::kUnclear)
        by = verdict.claim;
      if (by == nullptr) continue;
      const bool ours = by == verdict.claim && belonging[i] == Belonging::kInside;
      d->outcomes[i] = ours ? OUTCOME_RETURNED : OUTCOME_OUTSIDE_AREA;
      d->overrides.resize(receivers_.size());
      d->overrides[i] = by->id;
      d->reasons[i].clear();
    }
    TakeFirstReason(d);
  }

  static void TakeFirstReason(Decision* d) {
    d->reason.clear();
    for (const std::string& reason : d->reasons) {
      if (d->reason.empty()) d->reason = reason;
    }
  }

  // What evidence leaves pending, territory overrides may decide; what it decided stays.
  void DecideByHand(const SourceChange& change, bool waits, Decision* d) {
    if (!FindPending(*d)) return;
    std::string& division = d->attribution.division;
    const OverrideVerdict& verdict = overrides_->Find(
        change.key, {facts_->slots(), division, change.payload, d->attribution.conflict}, pends_,
        waits ? absl::string_view() : absl::string_view(division));
    if (!verdict.speaks) return;
    absl::Span<const Belonging> belonging;
    if (verdict.claim != nullptr) {
      Assign(verdict.claim->division, &division);
      d->attribution.reason.clear();
      belonging = areas_.Of(division);
    }
    const cel::Activation activation{facts_->slots(), division, change.payload,
                                     d->attribution.conflict};
    for (size_t i = 0; i < receivers_.size(); ++i)
      TakeVerdict(verdict, belonging, activation, i, d);
    TakeFirstReason(d);
  }

  void TakeVerdict(const OverrideVerdict& verdict, absl::Span<const Belonging> belonging,
                   const cel::Activation& activation, size_t i, Decision* d) {
    const auto by = [&](const HeldOverride& decided) {
      d->overrides.resize(receivers_.size());
      d->overrides[i] = decided.id;
      d->reasons[i].clear();
    };
    const auto& [one, other] = verdict.contradictions[i];
    if (!pends_[i]) {
      // Its outcome is evidence's; its rules see the division that the record now has.
      if (belonging.empty() || d->outcomes[i] == OUTCOME_OUTSIDE_AREA) return;
      d->reasons[i].clear();
      ApplyRules(activation, i, d);
    } else if (one != nullptr) {
      Set(d, i, OUTCOME_PENDING,
          "territory.override_conflict:", absl::StrCat(one->id, ",", other->id));
    } else if (verdict.not_ours[i] != nullptr) {
      by(*verdict.not_ours[i]);
      d->outcomes[i] = OUTCOME_OUTSIDE_AREA;
    } else if (belonging.empty() || belonging[i] == Belonging::kUnclear) {
      return;
    } else if (belonging[i] == Belonging::kOutside) {
      by(*verdict.claim);
      d->outcomes[i] = OUTCOME_OUTSIDE_AREA;
    } else {
      by(*verdict.claim);
      ApplyRules(activation, i, d);
    }
  }

  // Whether any evidence named the receiver's area.
  bool IsNamed(const territory::Attribution& attribution, size_t receiver) {
    return std::any_of(
        attribution.findings.begin(), attribution.findings.end(), [&](const territory::Finding& f) {
          return !f.division.empty() && areas_.Of(f.division)[receiver] == Belonging::kInside;
        });
  }

  void ApplyRules(const cel::Activation& activation, size_t i, Decision* d) {
    RuleMatcher* matcher = matchers_[i].get();
    const RuleMatch match = matcher == nullptr ? RuleMatch{} : matcher->First(activation);
    d->rules[i] = match.rule;
    if (match.rule < 0) return Set(d, i, OUTCOME_WITHHELD, "rule.none");
    const Rule& rule = matcher->rule_set().rules[match.rule];
    // Not knowing whether a rule holds, what it would have withheld or masked must not leave.
    if (match.error) return Set(d, i, OUTCOME_WITHHELD, "rule.error:", rule.id);
    if (!rule.returns) return Set(d, i, OUTCOME_WITHHELD, "rule.withheld:", rule.id);
    const schema::Field*& failed = workspace_.failed_field;
    switch (matcher->transform(match.rule).Apply(activation, &workspace_, &payloads_[i])) {
      case RecordTransform::Result::kOk:
        d->outcomes[i] = OUTCOME_RETURNED;
        return;
      case RecordTransform::Result::kTorn:
        return Set(d, i, OUTCOME_QUARANTINED, "record.torn");
      case RecordTransform::Result::kInvalidText:
        return Set(d, i, OUTCOME_QUARANTINED, "field.invalid:", failed->name);
      case RecordTransform::Result::kMaskFailed:
        return Set(d, i, OUTCOME_WITHHELD, "mask.failed:", failed->name);
      case RecordTransform::Result::kDeriveFailed:
        return Set(d, i, OUTCOME_WITHHELD, "derive.failed:", failed->name);
    }
  }

  static void Set(Decision* d, size_t receiver, Outcome outcome, absl::string_view code,
                  absl::string_view what = "") {
    d->outcomes[receiver] = outcome;
    std::string& reason = d->reasons[receiver];
    reason.assign(code.data(), code.size());
    reason.append(what.data(), what.size());
    if (d->reason.empty()) d->reason = reason;
  }

  // ---- after the decision
  // Outputs, and who holds the record from now on.
  void Publish(const PriorDecision* prior, bool is_delete, bool recall, Decision* d) {
    size_t outputs = 0, holders = 0;
    std::vector<std::string>& held = d->next.holders;
    const auto hold = [&](absl::string_view id) {
      if (holders == held.size()) held.emplace_back();
      Assign(id, &held[holders++]);
    };
    for (size_t i = 0; i < receivers_.size(); ++i) {
      const std::string& id = receivers_[i].id.value();
      const bool held_before = prior != nullptr && Contains(prior->holders, id);
      const Outcome outcome = d->outcomes[i];
      const bool returned = outcome == OUTCOME_RETURNED;
      // A version that could not be decided leaves holders with what they have, unless they have it
      // by what was taken back.
      const bool undecided =
          !recall && (outcome == OUTCOME_PENDING || outcome == OUTCOME_QUARANTINED);
      if (is_delete ? (held_before || (returned && prior == nullptr))
                    : returned || (held_before && !undecided)) {
        if (outputs == d->outputs.size()) d->outputs.emplace_back();
        Output& output = d->outputs[outputs++];
        output.receiver = static_cast<int>(i);
        output.tombstone = is_delete || !returned;
        output.payload.clear();
        if (!output.tombstone) output.payload.swap(payloads_[i]);
        output.rule.clear();
        if (d->rules[i] >= 0) matchers_[i]->AppendLabel(d->rules[i], &output.rule);
      }
      if (!is_delete && (returned || (held_before && undecided))) hold(id);
    }
    d->outputs.resize(outputs);
    // A holder that is no receiver here any more: its tombstone is owed by whoever serves it.
    if (prior != nullptr) {
      for (const std::string& id : prior->holders) {
        const bool ours = std::any_of(receivers_.begin(), receivers_.end(),
                                      [&](const Receiver& r) { return r.id.value() == id; });
        if (!ours) hold(id);
      }
    }
    held.resize(holders);
    std::set<absl::string_view> ids(d->overrides.begin(), d->overrides.end());
    ids.erase("");
    const bool undecided = std::any_of(d->outcomes.begin(), d->outcomes.end(), IsUndecidedOutcome);
    // While it waits holders keep what they have, and so does what decided that.
    if (ids.empty() && undecided && !held.empty() && prior != nullptr) {
      d->next.by_hand = prior->by_hand;
    } else {
      d->next.by_hand = absl::StrJoin(ids, ",");
    }
  }

  // Whether these overrides are in force; true where there are none.
  bool AllHold(absl::string_view ids) const {
    if (ids.empty()) return true;
    for (absl::string_view id : absl::StrSplit(ids, ',')) {
      if (!overrides_.has_value() || !overrides_->Has(id)) return false;
    }
    return true;
  }

  // Something newer waits, and who holds the record by what was taken back does so no more.
  void TakeBack(const PriorDecision& prior, Decision* d) {
    std::vector<std::string> others;
    for (const std::string& id : prior.holders) {
      const auto at = std::find_if(receivers_.begin(), receivers_.end(),
                                   [&](const Receiver& r) { return r.id.value() == id; });
      if (at == receivers_.end()) {
        others.push_back(id);
        continue;
      }
      Output& output = d->outputs.emplace_back();
      output.receiver = static_cast<int>(at - receivers_.begin());
      output.tombstone = true;
    }
    d->next.holders = std::move(others);
    d->next.by_hand.clear();
    d->store = true;
  }

  const std::vector<Receiver> receivers_;
  const bool memoryless_;
  const std::shared_ptr<const schema::Contract> contract_;
  const std::shared_ptr<const territory::Divisions> divisions_;
  Areas areas_;
  cel::Environment environment_;
  std::unique_ptr<RecordFacts> facts_;
  std::vector<std::unique_ptr<RuleMatcher>> matchers_;  // nullptr: nothing returns to this receiver
  std::optional<OverrideIndex> overrides_;
  std::vector<bool> pends_;  // by receiver, of the record that is decided by hand
  Digest rule_digest_{};
  Digest pending_digest_{};  // of records that evidence leaves pending
  bool has_digest_ = false;
  Hasher hasher_;
  Digest digest_{};
  std::vector<std::string> payloads_;  // transformed, by receiver
  RecordTransform::Workspace workspace_;
};

}  // namespace

std::string DecidedBy(const Decision& decision, int receiver, const schema::Contract& contract) {
  const auto i = static_cast<size_t>(receiver);
  if (i < decision.overrides.size() && !decision.overrides[i].empty())
    return absl::StrCat("override:", decision.overrides[i]);
  if (decision.attribution.decided_by < 0) return "";
  return contract.options().territory().evidence(decision.attribution.decided_by).field();
}

absl::StatusOr<std::unique_ptr<ReturnEngine>> ReturnEngine::Assemble(
    Options options, std::shared_ptr<const schema::Contract> contract,
    const std::vector<std::shared_ptr<const CompiledRules>>& rules,
    std::shared_ptr<const territory::Divisions> divisions) {
  auto engine =
      std::make_unique<Engine>(std::move(options), std::move(contract), std::move(divisions));
  RETURN_IF_ERROR(engine->Init(rules));
  return std::unique_ptr<ReturnEngine>(std::move(engine));
}

absl::StatusOr<std::unique_ptr<ReturnEngine>> ReturnEngine::Create(
    Options options, std::shared_ptr<const schema::Contract> contract,
    const std::vector<std::shared_ptr<const RuleSet>>& rule_sets,
    std::shared_ptr<const territory::Divisions> divisions) {
  const std::shared_ptr<const cel::Environment> environment = EnvironmentOf(divisions);
  std::vector<std::shared_ptr<const CompiledRules>> rules;
  for (const auto& set : rule_sets) {
    CompiledRules::With with{contract, environment, ""};
    for (const Receiver& receiver : options.receivers) {
      if (receiver.id == set->receiver) with.pseudonym_key = receiver.pseudonym_key;
    }
    ASSIGN_OR_RETURN(rules.emplace_back(), CompiledRules::Compile(std::move(with), set));
  }
  return Assemble(std::move(options), std::move(contract), rules, std::move(divisions));
}

}  // namespace huiliu::rules
