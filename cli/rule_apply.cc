// Rule files of a folder (say, of a Git repository) beside what the node has: what differs is
// proposed. Approving stays with another officer.
#include <filesystem>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/files_in.h"
#include "cli/rule_life.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "nlohmann/json.hpp"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string schemas, contract, note;
  std::vector<std::string> paths;
  bool plan = false;
};

enum class Action { kNothing, kTextOnly, kWaits, kPropose };

// One rule file, and what is to be done about it.
struct Draft {
  std::string file;
  std::string yaml;
  rules::RuleSetHead head;
  uint32_t in_force = 0;
  std::vector<std::string> changes;  // of the rules in force
  std::vector<std::string> notices;  // what an approver should know
  Action action = Action::kNothing;
  v1::RuleSet known;  // the version that waits, or was proposed now
};

// The newest version that was not rejected: proposing its very text again would change nothing.
absl::StatusOr<v1::RuleSet> Newest(Command& command, const rules::RuleSetHead& head) {
  v1::ListRuleSetsRequest request;
  request.set_dataset(head.dataset.value());
  request.set_receiver(head.receiver.value());
  v1::ListRuleSetsResponse all;
  RETURN_IF_ERROR(command.Call("Rules/ListRuleSets", request, &all));
  for (const v1::RuleSet& version : all.rule_sets()) {
    if (version.state() != v1::RULE_SET_STATE_REJECTED) return version;
  }
  return v1::RuleSet();
}

absl::Status Compare(Command& command, const Options& options,
                     const territory::Divisions* divisions, Draft* draft) {
  ASSIGN_OR_RETURN(draft->yaml, ReadFile(draft->file));
  ASSIGN_OR_RETURN(draft->head, rules::ParseRuleSetHead(draft->file, draft->yaml));
  ASSIGN_OR_RETURN(const auto contract, ContractOf(command, draft->head.dataset.value(),
                                                   options.contract, options.schemas));
  std::vector<v1::RuleError> errors;
  ASSIGN_OR_RETURN(const auto parsed,
                   rules::ParseRuleSet(draft->file, draft->yaml, *contract, &errors, divisions));
  ASSIGN_OR_RETURN(const auto in_force, RulesInForce(command, draft->head, *contract));
  ASSIGN_OR_RETURN(draft->known, Newest(command, draft->head));
  draft->notices = NoticesInWords(*parsed, command.english());
  draft->in_force = in_force == nullptr ? 0 : in_force->version;
  draft->changes = RuleChanges(in_force.get(), *parsed, command.english());
  const bool waits = draft->known.state() == v1::RULE_SET_STATE_PROPOSED ||
                     draft->known.state() == v1::RULE_SET_STATE_APPROVED;
  if (waits && draft->known.yaml() == draft->yaml) {
    draft->action = Action::kWaits;
  } else if (in_force != nullptr && in_force->yaml == draft->yaml) {
    draft->action = Action::kNothing;
  } else if (in_force != nullptr && draft->changes.empty()) {
    draft->action = Action::kTextOnly;
  } else {
    draft->action = Action::kPropose;
  }
  return absl::OkStatus();
}

absl::Status Propose(Command& command, const Options& options, Draft* draft) {
  v1::ProposeRuleSetRequest request;
  request.set_source_name(std::filesystem::path(draft->file).filename().string());
  request.set_yaml(draft->yaml);
  request.set_note(options.note);
  v1::ProposeRuleSetResponse response;
  RETURN_IF_ERROR(command.Call("Rules/ProposeRuleSet", request, &response));
  draft->known = std::move(*response.mutable_rule_set());
  return absl::OkStatus();
}

