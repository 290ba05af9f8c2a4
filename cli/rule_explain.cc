#include "cli/rule_explain.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/explain.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/rules.pb.h"
#include "nlohmann/json.hpp"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;
using nlohmann::json;

// Pseudonyms under it are like the receiver's own, and are none of them.
constexpr char kKey[] = "rules explain: no receiver's key";

struct Options {
  std::string record, dataset, rules, receiver, schemas, contract, area, at;
  uint32_t version = 0;
  bool personal = false;
};

class Explainer {
 public:
  Explainer(Command& command, const Options& options) : command_(command), options_(options) {}

  absl::Status Run() {
    RETURN_IF_ERROR(Load());
    ASSIGN_OR_RETURN(const std::string text, ReadFile(options_.record));
    auto record = schema::RecordFromJson(*contract_, text);
    if (!record.ok()) return Annotate(record.status(), options_.record);
    record_ = *std::move(record);
    int64_t now_us = absl::ToUnixMicros(absl::Now());
    if (!options_.at.empty()) {
      ASSIGN_OR_RETURN(const google::protobuf::Timestamp at, ParseTime(options_.at, false));
      now_us = at.seconds() * 1000000 + at.nanos() / 1000;
    }
    rules::Receiver receiver{rules_->receiver, rules_->receiver.value(), {}, kKey};
    receiver.divisions = absl::StrSplit(
        options_.area.empty() ? rules_->receiver.value() : options_.area, ',', absl::SkipEmpty());
    ASSIGN_OR_RETURN(
        found_, rules::ExplainRecord(contract_, rules_, receiver, divisions_, record_, now_us));
    return command_.json ? PrintJson() : PrintText();
  }

 private:
  // From a file, or the version at the node: the one named, else the one in force.
  absl::Status Load() {
    ASSIGN_OR_RETURN(const std::string schemas, FindSchemas(options_.schemas));
    ASSIGN_OR_RETURN(divisions_, LoadDivisions(schemas));
    std::string name = options_.rules, yaml;
    uint32_t version = 0;
    if (!name.empty()) {
      ASSIGN_OR_RETURN(yaml, ReadFile(name));
    } else if (!options_.dataset.empty()) {
      v1::GetRuleSetRequest request;
      request.set_dataset(options_.dataset);
      request.set_version(options_.version);
      ASSIGN_OR_RETURN(*request.mutable_receiver(), command_.Receiver(options_.receiver));
      v1::GetRuleSetResponse response;
      RETURN_IF_ERROR(command_.Call("Rules/GetRuleSet", request, &response));
      name = response.rule_set().source_name();
      yaml = response.rule_set().yaml();
      version = response.rule_set().version();
    } else {
      return absl::InvalidArgumentError(
          "用 --rules 指明规则文件，或用 --dataset 指明数据集 / name a rule file with --rules or a "
          "dataset with --dataset");
    }
    ASSIGN_OR_RETURN(const rules::RuleSetHead head, rules::ParseRuleSetHead(name, yaml));
    ASSIGN_OR_RETURN(
        contract_, ContractOf(command_, head.dataset.value(), options_.contract, options_.schemas));
    ASSIGN_OR_RETURN(rules_, rules::ParseRuleSet(name, yaml, *contract_, nullptr));
    if (version > 0) rules_ = rules::WithVersion(*rules_, version);
    return absl::OkStatus();
  }

  std::string Title(const schema::Field& field) const {
    return command_.english() || field.options.title().empty() ? field.name : field.options.title();
  }
  std::string TitleOf(absl::string_view name) const {
    const schema::Field* field = contract_->FindField(name);
    return field == nullptr ? std::string(name) : Title(*field);
  }
  std::string Value(const schema::Field& field, const std::string& text) const {
    if (text.empty()) return command_.Say("（空）", "(empty)");
    if (field.options.personal() && !options_.personal)
      return command_.Say("（个人信息，不显示）", "(personal, not shown)");
    return text;
  }
  std::string Place(const std::string& code) const {
    const territory::Division* division = divisions_->Find(code);
    return division == nullptr ? code : absl::StrCat(code, " ", division->name);
  }
  const char* Truth(cel::Truth truth) const {
    if (truth == cel::Truth::kTrue) return command_.Say("成立", "holds");
    if (truth == cel::Truth::kFalse) return command_.Say("不成立", "does not hold");
    return command_.Say("无法判断", "cannot be evaluated");
  }

