#include "cli/rule_life.h"

#include <filesystem>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/rule_replaced.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"
#include "core/rules/dry_run_words.h"
#include "huiliu/v1/rules.pb.h"
#include "nlohmann/json.hpp"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string dataset, receiver, schemas, contract, note, reason, untried, from;
  uint32_t version = 0;
  bool reevaluate = false, life = false;
  std::vector<std::string> files;
};

std::string BaseName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

std::string StateInWords(v1::RuleSetState state, bool english) {
  switch (state) {
    case v1::RULE_SET_STATE_PROPOSED:
      return english ? "proposed" : "待审批";
    case v1::RULE_SET_STATE_REJECTED:
      return english ? "rejected" : "已退回";
    case v1::RULE_SET_STATE_APPROVED:
      return english ? "approved for later" : "已审批未生效";
    case v1::RULE_SET_STATE_IN_FORCE:
      return english ? "in force" : "现行";
    case v1::RULE_SET_STATE_SUPERSEDED:
      return english ? "superseded" : "已被替代";
    case v1::RULE_SET_STATE_EXPIRED:
      return english ? "expired" : "已失效";
    default:
      return "";
  }
}

namespace {

// What the newest dry run came to, in a cell of a table.
std::string DryRunInShort(const v1::RuleSet& set, bool english) {
  if (set.dry_runs_size() == 0) {
    const std::string none = english ? "none" : "未试运行";
    if (set.untried_reason().empty()) return none;
    return absl::StrCat(none, english ? ": " : "：", set.untried_reason());
  }
  std::string out;
  for (const v1::DryRunCount& count : set.dry_runs(set.dry_runs_size() - 1).counts()) {
    if (count.category() == v1::DRY_RUN_CATEGORY_UNCHANGED || count.records() == 0) continue;
    absl::StrAppend(&out,
                    out.empty() ? ""
                    : english   ? ", "
                                : "，",
                    rules::InWords(count.category(), english), " ", count.records());
  }
  if (out.empty()) out = english ? "no change" : "无变化";
  return out;
}

std::string OneLanguage(const std::string& both, bool english) {
  const size_t at = both.find(" / ");
  if (at == std::string::npos) return both;
  return english ? both.substr(at + 3) : both.substr(0, at);
}

// "rule：Chinese / English", as answers have them.
void PrintNotices(Command& command, const v1::RuleSet& set) {
  for (const std::string& notice : set.notices()) {
    const size_t at = notice.find("：");
    const std::string rule = at == std::string::npos ? "" : notice.substr(0, at);
    const std::string words = at == std::string::npos ? notice : notice.substr(at + 3);
    command.out() << command.Say("注意：规则 ", "note: rule ")
                  << Printable(absl::StrCat(rule, command.Say("：", ": "),
                                            OneLanguage(words, command.english())))
                  << "\n";
  }
}

// An approver is told what he approves; that a version was never tried stands in lineage too.
void PrintDryRuns(Command& command, const v1::RuleSet& set) {
  if (set.dry_runs_size() == 0 && set.state() != v1::RULE_SET_STATE_REJECTED) {
    command.out() << command.Say(
        "注意：此版本未经试运行（huiliu rules dry-run；部门侧 huiliu-agent rules dry-run）",
        "note: this version was never dry-run (huiliu rules dry-run; at the edge huiliu-agent "
        "rules dry-run)");
    if (!set.untried_reason().empty())
      command.out() << command.Say("，原因：", ", because: ") << Printable(set.untried_reason());
    command.out() << "\n";
  }
  for (const v1::DryRunSummary& run : set.dry_runs())
    command.out() << command.Say("试运行：", "dry run: ")
                  << Printable(rules::SummaryInWords(run, command.english())) << "\n";
}

}  // namespace

std::vector<std::string> NoticesInWords(const rules::RuleSet& rule_set, bool english) {
  std::vector<std::string> lines;
  for (const v1::RuleError& notice : rule_set.notices) {
    lines.push_back(absl::StrCat(english ? "note: rule " : "注意：规则 ", notice.rule(),
                                 english ? ": " : "：", OneLanguage(notice.message(), english)));
  }
  return lines;
}

