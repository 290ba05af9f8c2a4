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

namespace {

// A text that somebody wrote is a question about every value that changes what comes out of it.
// One that was proposed stands in the log with its author, and one that is in force is everybody's.
class Questions {
 public:
  Questions(const schema::Contract& contract, const std::shared_ptr<const cel::Environment>& env,
            const std::optional<Admission>& admission)
      : contract_(contract), environment_(env), admission_(admission) {}

  void InForce(const rules::RuleSet& rules) {
    for (const rules::Rule& rule : rules.rules) {
      in_force_.insert(rule.when);
      for (const rules::DerivedField& derived : rule.derive) {
        in_force_.insert(derived.expression);
        in_force_.insert(Replacing(derived.field, derived.expression));
      }
      for (const auto& [from, to] : rule.rename) in_force_.insert(Replacing(to, from));
      for (const auto& [field, mask] : rule.masks) in_force_.insert(Written(field, mask));
    }
  }

  // PERMISSION_DENIED names what reads a personal value that its author does not see.
  absl::Status Check(const rules::Rule& rule) const {
    if (!rule.when.empty()) RETURN_IF_ERROR(CheckText(rule, rule.when));
    for (const rules::DerivedField& derived : rule.derive) {
      // Whatever its type: a list of it reads what it reads.
      RETURN_IF_ERROR(
          CheckText(rule, derived.expression, StrCat("size([", derived.expression, "]) >= 0")));
      RETURN_IF_ERROR(CheckReplaced(rule, derived.field, derived.expression));
    }
    for (const auto& [from, to] : rule.rename) RETURN_IF_ERROR(CheckReplaced(rule, to, from));
    for (const auto& [name, mask] : rule.masks) {
      if (!IsQuestion(mask) || in_force_.contains(Written(name, mask))) continue;
      const schema::Field* field = contract_.FindField(name);
      if (field != nullptr) RETURN_IF_ERROR(CheckField(rule, *field));
    }
    return absl::OkStatus();
  }

 private:
  // Whether what comes out, or that nothing does, tells more of the value than that it is there:
  // where nothing changes, the value is the constant, or ends as it is filled; a number is of the
  // band in which two bands agree; and a value that is none withholds its record.
  static bool IsQuestion(const huiliu::v1::Mask& mask) {
    if (mask.has_partial()) return !mask.partial().fill().empty() && mask.partial().fill() != "*";
    return mask.has_constant() || mask.has_generalise();
  }

  static std::string Replacing(const std::string& field, const std::string& by) {
    return StrCat("=", field, "=", by);
  }
  // A value that another takes the place of is known where nothing changes.
  absl::Status CheckReplaced(const rules::Rule& rule, const std::string& name,
                             const std::string& by) const {
    const schema::Field* field = contract_.FindField(name);
    if (field == nullptr || in_force_.contains(Replacing(name, by))) return absl::OkStatus();
    return CheckField(rule, *field);
  }

  static std::string Written(const std::string& field, const huiliu::v1::Mask& mask) {
    return StrCat(field, ": ", mask.SerializeAsString());
  }

  absl::Status CheckText(const rules::Rule& rule, const std::string& text,
                         const std::string& condition) const {
    if (in_force_.contains(text)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::unique_ptr<const cel::Predicate> predicate,
                     cel::Predicate::Compile(condition, contract_, environment_, nullptr));
    for (const int index : predicate->fields())
      RETURN_IF_ERROR(CheckField(rule, contract_.fields()[static_cast<size_t>(index)]));
    return absl::OkStatus();
  }
  absl::Status CheckText(const rules::Rule& rule, const std::string& text) const {
    return CheckText(rule, text, text);
  }

  absl::Status CheckField(const rules::Rule& rule, const schema::Field& field) const {
    const bool sees =
        admission_.has_value() && admission_->plan->visibility(field) == access::Visibility::kClear;
    if (!field.options.personal() || sees) return absl::OkStatus();
    return absl::PermissionDeniedError(StrCat(
        "规则 ", rule.id, " 的条件、派生字段、改名、固定值、填充字符或概化用到个人信息字段 ",
        field.options.title(), "（", field.name,
        "）：请先提出该版本再试运行，或用 --purpose 指明能看到该字段原值的授权 / a condition, a "
        "derived field, a new name, a constant, a fill or a generalisation of rule ",
        rule.id, " reads or replaces ", field.name,
        ", which is personal: propose the version first, or name with --purpose a grant "
        "that shows the field clear"));
  }

  const schema::Contract& contract_;
  const std::shared_ptr<const cel::Environment> environment_;
  const std::optional<Admission>& admission_;
  std::set<std::string> in_force_;
};

}  // namespace

// Hidden values cannot be found by asking, no more than by a filter.
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
  Questions questions(*draft.contract, rules::EnvironmentOf(parts_.divisions), admission);
  if (const auto rules =
          parts_.state.FindRuleSet(draft.rules->dataset.value(), receiver, parts_.clock.Now()))
    questions.InForce(*rules);
  for (const rules::Rule& rule : draft.rules->rules) RETURN_IF_ERROR(questions.Check(rule));
  return absl::OkStatus();
}

}  // namespace huiliu::pipeline