  std::string Reason() const {
    const absl::string_view reason = found_.decision.reasons[0];
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(reason, absl::MaxSplits(':', 1));
    const int rule = found_.decision.rules[0];
    if (parts.first == "rule.none") return command_.Say("没有规则成立", "no rule holds");
    if (parts.first == "rule.withheld" && rule >= 0)
      return rules_->rules[static_cast<size_t>(rule)].reason;
    if (parts.first == "rule.error")
      return command_.Say("规则的条件无法判断", "the rule's condition cannot be evaluated");
    if (parts.first == "mask.failed")
      return command_.Say("无法脱敏：", "cannot be masked: ") + TitleOf(parts.second);
    if (parts.first == "derive.failed")
      return command_.Say("无法计算：", "cannot be derived: ") + TitleOf(parts.second);
    if (parts.first == "required.empty")
      return command_.Say("必填项为空：", "required, but empty: ") + TitleOf(parts.second);
    if (parts.first == "field.invalid")
      return command_.Say("值无效：", "not valid: ") + TitleOf(parts.second);
    if (parts.first == "territory.conflict")
      return command_.Say("归属依据相互矛盾", "evidence of belonging disagrees");
    if (parts.first == "territory.too_coarse")
      return command_.Say("只知州市，不知县区", "only the city is known, not the county");
    return std::string(reason);
  }

  void PrintClause(const rules::ExplainedClause& clause, int indent) {
    std::string line(static_cast<size_t>(indent), ' ');
    absl::StrAppend(&line, clause.truth == cel::Truth::kTrue    ? "✓ "
                           : clause.truth == cel::Truth::kFalse ? "✗ "
                                                                : "! ");
    if (clause.joint == cel::Clause::Joint::kAll) {
      absl::StrAppend(&line, command_.Say("全部成立才成立：", "all of: "));
    } else if (clause.joint == cel::Clause::Joint::kAny) {
      absl::StrAppend(&line, command_.Say("有一条成立即成立：", "any of: "));
    } else {
      absl::StrAppend(&line, clause.text);
    }
    for (const auto& [field, text] : clause.fields)
      absl::StrAppend(&line, "   ", Title(*field), " = ", Value(*field, text));
    // An error's words may quote a value.
    if (!clause.error.empty() && Shows(clause)) absl::StrAppend(&line, "   ", clause.error);
    command_.out() << Printable(line) << "\n";
    for (const rules::ExplainedClause& part : clause.parts) PrintClause(part, indent + 2);
  }
  bool Shows(const rules::ExplainedClause& clause) const {
    if (!clause.parts.empty()) return false;
    for (const auto& [field, text] : clause.fields) {
      if (field->options.personal() && !options_.personal) return false;
    }
    return true;
  }

  void PrintRule(const rules::ExplainedRule& explained) {
    const rules::Rule& rule = *explained.rule;
    std::string line = absl::StrCat(command_.Say("规则 ", "rule "), rule.id, "  ", rule.title,
                                    command_.Say("：", ": "));
    if (!explained.in_force) {
      absl::StrAppend(&line, command_.Say("不在有效期内", "not valid at that time"));
    } else if (explained.always) {
      absl::StrAppend(&line, command_.Say("没有条件，总是成立", "no condition, always holds"));
    } else {
      absl::StrAppend(&line, Truth(explained.when.truth));
    }
    if (explained.decides)
      absl::StrAppend(&line, command_.Say("，由它决定；依据：", ", it decides; legal basis: "),
                      rule.legal_basis);
    command_.out() << Printable(line) << "\n";
    if (explained.in_force && !explained.always) PrintClause(explained.when, 2);
  }

  // How each field leaves: only what is not as it came.
  absl::Status PrintFields() {
    std::vector<std::string> dropped, changed, added;
    for (const schema::Field& field : contract_->fields()) {
      ASSIGN_OR_RETURN(const std::string came, schema::FieldToText(*contract_, field, record_));
      ASSIGN_OR_RETURN(const std::string leaves,
                       schema::FieldToText(*contract_, field, found_.decision.outputs[0].payload));
      if (came == leaves) continue;
      (leaves.empty() ? dropped : came.empty() ? added : changed).push_back(Title(field));
    }
    const std::pair<const char*, std::vector<std::string>*> groups[] = {
        {command_.Say("不提供的字段：", "fields not given: "), &dropped},
        {command_.Say("脱敏或改写的字段：", "fields masked or replaced: "), &changed},
        {command_.Say("规则填写的字段：", "fields the rule fills: "), &added}};
    for (const auto& [words, names] : groups) {
      if (!names->empty()) command_.out() << words << absl::StrJoin(*names, ", ") << "\n";
    }
    return absl::OkStatus();
  }