namespace {

absl::Status History(Command& command, const Options& options) {
  v1::ListRuleSetsRequest request;
  request.set_dataset(options.dataset);
  request.set_receiver(options.receiver);
  v1::ListRuleSetsResponse all;
  RETURN_IF_ERROR(command.Call("Rules/ListRuleSets", request, &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("数据集", "dataset"), command.Say("接收方", "receiver"),
               command.Say("版本", "version"), command.Say("状态", "state"),
               command.Say("提交人", "author"), command.Say("提交时间", "proposed"),
               command.Say("审批人", "approver"), command.Say("生效时间", "in force from"),
               command.Say("试运行", "dry run"), command.Say("历史重判", "history"),
               command.Say("依据", "legal basis"), command.Say("说明", "note"),
               command.Say("摘要（锁定用）", "digest (to pin)")});
  for (const v1::RuleSet& s : all.rule_sets()) {
    std::string state = StateInWords(s.state(), command.english());
    if (const uint32_t by = ReplacedBeforeItsDate(s, all); by > 0) {
      absl::StrAppend(&state, command.Say("（未曾生效，第 ", " (never in force: by version "), by,
                      command.Say(" 版取代）", ")"));
    }
    table.Add({s.dataset(), s.receiver(), std::to_string(s.version()), state, s.author(),
               TimeInWords(s.registered()), s.approver(), TimeInWords(s.active_from()),
               DryRunInShort(s, command.english()), ReevaluationInWords(s, command.english()),
               absl::StrJoin(s.legal_bases(), "；"),
               s.state() == v1::RULE_SET_STATE_REJECTED ? s.reason() : s.note(),
               absl::BytesToHexString(s.digest())});
  }
  command.Print(table);
  return absl::OkStatus();
}

absl::Status PrintState(Command& command, const v1::RuleSet& set) {
  if (command.json) return command.PrintJson(set);
  std::string line = absl::StrCat(
      set.dataset(), " → ", set.receiver(), command.Say("，第 ", ", version "), set.version(),
      command.Say(" 版：", ": "), StateInWords(set.state(), command.english()));
  if (set.state() == v1::RULE_SET_STATE_APPROVED)
    absl::StrAppend(&line, command.Say("，生效时间 ", ", in force from "),
                    TimeInWords(set.active_from()));
  if (set.reevaluate_history())
    absl::StrAppend(&line, command.Say("；生效后对历史重新判定（huiliu rules impact 查看影响）",
                                       "; history is decided again by it (see huiliu rules "
                                       "impact)"));
  if (set.state() == v1::RULE_SET_STATE_PROPOSED)
    absl::StrAppend(&line,
                    command.Say("；请另一名数据专员执行 huiliu rules approve ",
                                "; another data officer runs huiliu rules approve "),
                    set.dataset(), " --version ", set.version());
  command.out() << Printable(line) << "\n";
  return absl::OkStatus();
}

absl::Status Show(Command& command, const Options& options) {
  v1::GetRuleSetRequest request;
  request.set_dataset(options.dataset);
  request.set_version(options.version);
  ASSIGN_OR_RETURN(*request.mutable_receiver(), command.Receiver(options.receiver));
  v1::GetRuleSetResponse response;
  RETURN_IF_ERROR(command.Call("Rules/GetRuleSet", request, &response));
  if (command.json) return command.PrintJson(response.rule_set());
  const v1::RuleSet& set = response.rule_set();
  if (options.life) {
    RETURN_IF_ERROR(PrintState(command, set));
    PrintDryRuns(command, set);
    PrintNotices(command, set);
    return absl::OkStatus();
  }
  command.out() << set.yaml();
  return absl::OkStatus();
}

absl::Status Propose(Command& command, const Options& options) {
  for (const std::string& file : options.files) {
    v1::ProposeRuleSetRequest request;
    request.set_source_name(BaseName(file));
    request.set_note(options.note);
    ASSIGN_OR_RETURN(*request.mutable_yaml(), ReadFile(file));
    v1::ProposeRuleSetResponse response;
    RETURN_IF_ERROR(command.Call("Rules/ProposeRuleSet", request, &response));
    RETURN_IF_ERROR(PrintState(command, response.rule_set()));
  }
  return absl::OkStatus();
}

// What came of an approval otherwise than its caller may think.
std::vector<std::string> ToldOfApproval(const v1::DecideRuleSetRequest& request,
                                        const v1::RuleSet& decided,
                                        const v1::ListRuleSetsResponse& before, bool english) {
  if (!request.approve()) return {};
  std::vector<std::string> lines = ReplacedInWords(decided, before, english);
  if (request.has_active_from() &&
      FromProto(request.active_from()) < FromProto(decided.active_from())) {
    lines.insert(lines.begin(), absl::StrCat(english ? "the time given has passed; in force from "
                                                       "its approval: "
                                                     : "所写生效时间已过，自审批时起生效：",
                                             TimeInWords(decided.active_from())));
  }
  return lines;
}

absl::Status Decide(Command& command, const Options& options, bool approve) {
  v1::DecideRuleSetRequest request;
  request.set_dataset(options.dataset);
  request.set_version(options.version);
  request.set_approve(approve);
  request.set_reason(options.reason);
  request.set_untried_reason(approve ? options.untried : "");
  request.set_reevaluate_history(approve && options.reevaluate);
  ASSIGN_OR_RETURN(*request.mutable_receiver(), command.Receiver(options.receiver));
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_active_from(), ParseTime(options.from, false));
  }
  v1::ListRuleSetsResponse before;
  if (approve) {
    v1::ListRuleSetsRequest of;
    of.set_dataset(request.dataset());
    of.set_receiver(request.receiver());
    RETURN_IF_ERROR(command.Call("Rules/ListRuleSets", of, &before));
  }
  v1::DecideRuleSetResponse response;
  RETURN_IF_ERROR(command.Call("Rules/DecideRuleSet", request, &response));
  v1::RuleSet& decided = *response.mutable_rule_set();
  if (command.json) {
    const std::vector<std::string> chinese = ToldOfApproval(request, decided, before, false);
    const std::vector<std::string> english = ToldOfApproval(request, decided, before, true);
    for (size_t i = 0; i < chinese.size(); ++i)
      decided.add_notices(absl::StrCat(chinese[i], " / ", english[i]));
    return PrintState(command, decided);
  }
  RETURN_IF_ERROR(PrintState(command, decided));
  for (const std::string& line : ToldOfApproval(request, decided, before, command.english()))
    command.out() << command.Say("注意：", "note: ") << line << "\n";
  PrintDryRuns(command, decided);
  PrintNotices(command, decided);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const rules::RuleSet>> RulesInForce(
    Command& command, const rules::RuleSetHead& head, const schema::Contract& contract) {
  v1::GetRuleSetRequest request;
  request.set_dataset(head.dataset.value());
  request.set_receiver(head.receiver.value());
  v1::GetRuleSetResponse response;
  const absl::Status got = command.Call("Rules/GetRuleSet", request, &response);
  if (got.code() == absl::StatusCode::kNotFound) return std::shared_ptr<const rules::RuleSet>();
  RETURN_IF_ERROR(got);
  std::vector<v1::RuleError> errors;
  ASSIGN_OR_RETURN(
      const auto parsed,
      rules::ParseRuleSet(response.rule_set().source_name(), response.rule_set().yaml(), contract,
                          &errors, nullptr, rules::RuleAge::kStanding));
  return rules::WithVersion(*parsed, response.rule_set().version());
}

