#include "core/rules/compiled_rules.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/status.h"

namespace huiliu::rules {
namespace {

constexpr size_t kFewNew = 64;    // rules in the second index, at least
constexpr size_t kNewShare = 16;  // and at most one in so many of all
constexpr size_t kGoneShare = 4;  // one in so many of the first index may be gone

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

void AppendPart(absl::string_view part, std::string* to) {
  absl::StrAppend(to, part.size(), ":", part);
}

// All that a rule's transform is made of.
std::string SpecOf(const Rule& rule) {
  std::string spec;
  for (const auto* list : {&rule.keep, &rule.drop}) {
    absl::StrAppend(&spec, list->size(), ";");
    for (const std::string& name : *list) AppendPart(name, &spec);
  }
  absl::StrAppend(&spec, rule.rename.size(), ";");
  for (const auto& [from, to] : rule.rename) {
    AppendPart(from, &spec);
    AppendPart(to, &spec);
  }
  absl::StrAppend(&spec, rule.masks.size(), ";");
  for (const auto& [name, mask] : rule.masks) {
    AppendPart(name, &spec);
    AppendPart(mask.SerializeAsString(), &spec);
  }
  for (const DerivedField& derived : rule.derive) {
    AppendPart(derived.field, &spec);
    AppendPart(derived.expression, &spec);
  }
  return spec;
}

// Whether the two are compiled to the same.
bool SameRule(const Rule& a, const Rule& b) {
  const bool same = a.when == b.when && a.returns == b.returns && a.keep == b.keep &&
                    a.drop == b.drop && a.rename == b.rename && a.masks.size() == b.masks.size() &&
                    a.derive.size() == b.derive.size();
  if (!same) return false;
  return (a.masks.empty() && a.derive.empty()) || SpecOf(a) == SpecOf(b);
}

// Finds each rule's predecessor by its id. Most stand in the same order as before.
class Predecessors {
 public:
  explicit Predecessors(const RuleSet& set) : rules_(set.rules) {}
  int Find(const Rule& rule) {
    if (next_ < rules_.size() && rules_[next_].id == rule.id) return static_cast<int>(next_++);
    if (by_id_.empty()) {
      for (size_t i = 0; i < rules_.size(); ++i) by_id_.emplace(rules_[i].id, i);
    }
    const auto found = by_id_.find(rule.id);
    if (found == by_id_.end()) return CompiledRules::kGone;
    next_ = found->second + 1;
    return static_cast<int>(found->second);
  }

