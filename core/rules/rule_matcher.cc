#include "core/rules/rule_matcher.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace huiliu::rules {
namespace {

constexpr size_t kFew = 16;  // rules that are tried sooner than looked up
constexpr int64_t kEver = std::numeric_limits<int64_t>::max();
constexpr int kNotNow = std::numeric_limits<int>::max();

}  // namespace

RuleMatcher::RuleMatcher(std::shared_ptr<const CompiledRules> rules) : rules_(std::move(rules)) {
  for (const CompiledRules::Part& part : rules_->parts()) {
    parts_.emplace_back();
    parts_.back().index = part.index.get();
  }
}

bool RuleMatcher::SetTime(int64_t now_us) {
  if (now_us >= since_us_ && now_us < until_us_) return false;
  const bool first = until_us_ < since_us_;
  std::vector<int> in_force;
  in_force.reserve(rules_->rules().size());
  since_us_ = now_us == 0 ? 0 : 1;
  until_us_ = now_us == 0 ? 1 : kEver;
  int position = 0;
  for (const CompiledRules::Rule& rule : rules_->rules()) {
    if (now_us == 0 || (now_us >= rule.from_us && now_us < rule.to_us))
      in_force.push_back(position);
    ++position;
    if (now_us == 0) continue;
    for (const int64_t edge : {rule.from_us, rule.to_us}) {
      if (edge <= now_us) since_us_ = std::max(since_us_, edge);
      if (edge > now_us) until_us_ = std::min(until_us_, edge);
    }
  }
  const bool changed = first || in_force != in_force_;
  in_force_ = std::move(in_force);
  if (changed) PutInForce();
  return changed;
}

void RuleMatcher::PutInForce() {
  if (in_force_.size() <= kFew) {
    tried_ = in_force_;
    return;
  }
  tried_.clear();
  std::vector<bool> now(rules_->rules().size(), false);
  for (const int position : in_force_) now[static_cast<size_t>(position)] = true;
  for (size_t p = 0; p < parts_.size(); ++p) {
    const std::vector<int>& positions = rules_->parts()[p].positions;
    Part& part = parts_[p];
    part.order.assign(positions.size(), kNotNow);
    for (size_t i = 0; i < positions.size(); ++i) {
      if (positions[i] != CompiledRules::kGone && now[static_cast<size_t>(positions[i])])
        part.order[i] = positions[i];
    }
    for (const int rule : part.index->always()) {
      const int position = part.order[static_cast<size_t>(rule)];
      if (position != kNotNow) tried_.push_back(position);
    }
  }
  std::sort(tried_.begin(), tried_.end());
}

RuleMatch RuleMatcher::First(const cel::Activation& activation) {
  int best = kNotNow;
  bool error = false;
  if (in_force_.size() > kFew) {
    for (Part& part : parts_) {
      part.index->Find(activation, &part.memory, [&](Candidate candidate) {
        const int position = part.order[static_cast<size_t>(candidate.rule)];
        if (position >= best) return;
        cel::Truth truth = cel::Truth::kTrue;
        if (candidate.left != 0) {
          truth = candidate.when->EvaluateRest(activation, ~candidate.left);
          if (truth == cel::Truth::kFalse) return;
        }
        best = position;
        error = truth == cel::Truth::kError;
      });
    }
  }
  // Of those that no index finds, only rules before it could go first.
  for (const int position : tried_) {
    if (position >= best) break;
    const cel::Predicate* when = rules_->rules()[static_cast<size_t>(position)].when.get();
    const cel::Truth truth = when == nullptr ? cel::Truth::kTrue : when->Evaluate(activation);
    if (truth == cel::Truth::kFalse) continue;
    return {position, truth == cel::Truth::kError};
  }
  return best == kNotNow ? RuleMatch{} : RuleMatch{best, error};
}

void RuleMatcher::TakeOver(RuleMatcher* previous) {
  for (Part& part : parts_) {
    for (Part& before : previous->parts_) {
      if (before.index == part.index) part.memory = std::move(before.memory);
    }
  }
}

void RuleMatcher::AppendLabel(int rule, std::string* to) const {
  absl::StrAppend(to, rule_set().rules[static_cast<size_t>(rule)].id, "@", rule_set().version);
}

}  // namespace huiliu::rules