namespace {

// The dry runs of a version with this very text that waits for approval.
absl::Status PrintTried(Command& command, const rules::RuleSetHead& head, const std::string& yaml) {
  v1::ListRuleSetsRequest request;
  request.set_dataset(head.dataset.value());
  request.set_receiver(head.receiver.value());
  v1::ListRuleSetsResponse all;
  RETURN_IF_ERROR(command.Call("Rules/ListRuleSets", request, &all));
  for (const v1::RuleSet& set : all.rule_sets()) {
    if (set.state() != v1::RULE_SET_STATE_PROPOSED || set.yaml() != yaml) continue;
    PrintDryRuns(command, set);
    break;
  }
  return absl::OkStatus();
}

absl::Status Plan(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const auto divisions, DivisionsAtHand(options.schemas));
  for (const std::string& file : options.files) {
    ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
    ASSIGN_OR_RETURN(const rules::RuleSetHead head, rules::ParseRuleSetHead(file, yaml));
    ASSIGN_OR_RETURN(const auto contract,
                     ContractOf(command, head.dataset.value(), options.contract, options.schemas));
    std::vector<v1::RuleError> errors;
    ASSIGN_OR_RETURN(const auto draft,
                     rules::ParseRuleSet(file, yaml, *contract, &errors, divisions.get()));
    ASSIGN_OR_RETURN(const auto in_force, RulesInForce(command, head, *contract));
    const std::vector<std::string> changes = RuleChanges(in_force.get(), *draft, command.english());
    if (command.json) {
      const nlohmann::json line = {{"file", file},
                                   {"dataset", head.dataset.value()},
                                   {"receiver", head.receiver.value()},
                                   {"in_force", in_force == nullptr ? 0 : in_force->version},
                                   {"changes", changes},
                                   {"notices", NoticesInWords(*draft, command.english())}};
      command.out() << line.dump() << "\n";
      continue;
    }
    command.out() << head.dataset.value() << " → " << head.receiver.value();
    if (in_force == nullptr) {
      command.out() << command.Say("（尚无现行规则）\n", " (none in force yet)\n");
    } else {
      command.out() << command.Say("（对比现行第 ", " (beside version ") << in_force->version
                    << command.Say(" 版）\n", ", in force)\n");
    }
    for (const std::string& change : changes) command.out() << "  " << Printable(change) << "\n";
    if (changes.empty()) command.out() << command.Say("  规则无变化\n", "  no rule changes\n");
    for (const std::string& notice : NoticesInWords(*draft, command.english()))
      command.out() << Printable(notice) << "\n";
    RETURN_IF_ERROR(PrintTried(command, head, yaml));
  }
  return absl::OkStatus();
}

}  // namespace

