#include "cli/rule_explain.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/explain.h"
#include "core/rules/explain_message.h"
#include "core/rules/explain_words.h"
#include "core/rules/reason_words.h"
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
  std::string purpose, system, place;
  std::vector<std::string> key;
  uint32_t version = 0;
  bool personal = false;
};

rules::ExplainLanguage LanguageOf(const Command& command, const schema::Contract& contract,
                                  const territory::Divisions* divisions, const char* withheld) {
  rules::ExplainLanguage language;
  language.english = command.english();
  language.withheld = withheld;
  language.place = [divisions](const std::string& code) {
    const territory::Division* division = divisions == nullptr ? nullptr : divisions->Find(code);
    return division == nullptr ? std::string() : division->name;
  };
  language.title = [&contract, english = command.english()](const std::string& name) {
    const schema::Field* field = contract.FindField(name);
    return field == nullptr || english ? std::string() : field->options.title();
  };
  return language;
}

// As given; else a place in the log says it: source.DATASET/PARTITION@OFFSET.
absl::StatusOr<std::string> DatasetOf(const Options& options) {
  if (!options.dataset.empty()) return options.dataset;
  absl::string_view place = options.place;
  const size_t end = place.find('/');
  if (absl::ConsumePrefix(&place, "source.") && end != absl::string_view::npos)
    return std::string(place.substr(0, place.find('/')));
  return absl::InvalidArgumentError(options.place.empty()
                                        ? "须给出 --dataset / say --dataset"
                                        : "--at-offset 应为 source.数据集/分区@位置，如 "
                                          "source.case_accept/0@123 / --at-offset is "
                                          "source.DATASET/PARTITION@OFFSET");
}

