#include "core/rules/return_engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/rules/areas.h"
#include "core/rules/history.h"
#include "core/rules/masks.h"
#include "core/rules/record_facts.h"
#include "core/rules/rule_matcher.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::Outcome;
using huiliu::v1::OUTCOME_OUTSIDE_AREA;
using huiliu::v1::OUTCOME_PENDING;
using huiliu::v1::OUTCOME_QUARANTINED;
using huiliu::v1::OUTCOME_RETURNED;
using huiliu::v1::OUTCOME_WITHHELD;

void Assign(absl::string_view text, std::string* to) { to->assign(text.data(), text.size()); }

bool Contains(const std::vector<std::string>& list, absl::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

class Engine : public ReturnEngine {
 public:
  Engine(Options options, std::shared_ptr<const schema::Contract> contract,
         std::shared_ptr<const territory::Divisions> divisions)
      : receivers_(std::move(options.receivers)),
        contract_(std::move(contract)),
        divisions_(std::move(divisions)),
        areas_(receivers_, divisions_) {}

  absl::Status Init(const std::vector<std::shared_ptr<const RuleSet>>& rule_sets) {
    ASSIGN_OR_RETURN(facts_, RecordFacts::Create(*contract_, divisions_));
    const cel::Environment environment{
        [divisions = divisions_](absl::string_view area, absl::string_view code) {
          return divisions->Contains(area, code);
        },
        [divisions = divisions_](absl::string_view code) { return divisions->Resolve(code); }};
    matchers_.resize(receivers_.size());
    for (const auto& set : rule_sets) {
      const auto receiver = std::find_if(receivers_.begin(), receivers_.end(),
                                         [&](const Receiver& r) { return r.id == set->receiver; });
      if (set->dataset != contract_->id() || receiver == receivers_.end()) {
        return absl::InvalidArgumentError(
            absl::StrCat(set->source_name, ": rules for ", set->dataset.value(), " to ",
                         set->receiver.value(), " do not belong here"));
      }
      auto& matcher = matchers_[receiver - receivers_.begin()];
      if (matcher != nullptr) {
        return absl::InvalidArgumentError(absl::StrCat(
            set->source_name, ": a second rule set for receiver ", set->receiver.value()));
      }
      ASSIGN_OR_RETURN(matcher,
                       RuleMatcher::Create(*contract_, set, environment, receiver->pseudonym_key));
    }
    SetTime(0);
    return absl::OkStatus();
  }

  absl::Span<const Receiver> receivers() const override { return receivers_; }
  const Digest& rule_digest() const override { return rule_digest_; }
  const Digest& RuleDigestAt(int64_t now_us) override {
    SetTime(now_us);
    return rule_digest_;
  }

  void Decide(const SourceChange& change, const PriorDecision* prior, Decision* d) override {
    Reset(d);
    SetTime(change.now_us);
    const bool is_delete = change.operation == huiliu::v1::OPERATION_DELETE;
    if (is_delete) {
      digest_.fill(0);
    } else {
      hasher_.Update(change.payload);
      digest_ = hasher_.Finish();
    }
    d->novelty = prior == nullptr ? Novelty::kNew : Relate(change, *prior, digest_, rule_digest_);
    const bool publish = d->novelty == Novelty::kNew || d->novelty == Novelty::kRedecided;
    if (d->novelty == Novelty::kUnchanged) {
      TakeOver(*prior, d);
    } else if (is_delete && (prior != nullptr || change.payload.empty())) {
      DecideDelete(prior, d);
    } else {
      DecideRecord(change.payload, d);
      if (prior != nullptr && d->novelty == Novelty::kRepeat) TakeOutcomes(*prior, d);
    }
    Remember(change, prior, digest_, rule_digest_, d);
    if (publish) {
      Publish(prior, is_delete, d);
    } else {
      d->outputs.clear();
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
      for (const int rule : matchers_[i]->in_force()) add(absl::StrCat(rule));
    }
    rule_digest_ = hasher.Finish();
  }

  // ---- the decision
  void TakeOutcomes(const PriorDecision& prior, Decision* d) const {
    if (prior.outcomes.size() == d->outcomes.size()) d->outcomes = prior.outcomes;
  }

  void TakeOver(const PriorDecision& prior, Decision* d) const {
    Assign(prior.division, &d->attribution.division);
    for (size_t i = 0; i < receivers_.size(); ++i) {
      d->outcomes[i] = Contains(prior.holders, receivers_[i].id.value()) ? OUTCOME_RETURNED
                                                                         : OUTCOME_OUTSIDE_AREA;
    }
    TakeOutcomes(prior, d);
  }

  void DecideDelete(const PriorDecision* prior, Decision* d) {
    if (prior == nullptr) {
      for (size_t i = 0; i < receivers_.size(); ++i)
        Set(d, i, OUTCOME_PENDING, "delete.unknown_key");
      return;
    }
    TakeOver(*prior, d);
    if (prior->deleted) return;
    for (size_t i = 0; i < receivers_.size(); ++i) {
      if (Contains(prior->holders, receivers_[i].id.value())) d->outcomes[i] = OUTCOME_RETURNED;
    }
  }

  void DecideRecord(absl::string_view payload, Decision* d) {
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
    RecordTransform& transform = matcher->transform(match.rule);
    switch (transform.Apply(activation, &payloads_[i])) {
      case RecordTransform::Result::kOk:
        d->outcomes[i] = OUTCOME_RETURNED;
        return;
      case RecordTransform::Result::kTorn:
        return Set(d, i, OUTCOME_QUARANTINED, "record.torn");
      case RecordTransform::Result::kInvalidText:
        return Set(d, i, OUTCOME_QUARANTINED, "field.invalid:", transform.failed_field()->name);
      case RecordTransform::Result::kMaskFailed:
        return Set(d, i, OUTCOME_WITHHELD, "mask.failed:", transform.failed_field()->name);
      case RecordTransform::Result::kDeriveFailed:
        return Set(d, i, OUTCOME_WITHHELD, "derive.failed:", transform.failed_field()->name);
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
  void Publish(const PriorDecision* prior, bool is_delete, Decision* d) {
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
      // A version that could not be decided leaves holders with what they have.
      const bool undecided = outcome == OUTCOME_PENDING || outcome == OUTCOME_QUARANTINED;
      if (is_delete ? (held_before || (returned && prior == nullptr))
                    : returned || (held_before && !undecided)) {
        if (outputs == d->outputs.size()) d->outputs.emplace_back();
        Output& output = d->outputs[outputs++];
        output.receiver = static_cast<int>(i);
        output.tombstone = is_delete || !returned;
        output.payload.clear();
        if (!output.tombstone) output.payload.swap(payloads_[i]);
        output.rule.clear();
        if (d->rules[i] >= 0) output.rule = matchers_[i]->label(d->rules[i]);
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
  }

  const std::vector<Receiver> receivers_;
  const std::shared_ptr<const schema::Contract> contract_;
  const std::shared_ptr<const territory::Divisions> divisions_;
  Areas areas_;
  std::unique_ptr<RecordFacts> facts_;
  std::vector<std::unique_ptr<RuleMatcher>> matchers_;  // nullptr: nothing returns to this receiver
  Digest rule_digest_{};
  bool has_digest_ = false;
  Hasher hasher_;
  Digest digest_{};
  std::vector<std::string> payloads_;  // transformed, by receiver
};

}  // namespace

absl::StatusOr<std::unique_ptr<ReturnEngine>> ReturnEngine::Create(
    Options options, std::shared_ptr<const schema::Contract> contract,
    std::vector<std::shared_ptr<const RuleSet>> rule_sets,
    std::shared_ptr<const territory::Divisions> divisions) {
  auto engine =
      std::make_unique<Engine>(std::move(options), std::move(contract), std::move(divisions));
  RETURN_IF_ERROR(engine->Init(rule_sets));
  return std::unique_ptr<ReturnEngine>(std::move(engine));
}

}  // namespace huiliu::rules