void Print(Command& command, const Options& options, const Draft& draft) {
  command.out() << Printable(absl::StrCat(draft.file, "  ", draft.head.dataset.value(), " → ",
                                          draft.head.receiver.value()));
  if (draft.in_force == 0) {
    command.out() << command.Say("（尚无现行规则）\n", " (none in force yet)\n");
  } else {
    command.out() << command.Say("（对比现行第 ", " (beside version ") << draft.in_force
                  << command.Say(" 版）\n", ", in force)\n");
  }
  for (const std::string& change : draft.changes)
    command.out() << "  " << Printable(change) << "\n";
  for (const std::string& notice : draft.notices)
    command.out() << "  " << Printable(notice) << "\n";
  const std::string version = absl::StrCat(draft.known.version());
  switch (draft.action) {
    case Action::kNothing:
      command.out() << command.Say("  与现行一致\n", "  as in force\n");
      return;
    case Action::kTextOnly:
      command.out() << command.Say("  规则无变化，仅文字不同，不提交\n",
                                   "  no rule changes, only its text: not proposed\n");
      return;
    case Action::kWaits:
      command.out() << command.Say("  第 ", "  version ") << version
                    << command.Say(" 版已提交：", " is there already: ")
                    << StateInWords(draft.known.state(), command.english()) << "\n";
      return;
    case Action::kPropose:
      if (options.plan) {
        command.out() << command.Say("  将提交\n", "  would be proposed\n");
      } else {
        command.out() << command.Say("  已提交第 ", "  proposed as version ") << version
                      << command.Say(" 版，待另一名数据专员审批\n",
                                     ", another data officer approves it\n");
      }
  }
}

const char* NameOf(const Draft& draft, bool plan) {
  switch (draft.action) {
    case Action::kNothing:
      return "unchanged";
    case Action::kTextOnly:
      return "text_only";
    case Action::kWaits:
      return "waits";
    default:
      return plan ? "would_propose" : "proposed";
  }
}

absl::Status Apply(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files,
                   FilesIn(options.paths, {".yaml", ".yml"},
                           "其中没有规则文件（*.yaml）/ no rule file (*.yaml) in it"));
  ASSIGN_OR_RETURN(const auto divisions, DivisionsAtHand(options.schemas));
  std::vector<Draft> drafts;
  std::map<std::pair<std::string, std::string>, std::string> of;  // dataset and receiver → file
  // All are looked at before any is proposed.
  for (const std::string& file : files) {
    Draft& draft = drafts.emplace_back();
    draft.file = file;
    RETURN_IF_ERROR(Compare(command, options, divisions.get(), &draft));
    const auto [other, fresh] =
        of.try_emplace({draft.head.dataset.value(), draft.head.receiver.value()}, draft.file);
    if (!fresh) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": 与 ", other->second,
                                                     " 是同一数据集、同一接收方的规则 / is for the "
                                                     "same dataset and receiver as ",
                                                     other->second));
    }
  }
  nlohmann::json told = nlohmann::json::array();
  int proposed = 0;
  for (Draft& draft : drafts) {
    const bool differs = draft.action == Action::kPropose;
    proposed += differs ? 1 : 0;
    if (differs && !options.plan) RETURN_IF_ERROR(Propose(command, options, &draft));
    if (!command.json) {
      Print(command, options, draft);
      continue;
    }
    told.push_back({{"file", draft.file},
                    {"dataset", draft.head.dataset.value()},
                    {"receiver", draft.head.receiver.value()},
                    {"in_force", draft.in_force},
                    {"action", NameOf(draft, options.plan)},
                    {"changes", draft.changes},
                    {"notices", draft.notices}});
    const bool named = draft.action == Action::kWaits || (differs && !options.plan);
    if (named) told.back()["version"] = draft.known.version();
  }
  command.findings = options.plan && proposed > 0;
  if (command.json) {
    command.out() << nlohmann::json{{"files", told}, {"differing", proposed}}.dump() << "\n";
  } else if (proposed == 0) {
    command.out() << command.Say("无需提交\n", "nothing to propose\n");
  }
  return absl::OkStatus();
}

}  // namespace

void AddRuleApplyVerb(CLI::App& group, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = AddVerb(group, command, "apply",
                           "比对目录中的规则文件与节点，差异提交待审批，不自行审批 (propose what "
                           "rule files change; never approves)",
                           [&command, options] { return Apply(command, *options); });
  verb->add_option("paths", options->paths, "规则文件或目录 (rule files or folders)")->required();
  verb->add_option("--note", options->note, "修改说明 (what changes and why)");
  verb->add_flag("--plan", options->plan,
                 "只显示差异，不提交；有差异时退出码为 1 (propose nothing; exit code 1 where "
                 "something differs)");
  verb->add_option("--schemas", options->schemas,
                   "schemas 目录 (folder of contracts and divisions)");
  verb->add_option("--contract", options->contract, "契约 .proto (the dataset's contract)");
}

}  // namespace huiliu::cli