// Of a record that the node holds: through the caller's grant.
absl::Status ExplainAtNode(Command& command, const Options& options) {
  v1::ExplainRequest request;
  v1::ReadContext& context = *request.mutable_context();
  ASSIGN_OR_RETURN(*context.mutable_dataset(), DatasetOf(options));
  context.set_purpose(options.purpose);
  ASSIGN_OR_RETURN(*context.mutable_receiver(), command.Receiver(options.receiver));
  for (const std::string& value : options.key) request.mutable_key()->add_values(value);
  request.mutable_key()->set_system(options.system);
  request.set_place(options.place);
  request.set_version(options.version);
  if (!options.at.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_as_of(), ParseTime(options.at, false));
  }
  v1::ExplainResponse response;
  RETURN_IF_ERROR(command.Call("Rules/Explain", request, &response));
  if (command.json) return command.PrintJson(response.explanation());
  ASSIGN_OR_RETURN(const auto contract,
                   ContractOf(command, context.dataset(), options.contract, options.schemas));
  std::shared_ptr<const territory::Divisions> divisions;
  // Names of places are a service to the reader: without the folder codes stand alone.
  if (const auto schemas = FindSchemas(options.schemas); schemas.ok()) {
    if (auto loaded = LoadDivisions(*schemas); loaded.ok()) divisions = *std::move(loaded);
  }
  command.out() << Printable(absl::StrCat(contract->options().title(), " → ",
                                          response.explanation().receiver(),
                                          command.Say("，规则第 ", ", rules version "),
                                          response.explanation().version(), command.Say(" 版", "")))
                << "\n"
                << rules::ExplanationInWords(
                       response.explanation(),
                       LanguageOf(command, *contract, divisions.get(),
                                  command.Say("（未回流或授权不含，不显示）",
                                              "(not returned or not granted, not shown)")));
  return absl::OkStatus();
}

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
    for (const std::string& area : receiver.divisions)
      RETURN_IF_ERROR(Annotate(territory::CheckArea(*divisions_, area), "--area"));
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
    ASSIGN_OR_RETURN(rules_,
                     rules::ParseRuleSet(
                         name, yaml, *contract_, nullptr, version == 0 ? divisions_.get() : nullptr,
                         version == 0 ? rules::RuleAge::kNew : rules::RuleAge::kStanding));
    if (version > 0) rules_ = rules::WithVersion(*rules_, version);
    return absl::OkStatus();
  }

  std::string Value(const schema::Field& field, const std::string& text) const {
    if (text.empty()) return command_.Say("（空）", "(empty)");
    if (field.options.personal() && !options_.personal)
      return command_.Say("（个人信息，不显示）", "(personal, not shown)");
    return text;
  }
  // As the text tells it.
  absl::StatusOr<v1::Explanation> Message() const {
    rules::ExplainViewer viewer;
    viewer.knows_all = true;  // the record is the caller's own
    viewer.show = [&](const schema::Field& field,
                      const std::string& text) -> std::pair<v1::DryRunSample::Shown, std::string> {
      if (field.options.personal() && !options_.personal)
        return {v1::DryRunSample::SHOWN_WITHHELD, ""};
      return {v1::DryRunSample::SHOWN_CLEAR, text};
    };
    return rules::ToMessage(found_, *contract_, *rules_, record_, viewer);
  }

  absl::Status PrintText() {
    ASSIGN_OR_RETURN(const v1::Explanation explanation, Message());
    command_.out() << Printable(absl::StrCat(
                          contract_->options().title(), " → ", rules_->receiver.value(),
                          command_.Say("，规则 ", ", rules "), rules_->source_name,
                          rules_->version > 0 ? absl::StrCat(" @", rules_->version) : ""))
                   << "\n";
    command_.out() << rules::ExplanationInWords(
        explanation, LanguageOf(command_, *contract_, divisions_.get(),
                                command_.Say("（个人信息，不显示）", "(personal, not shown)")));
    return absl::OkStatus();
  }

  json ClauseJson(const rules::ExplainedClause& clause) const {
    static constexpr const char* kTruths[] = {"false", "true", "error"};
    json out = {{"text", clause.text}, {"value", kTruths[static_cast<int>(clause.truth)]}};
    const std::string& words = command_.english() ? clause.words_english : clause.words_chinese;
    if (!words.empty()) out["words"] = words;
    bool told = true;
    for (const auto& [field, text] : clause.fields)
      told = told && (options_.personal || !field->options.personal());
    // What went wrong may quote the value.
    if (told && !clause.error.empty()) out["error"] = clause.error;
    for (const auto& [field, text] : clause.fields)
      out["fields"][field->name] = Value(*field, text);
    if (clause.joint != cel::Clause::Joint::kNone) {
      json& parts = out[clause.joint == cel::Clause::Joint::kAll ? "all" : "any"];
      for (const rules::ExplainedClause& part : clause.parts) parts.push_back(ClauseJson(part));
    }
    return out;
  }

  json LinkJson(const v1::Explanation::Link& link) const {
    json out = {{"field", link.value().field()}, {"title", link.value().title()},
                {"basis", link.basis()},         {"division", link.division()},
                {"decided", link.decided()},     {"decided_county", link.decided_county()},
                {"ambiguous", link.ambiguous()}, {"unread", link.unread()},
                {"also", link.also()},           {"candidates", link.candidates()},
                {"disagrees", link.disagrees()}};
    const schema::Field* field = contract_->FindField(link.value().field());
    out["value"] = field == nullptr ? "" : Value(*field, link.value().text());
    return out;
  }

  absl::Status PrintJson() {
    const rules::Decision& decision = found_.decision;
    ASSIGN_OR_RETURN(const v1::Explanation told, Message());
    json out = {{"dataset", told.dataset()},
                {"receiver", told.receiver()},
                {"version", told.version()},
                {"outcome", v1::Outcome_Name(decision.outcomes[0])},
                {"reason", decision.reasons[0]},
                {"reason_words", told.reason_words().empty()
                                     ? rules::ReasonInWords(told.reason(), command_.english())
                                     : told.reason_words()},
                {"division", decision.attribution.division},
                {"conflict", decision.attribution.conflict},
                {"county_means", told.county_means()},
                {"territory_override", told.territory_override()},
                {"links", json::array()},
                {"dropped", told.dropped()},
                {"changed", told.changed()},
                {"filled", told.filled()},
                {"note", told.note()},
                {"rules", json::array()}};
    for (const v1::Explanation::Link& link : told.links()) out["links"].push_back(LinkJson(link));
    for (const rules::ExplainedRule& explained : found_.rules) {
      json rule = {{"id", explained.rule->id},
                   {"title", explained.rule->title},
                   {"legal_basis", explained.rule->legal_basis},
                   {"withholds", explained.rule->returns ? "" : explained.rule->reason},
                   {"always", explained.always},
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
  CLI::App* explain = AddVerb(
      group, command, "explain",
      "一条记录为何如此判定：每个条件的值与结果 (why a record is decided as it is)",
      [&command, options]() -> absl::Status {
        const bool at_node = !options->key.empty() || !options->place.empty();
        if (at_node == !options->record.empty()) {
          return absl::InvalidArgumentError(
              "须给出记录文件，或节点上的记录（--key 或 --at-offset）/ give a record's "
              "file, or a record at the node (--key or --at-offset)");
        }
        return at_node ? ExplainAtNode(command, *options) : Explainer(command, *options).Run();
      });
  CLI::Option* record =
      explain->add_option("record", options->record, "记录，JSON 文件 (the record, a JSON file)");
  CLI::Option* key = explain
                         ->add_option("--key", options->key,
                                      "节点上的记录：主键字段的值，可多次 (a record at the node: "
                                      "its key fields' values)")
                         ->allow_extra_args(false)
                         ->excludes(record);
  explain
      ->add_option("--at-offset", options->place,
                   "或其日志位置，如 source.case_accept/0@123 (or its place in the log)")
      ->excludes(record)
      ->excludes(key);
  explain->add_option("--system", options->system, "来源系统 (the system it comes from)")
      ->excludes(record);
  explain
      ->add_option("--purpose", options->purpose,
                   "用途：按本单位该用途的授权 (through the grant for this purpose)")
      ->excludes(record);
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
