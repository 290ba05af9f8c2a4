// What a dry run may ask about: DryRuns' part of it.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/dry_runs.h"
#include "core/base/status.h"
#include "core/cel/program.h"
#include "core/rules/compiled_rules.h"

namespace huiliu::pipeline {

using absl::StrCat;
using huiliu::v1::DryRunRequest;

// Hidden values cannot be found by asking: a condition that somebody writes may read what he sees
// of it clear, as a filter may. One that was proposed stands in the log with its author, and one
// that is in force is everybody's.
absl::Status DryRuns::CheckQuestions(const Draft& draft, const DryRunRequest& request,
                                     const std::optional<Admission>& admission) const {
  const std::string& receiver = draft.rules->receiver.value();
  const auto registered = parts_.state.FindReceiver(receiver);
  for (const std::string& division : request.divisions()) {
    RETURN_IF_ERROR(territory::CheckArea(*parts_.divisions, division));
    const bool own = registered.has_value() &&
                     std::any_of(registered->divisions().begin(), registered->divisions().end(),
                                 [&](const std::string& area) {
                                   return parts_.divisions->Contains(area, division);
                                 });
    if (own) continue;
    return absl::PermissionDeniedError(StrCat("区划 ", division, " 不在接收方 ", receiver,
                                              " 的辖区内，其他地区的记录不能试运行 / division ",
                                              division, " lies outside the area of receiver ",
                                              receiver,
                                              ": nobody tries rules on other areas' records"));
  }
  if (draft.kept.has_value()) return absl::OkStatus();
  std::set<std::string> in_force;
  if (const auto rules =
          parts_.state.FindRuleSet(draft.rules->dataset.value(), receiver, parts_.clock.Now())) {
    for (const rules::Rule& rule : rules->rules) in_force.insert(rule.when);
  }
  const auto environment = rules::EnvironmentOf(parts_.divisions);
  for (const rules::Rule& rule : draft.rules->rules) {
    if (rule.when.empty() || in_force.contains(rule.when)) continue;
    ASSIGN_OR_RETURN(const std::unique_ptr<const cel::Predicate> predicate,
                     cel::Predicate::Compile(rule.when, *draft.contract, *environment, nullptr));
    for (const int index : predicate->fields()) {
      const schema::Field& field = draft.contract->fields()[static_cast<size_t>(index)];
      const bool sees =
          admission.has_value() && admission->plan->visibility(field) == access::Visibility::kClear;
      if (!field.options.personal() || sees) continue;
      return absl::PermissionDeniedError(StrCat(
          "规则 ", rule.id, " 的条件用到个人信息字段 ", field.options.title(), "（", field.name,
          "）：请先提出该版本再试运行，或用 --purpose 指明能看到该字段原值的授权 / the condition "
          "of rule ",
          rule.id, " reads ", field.name,
          ", which is personal: propose the version first, or name with --purpose a grant "
          "that shows the field clear"));
    }
  }
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