 private:
  const std::vector<Rule>& rules_;
  size_t next_ = 0;
  absl::flat_hash_map<absl::string_view, size_t> by_id_;
};

}  // namespace

std::shared_ptr<const cel::Environment> EnvironmentOf(
    std::shared_ptr<const territory::Divisions> divisions) {
  cel::Environment environment;
  environment.contains = [divisions](absl::string_view area, absl::string_view code) {
    return divisions->Contains(area, code);
  };
  environment.resolve = [divisions](absl::string_view code) { return divisions->Resolve(code); };
  environment.has_division = [divisions](absl::string_view code) {
    return divisions->Find(code) != nullptr;
  };
  return std::make_shared<const cel::Environment>(std::move(environment));
}

absl::StatusOr<std::shared_ptr<const CompiledRules>> CompiledRules::Compile(
    With with, std::shared_ptr<const RuleSet> rule_set, const CompiledRules* previous) {
  if (previous != nullptr && (previous->with_.contract != with.contract ||
                              previous->with_.environment != with.environment ||
                              previous->with_.pseudonym_key != with.pseudonym_key)) {
    previous = nullptr;
  }
  std::shared_ptr<CompiledRules> compiled(new CompiledRules(std::move(with), std::move(rule_set)));
  RETURN_IF_ERROR(compiled->CompileAll(previous));
  return std::shared_ptr<const CompiledRules>(std::move(compiled));
}

absl::Status CompiledRules::CompileAll(const CompiledRules* previous) {
  constexpr int64_t kEver = std::numeric_limits<int64_t>::max();
  const std::vector<rules::Rule>& rules = rule_set_->rules;
  rules_.resize(rules.size());
  std::vector<int> taken_from(rules.size(), kGone);
  std::optional<Predecessors> predecessors;
  if (previous != nullptr) predecessors.emplace(*previous->rule_set_);
  for (size_t i = 0; i < rules.size(); ++i) {
    const rules::Rule& rule = rules[i];
    const int before = predecessors ? predecessors->Find(rule) : kGone;
    const auto at = static_cast<size_t>(before);
    if (before != kGone && SameRule(rule, previous->rule_set_->rules[at])) {
      rules_[i] = previous->rules_[at];
      taken_from[i] = before;
    } else {
      RETURN_IF_ERROR(CompileRule(rule, &rules_[i]));
    }
    rules_[i].from_us =
        rule.valid_from == absl::InfinitePast() ? 0 : absl::ToUnixMicros(rule.valid_from);
    rules_[i].to_us =
        rule.valid_to == absl::InfiniteFuture() ? kEver : absl::ToUnixMicros(rule.valid_to);
  }
  transforms_ = {};
  fields_ = nullptr;
  Index(previous, taken_from);
  return absl::OkStatus();
}

absl::Status CompiledRules::CompileRule(const rules::Rule& rule, Rule* compiled) {
  ++compiled_anew_;
  if (!rule.when.empty()) {
    std::vector<cel::Issue> issues;
    auto when = cel::Predicate::Compile(rule.when, *with_.contract, with_.environment, &issues);
    if (!when.ok()) return Misfit(*rule_set_, rule, issues, when.status());
    compiled->when = *std::move(when);
  }
  if (!rule.returns) return absl::OkStatus();
  auto transform = TransformOf(rule);
  if (!transform.ok()) {
    return Annotate(transform.status(), absl::StrCat(rule_set_->source_name, ":", rule.line, ":1"));
  }
  compiled->transform = *std::move(transform);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const RecordTransform>> CompiledRules::TransformOf(
    const rules::Rule& rule) {
  if (fields_ == nullptr) fields_ = RecordTransform::FieldsOf(*with_.contract);
  std::shared_ptr<const RecordTransform>& known = transforms_[SpecOf(rule)];
  if (known == nullptr) {
    ASSIGN_OR_RETURN(known, RecordTransform::Create(*with_.contract, fields_, rule,
                                                    *with_.environment, with_.pseudonym_key));
  }
  return known;
}

void CompiledRules::Index(const CompiledRules* previous, const std::vector<int>& taken_from) {
  in_base_.assign(rules_.size(), kGone);
  Part base;
  std::vector<int> added;
  if (previous != nullptr) {
    base.index = previous->parts_[0].index;
    base.positions.assign(base.index->size(), kGone);
  }
  for (size_t i = 0; i < rules_.size(); ++i) {
    const int before = taken_from[i];
    if (before != kGone) in_base_[i] = previous->in_base_[static_cast<size_t>(before)];
    if (in_base_[i] == kGone) {
      added.push_back(static_cast<int>(i));
    } else {
      base.positions[static_cast<size_t>(in_base_[i])] = static_cast<int>(i);
    }
  }
  const auto make = [this](const std::vector<int>& positions) {
    std::vector<PredicateIndex::When> whens;
    for (const int position : positions)
      whens.push_back(rules_[static_cast<size_t>(position)].when);
    return Part{std::make_shared<const PredicateIndex>(*with_.contract, with_.environment,
                                                       std::move(whens)),
                positions};
  };
  const size_t kept = rules_.size() - added.size();
  const bool anew = base.index == nullptr ||
                    added.size() > std::max(kFewNew, rules_.size() / kNewShare) ||
                    base.index->size() - kept > std::max(kFewNew, kept / kGoneShare);
  if (!anew) {
    parts_.push_back(std::move(base));
    if (!added.empty()) parts_.push_back(make(added));
    return;
  }
  for (size_t i = 0; i < rules_.size(); ++i) in_base_[i] = static_cast<int>(i);
  parts_.push_back(make(in_base_));
}

}  // namespace huiliu::rules
