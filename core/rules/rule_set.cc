#include "core/rules/rule_set.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/rules/personal_numbers.h"
#include "core/rules/rule_reader.h"
#include "core/rules/yaml_tree.h"

namespace huiliu::rules {
namespace {

using Errors = std::vector<huiliu::v1::RuleError>;

absl::Status FirstOf(const Errors& errors) {
  const huiliu::v1::RuleError& first = errors.front();
  std::string message =
      absl::StrCat(first.file(), ":", first.line(), ":", first.column(), ": ", first.message());
  if (!first.rule().empty()) absl::StrAppend(&message, " [", first.rule(), "]");
  if (errors.size() > 1) absl::StrAppend(&message, " (+", errors.size() - 1, ")");
  return absl::InvalidArgumentError(message);
}

bool ParseTree(absl::string_view source_name, absl::string_view yaml, YamlTree* tree,
               Errors* errors) {
  YamlTree::Error error;
  if (YamlTree::Parse(yaml, tree, &error)) return true;
  huiliu::v1::RuleError& finding = errors->emplace_back();
  finding.set_file(std::string(source_name));
  finding.set_line(error.place.line);
  finding.set_column(error.place.column);
  finding.set_message(std::move(error.message));
  return false;
}

void RefusePersonalNumbers(absl::string_view source_name, absl::string_view yaml, Errors* errors) {
  for (const Place& place : PersonalNumbersIn(yaml)) {
    huiliu::v1::RuleError& finding = errors->emplace_back();
    finding.set_file(std::string(source_name));
    finding.set_line(place.line);
    finding.set_column(place.column);
    finding.set_message(
        "规则中不得写身份证号或手机号码（规则长期保存并对各部门公开），请按其他字段或记录主键写条件"
        " "
        "/ no citizen or mobile number stands in a rule, which is kept for good and shown to "
        "departments: let the condition read another field, or the record's key");
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RuleSet>> ParseRuleSet(
    absl::string_view source_name, absl::string_view yaml, const schema::Contract& contract,
    Errors* errors, const territory::Divisions* divisions, RuleAge age) {
  Errors own;
  Errors& found = errors != nullptr ? *errors : own;
  found.clear();
  YamlTree tree;
  if (!ParseTree(source_name, yaml, &tree, &found)) return FirstOf(found);
  auto set = std::make_shared<RuleSet>();
  RuleReader reader(source_name, tree, &contract, divisions, &found, age);
  reader.ReadHead(set.get());
  reader.ReadRules(set.get());
  if (age == RuleAge::kNew) RefusePersonalNumbers(source_name, yaml, &found);
  if (!found.empty()) return FirstOf(found);
  set->source_name = std::string(source_name);
  set->yaml = std::string(yaml);
  set->digest = Sha256(yaml);
  return std::shared_ptr<const RuleSet>(std::move(set));
}

std::shared_ptr<const RuleSet> WithVersion(const RuleSet& rule_set, uint32_t version) {
  auto copy = std::make_shared<RuleSet>(rule_set);
  copy->version = version;
  return copy;
}

std::string LabelOf(const RuleSet& rule_set) {
  return absl::StrCat(rule_set.dataset.value(), "/", rule_set.receiver.value(), "@",
                      rule_set.version);
}

absl::StatusOr<RuleSetHead> ParseRuleSetHead(absl::string_view source_name,
                                             absl::string_view yaml) {
  Errors errors;
  YamlTree tree;
  if (!ParseTree(source_name, yaml, &tree, &errors)) return FirstOf(errors);
  RuleSet set;
  RuleReader reader(source_name, tree, nullptr, nullptr, &errors);
  reader.ReadHead(&set);
  if (!errors.empty()) return FirstOf(errors);
  return RuleSetHead{set.dataset, set.receiver};
}

}  // namespace huiliu::rules
