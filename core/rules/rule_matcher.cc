#include "core/rules/rule_matcher.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/status.h"

namespace huiliu::rules {
namespace {

constexpr size_t kFew = 16;  // rules that are tried sooner than looked up
constexpr int64_t kEver = std::numeric_limits<int64_t>::max();

absl::Status Misfit(const RuleSet& set, const Rule& rule, const std::vector<cel::Issue>& issues,
                    const absl::Status& status) {
  // ParseRuleSet gives the exact place against the contract that a set was written for; this set
  // meets another one.
  const std::string what = issues.empty() ? std::string(status.message())
                                          : absl::StrCat("when ", issues[0].line, ":",
                                                         issues[0].column, ": ", issues[0].message);
  return absl::InvalidArgumentError(absl::StrCat(set.source_name, ":", rule.when_line, ":",
                                                 rule.when_column, ": ", what, " [", rule.id, "]"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RuleMatcher>> RuleMatcher::Create(
    const schema::Contract& contract, std::shared_ptr<const RuleSet> rule_set,
    const cel::Environment& environment, absl::string_view pseudonym_key) {
  std::unique_ptr<RuleMatcher> matcher(new RuleMatcher(contract, std::move(rule_set), environment));
  const RuleSet& set = *matcher->rule_set_;
  for (const Rule& rule : set.rules) {
    Compiled compiled;
    compiled.label = absl::StrCat(rule.id, "@", set.version);
    compiled.from_us =
        rule.valid_from == absl::InfinitePast() ? 0 : absl::ToUnixMicros(rule.valid_from);
    compiled.to_us =
        rule.valid_to == absl::InfiniteFuture() ? kEver : absl::ToUnixMicros(rule.valid_to);
    if (!rule.when.empty()) {
      std::vector<cel::Issue> issues;
      auto when = cel::Predicate::Compile(rule.when, contract, environment, &issues);
      if (!when.ok()) return Misfit(set, rule, issues, when.status());
      compiled.when = *std::move(when);
    }
    if (rule.returns) {
      auto transform = RecordTransform::Create(contract, rule, environment, pseudonym_key);
      if (!transform.ok()) {
        return Annotate(transform.status(), absl::StrCat(set.source_name, ":", rule.line, ":1"));
      }
      compiled.transform = *std::move(transform);
    }
    matcher->compiled_.push_back(std::move(compiled));
  }
  return matcher;
}

bool RuleMatcher::SetTime(int64_t now_us) {
  if (now_us >= since_us_ && now_us < until_us_) return false;
  const bool first = until_us_ < since_us_;
  std::vector<int> in_force;
  since_us_ = now_us == 0 ? 0 : 1;
  until_us_ = now_us == 0 ? 1 : kEver;
  for (size_t i = 0; i < compiled_.size(); ++i) {
    const Compiled& rule = compiled_[i];
    if (now_us == 0 || (now_us >= rule.from_us && now_us < rule.to_us))
      in_force.push_back(static_cast<int>(i));
    if (now_us == 0) continue;
    for (const int64_t edge : {rule.from_us, rule.to_us}) {
      if (edge <= now_us) since_us_ = std::max(since_us_, edge);
      if (edge > now_us) until_us_ = std::min(until_us_, edge);
    }
  }
  const bool changed = first || in_force != in_force_;
  in_force_ = std::move(in_force);
  if (!changed) return false;
  index_.reset();
  if (in_force_.size() <= kFew) return true;
  std::vector<PredicateIndex::Entry> entries;
  entries.reserve(in_force_.size());
  for (const int i : in_force_) entries.push_back({i, compiled_[i].when.get()});
  index_ = std::make_unique<PredicateIndex>(contract_, environment_, entries);
  return true;
}

cel::Truth RuleMatcher::Test(int rule, const cel::Activation& activation) const {
  const cel::Predicate* when = compiled_[rule].when.get();
  return when == nullptr ? cel::Truth::kTrue : when->Evaluate(activation);
}

RuleMatch RuleMatcher::FirstOf(absl::Span<const int> rules,
                               const cel::Activation& activation) const {
  for (const int rule : rules) {
    const cel::Truth truth = Test(rule, activation);
    if (truth != cel::Truth::kFalse) return {rule, truth == cel::Truth::kError};
  }
  return {};
}

RuleMatch RuleMatcher::First(const cel::Activation& activation) {
  if (index_ == nullptr) return FirstOf(in_force_, activation);
  index_->Find(activation, &found_);
  const RuleMatch found = FirstOf(found_, activation);
  // Of those that no index can answer, only rules before it could go first.
  absl::Span<const int> always = index_->always();
  if (found.rule >= 0) {
    const auto behind = std::lower_bound(always.begin(), always.end(), found.rule);
    always = always.subspan(0, static_cast<size_t>(behind - always.begin()));
  }
  const RuleMatch other = FirstOf(always, activation);
  return other.rule >= 0 ? other : found;
}

}  // namespace huiliu::rules
