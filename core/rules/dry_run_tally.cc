#include "core/rules/dry_run_tally.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace huiliu::rules {
namespace {

using huiliu::v1::DryRunCategory;
using huiliu::v1::DryRunReport;
using huiliu::v1::Outcome;

using ByCategory = std::map<int, int64_t>;

void AddCounts(const ByCategory& counts,
               google::protobuf::RepeatedPtrField<huiliu::v1::DryRunCount>* out) {
  for (const auto& [category, records] : counts) {
    huiliu::v1::DryRunCount* count = out->Add();
    count->set_category(static_cast<DryRunCategory>(category));
    count->set_records(records);
  }
}

void AddParts(const std::map<std::string, ByCategory>& parts,
              google::protobuf::RepeatedPtrField<DryRunReport::Part>* out) {
  out->Clear();
  for (const auto& [name, counts] : parts) {
    DryRunReport::Part* part = out->Add();
    part->set_name(name);
    AddCounts(counts, part->mutable_counts());
  }
}

std::string RuleName(const std::vector<std::string>& rules, int32_t rule) {
  return rule < 0 ? std::string() : rules[static_cast<size_t>(rule)];
}

}  // namespace

uint32_t Numbered::NumberOf(absl::string_view text) {
  if (!texts_.empty() && texts_[last_] == text) return last_;
  const auto found = numbers_.find(text);
  if (found != numbers_.end()) return last_ = found->second;
  last_ = static_cast<uint32_t>(texts_.size());
  texts_.emplace_back(text);
  numbers_.emplace(texts_.back(), last_);
  return last_;
}

absl::StatusOr<uint32_t> DryRunTally::Add(const DryRunCell& cell) {
  if (!cells_.empty() && cells_[last_] == cell) {
    ++counts_[last_];
    return last_;
  }
  const auto found = numbers_.find(cell);
  if (found != numbers_.end()) {
    last_ = found->second;
  } else {
    if (cells_.size() >= kMaxCells) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "规则、区划与字段的不同组合超过 ", kMaxCells, " 种，请缩小时间范围 / more than ",
          kMaxCells, " combinations of rules, divisions and fields; try a shorter range"));
    }
    last_ = static_cast<uint32_t>(cells_.size());
    numbers_.emplace(cell, last_);
    cells_.push_back(cell);
    counts_.push_back(0);
  }
  ++counts_[last_];
  return last_;
}

void DryRunTally::Fill(const Names& names, DryRunReport* report) const {
  ByCategory all;
  std::map<int, std::pair<int64_t, int64_t>> outcomes;
  std::map<std::string, ByCategory> by_division, by_system, by_field;
  std::map<std::tuple<int, int32_t, int32_t, int, int, uint32_t>, int64_t> by_rule;
  int64_t records = 0;
  for (size_t i = 0; i < cells_.size(); ++i) {
    const DryRunCell& cell = cells_[i];
    const int64_t count = counts_[i];
    if (count == 0) continue;
    records += count;
    outcomes[cell.active_outcome].first += count;
    outcomes[cell.draft_outcome].second += count;
    const auto add = [&](int category) {
      all[category] += count;
      by_division[divisions.TextOf(cell.division)][category] += count;
      by_system[systems.TextOf(cell.system)][category] += count;
    };
    add(cell.category);
    if (cell.newly_in_conflict) add(huiliu::v1::DRY_RUN_CATEGORY_NEWLY_IN_CONFLICT);
    if (cell.category == huiliu::v1::DRY_RUN_CATEGORY_UNCHANGED) continue;
    by_rule[{cell.category, cell.active_rule, cell.draft_rule, cell.active_outcome,
             cell.draft_outcome, cell.draft_reason}] += count;
    for (const absl::string_view index :
         absl::StrSplit(field_sets.TextOf(cell.fields), ',', absl::SkipEmpty())) {
      size_t field = 0;
      if (absl::SimpleAtoi(index, &field)) by_field[names.fields[field]][cell.category] += count;
    }
  }
  report->set_records(records);
  report->mutable_counts()->Clear();
  AddCounts(all, report->mutable_counts());
  report->mutable_outcomes()->Clear();
  for (const auto& [outcome, counts] : outcomes) {
    DryRunReport::Outcomes* line = report->add_outcomes();
    line->set_outcome(static_cast<Outcome>(outcome));
    line->set_active(counts.first);
    line->set_draft(counts.second);
  }
  AddParts(by_division, report->mutable_divisions());
  AddParts(by_system, report->mutable_systems());
  AddParts(by_field, report->mutable_fields());

  report->mutable_rules()->Clear();
  for (const auto& [key, count] : by_rule) {
    DryRunReport::Rules* line = report->add_rules();
    line->set_category(static_cast<DryRunCategory>(std::get<0>(key)));
    line->set_active_rule(RuleName(names.active_rules, std::get<1>(key)));
    line->set_draft_rule(RuleName(names.draft_rules, std::get<2>(key)));
    line->set_active_outcome(static_cast<Outcome>(std::get<3>(key)));
    line->set_draft_outcome(static_cast<Outcome>(std::get<4>(key)));
    line->set_draft_reason(reasons.TextOf(std::get<5>(key)));
    line->set_records(count);
  }
  auto& lines = *report->mutable_rules();
  std::stable_sort(lines.pointer_begin(), lines.pointer_end(),
                   [](const auto* a, const auto* b) { return a->records() > b->records(); });
  const int left_out = std::max(0, lines.size() - static_cast<int>(kMaxRuleLines));
  report->set_rules_left_out(left_out);
  if (left_out > 0) lines.DeleteSubrange(static_cast<int>(kMaxRuleLines), left_out);
}

}  // namespace huiliu::rules