void AddRuleLifeVerbs(CLI::App& group, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* history =
      AddVerb(group, command, "history",
              "各版本：提交、审批、生效 (every version: proposed, approved, in force)",
              [&command, options] { return History(command, *options); });
  history->alias("list");
  history->add_option("--dataset", options->dataset, "数据集 (of a dataset)");
  history->add_option("--receiver", options->receiver, "接收方 (for a receiver)");

  const auto of_one = [&](CLI::App* verb) {
    verb->add_option("dataset", options->dataset, "数据集 (dataset)")->required();
    verb->add_option("--receiver", options->receiver, "接收方 (receiver)");
    return verb;
  };
  CLI::App* show = of_one(AddVerb(group, command, "show", "规则原文 (a rule set's text)",
                                  [&command, options] { return Show(command, *options); }));
  show->add_option("--version", options->version, "版本，默认现行 (default: in force)");
  show->add_flag(
      "--life", options->life,
      "不显示原文，显示状态、试运行与须知 (not its text: its state, its dry runs, what an "
      "approver should know)");

  CLI::App* plan = AddVerb(group, command, "plan",
                           "规则文件与现行规则的差异 (what files change of the rules in force)",
                           [&command, options] { return Plan(command, *options); });
  plan->add_option("files", options->files, "YAML")->required();
  plan->add_option("--schemas", options->schemas,
                   "schemas 目录 (folder of contracts and divisions)");
  plan->add_option("--contract", options->contract, "契约 .proto (the dataset's contract)");

  CLI::App* propose =
      AddVerb(group, command, "propose", "提交规则文件待审批 (propose rule files for approval)",
              [&command, options] { return Propose(command, *options); });
  propose->add_option("files", options->files, "YAML")->required();
  propose->add_option("--note", options->note, "修改说明 (what changes and why)");

  CLI::App* approve = of_one(AddVerb(
      group, command, "approve", "审批通过，提交人本人不能审批 (approve; not by the author)",
      [&command, options] { return Decide(command, *options, true); }));
  approve->add_option("--version", options->version, "版本 (version)")->required();
  approve->add_option("--from", options->from, "生效时间，默认立即 (in force from; default: now)");
  approve->add_option("--reason", options->reason, "审批意见 (remark)");
  approve->add_option("--untried", options->untried,
                      "未经试运行而审批的原因 (why it is approved though nobody tried it)");
  approve->add_flag("--reevaluate", options->reevaluate,
                    "生效后对历史重新判定，发出相应的回流与撤回 (decide again what was decided "
                    "before, and send what follows)");

  CLI::App* reject = of_one(
      AddVerb(group, command, "reject", "退回待审批或尚未生效的版本 (reject a version that waits)",
              [&command, options] { return Decide(command, *options, false); }));
  reject->add_option("--version", options->version, "版本 (version)")->required();
  reject->add_option("--reason", options->reason, "理由 (why)")->required();
}

}  // namespace huiliu::cli