  absl::Status PrintText() {
    const rules::Decision& decision = found_.decision;
    command_.out() << Printable(absl::StrCat(
                          contract_->options().title(), " → ", rules_->receiver.value(),
                          command_.Say("，规则 ", ", rules "), rules_->source_name,
                          rules_->version > 0 ? absl::StrCat(" @", rules_->version) : ""))
                   << "\n";
    const territory::Attribution& at = decision.attribution;
    command_.out() << command_.Say("归属：", "belongs to: ")
                   << (at.division.empty() ? command_.Say("无法判定", "not decided")
                                           : Place(at.division))
                   << (at.conflict ? command_.Say("（依据有矛盾）", " (evidence disagrees)") : "")
                   << "\n";
    for (const rules::ExplainedRule& rule : found_.rules) PrintRule(rule);
    command_.out() << command_.Say("结果：", "outcome: ")
                   << OutcomeInWords(decision.outcomes[0], command_.english());
    if (!decision.reasons[0].empty())
      command_.out() << Printable(
          absl::StrCat(command_.Say("，", ", "), Reason(), " [", decision.reasons[0], "]"));
    command_.out() << "\n";
    return decision.outputs.empty() || decision.outputs[0].tombstone ? absl::OkStatus()
                                                                     : PrintFields();
  }

  json ClauseJson(const rules::ExplainedClause& clause) const {
    static constexpr const char* kTruths[] = {"false", "true", "error"};
    json out = {{"text", clause.text}, {"value", kTruths[static_cast<int>(clause.truth)]}};
    for (const auto& [field, text] : clause.fields)
      out["fields"][field->name] = Value(*field, text);
    if (clause.joint != cel::Clause::Joint::kNone) {
      json& parts = out[clause.joint == cel::Clause::Joint::kAll ? "all" : "any"];
      for (const rules::ExplainedClause& part : clause.parts) parts.push_back(ClauseJson(part));
    }
    return out;
  }

  absl::Status PrintJson() {
    const rules::Decision& decision = found_.decision;
    json out = {{"outcome", v1::Outcome_Name(decision.outcomes[0])},
                {"reason", decision.reasons[0]},
                {"division", decision.attribution.division},
                {"conflict", decision.attribution.conflict},
                {"rules", json::array()}};
    for (const rules::ExplainedRule& explained : found_.rules) {
      json rule = {{"id", explained.rule->id},
                   {"in_force", explained.in_force},
                   {"decides", explained.decides}};
      if (explained.in_force && !explained.always) rule["when"] = ClauseJson(explained.when);
      out["rules"].push_back(std::move(rule));
    }
    command_.out() << out.dump() << "\n";
    return absl::OkStatus();
  }

  Command& command_;
  const Options& options_;
  std::shared_ptr<const territory::Divisions> divisions_;
  std::shared_ptr<const schema::Contract> contract_;
  std::shared_ptr<const rules::RuleSet> rules_;
  std::string record_;
  rules::Explanation found_;
};

}  // namespace

void AddRuleExplainVerb(CLI::App& group, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* explain =
      AddVerb(group, command, "explain",
              "一条记录为何如此判定：每个条件的值与结果 (why a record is decided as it is)",
              [&command, options] { return Explainer(command, *options).Run(); });
  explain->add_option("record", options->record, "记录，JSON 文件 (the record, a JSON file)")
      ->required();
  CLI::Option* rules =
      explain->add_option("--rules", options->rules, "规则文件 YAML (a rule file, no node needed)");
  explain
      ->add_option("--dataset", options->dataset, "节点上该数据集的规则 (the node's rules for it)")
      ->excludes(rules);
  explain->add_option("--version", options->version, "版本，默认现行 (default: in force)")
      ->excludes(rules);
  explain->add_option("--receiver", options->receiver, "接收方 (receiver)")->excludes(rules);
  explain->add_option("--area", options->area,
                      "接收方的区划，逗号分隔，默认接收方代码 (its divisions; default: its id)");
  explain->add_option("--at", options->at, "按何时有效的规则，默认现在 (rules valid when; now)");
  explain->add_option("--schemas", options->schemas,
                      "schemas 目录 (folder of contracts and divisions)");
  explain->add_option("--contract", options->contract, "契约 .proto (the dataset's contract)");
  explain->add_flag("--show-personal", options->personal,
                    "显示个人信息字段的值 (show personal fields' values)");
}

}  // namespace huiliu::cli
