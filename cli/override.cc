// Territory overrides (认领决定): where a record belongs, decided by hand and by two people.
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "adapters/mapping/key_text.h"
#include "cli/command.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"
#include "core/rules/override_words.h"
#include "huiliu/v1/overrides.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id, dataset, receiver, state, name, pattern, condition, record, system, division,
      reason;
  std::vector<std::string> key;
};

absl::StatusOr<v1::OverrideState> ParseState(const std::string& text) {
  if (text.empty()) return v1::OVERRIDE_STATE_UNSPECIFIED;
  if (text == "proposed") return v1::OVERRIDE_STATE_PROPOSED;
  if (text == "approved") return v1::OVERRIDE_STATE_APPROVED;
  if (text == "rejected") return v1::OVERRIDE_STATE_REJECTED;
  if (text == "withdrawn") return v1::OVERRIDE_STATE_WITHDRAWN;
  return absl::InvalidArgumentError(absl::StrCat(
      "没有这种状态 / state \"", text, "\" is none of proposed, approved, rejected, withdrawn"));
}

// FIELD=TEXT
absl::Status ParseFieldText(const std::string& given, v1::TerritoryOverride::FieldText* match) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(given, absl::MaxSplits('=', 1));
  if (parts.first.empty() || parts.second.empty())
    return absl::InvalidArgumentError("应为 字段=值 / FIELD=TEXT is wanted");
  match->set_field(parts.first);
  match->set_text(parts.second);
  return absl::OkStatus();
}

// The one system whose sources send the dataset, where none is named.
absl::StatusOr<std::string> SystemOf(Command& command, const Options& options) {
  if (!options.system.empty()) return options.system;
  v1::ListSourcesResponse all;
  RETURN_IF_ERROR(command.Call("Registry/ListSources", v1::ListSourcesRequest(), &all));
  std::string found;
  for (const v1::Source& source : all.sources()) {
    if (source.dataset() != options.dataset || source.system() == found) continue;
    if (!found.empty())
      return absl::InvalidArgumentError(
          "此数据集来自多个系统，请用 --system 指明 / several systems send this dataset; name one "
          "with --system");
    found = source.system();
  }
  if (!found.empty()) return found;
  return absl::NotFoundError(
      "看不到此数据集的数据源，请用 --system 指明系统 / no source of this dataset is seen; name "
      "the "
      "system with --system");
}

// The key stays here: its digest leaves.
absl::Status HashKey(Command& command, const Options& options, v1::TerritoryOverride* given) {
  ASSIGN_OR_RETURN(const auto contract, RegisteredContract(command, options.dataset));
  ASSIGN_OR_RETURN(const std::string key, mapping::KeyAsMapped(contract, options.key));
  ASSIGN_OR_RETURN(const std::string system, SystemOf(command, options));
  given->set_record(absl::BytesToHexString(AsBytes(rules::RecordDigest(system, key))));
  return absl::OkStatus();
}

absl::Status PrintOne(Command& command, const v1::TerritoryOverride& one) {
  if (command.json) return command.PrintJson(one);
  std::string line =
      absl::StrCat(one.id(), "  ", one.dataset(), " → ", one.receiver(), "  ",
                   rules::MatchInWords(one, command.english()), " → ",
                   rules::DivisionInWords(one, command.english()), command.Say("：", ": "),
                   rules::StateInWords(one.state(), command.english()));
  if (one.state() == v1::OVERRIDE_STATE_PROPOSED)
    absl::StrAppend(&line,
                    command.Say("；请另一名数据专员执行 huiliu override approve ",
                                "; another data officer runs huiliu override approve "),
                    one.id());
  command.out() << Printable(line) << "\n";
  if (const std::string reach = rules::ReachInWords(one, command.english()); !reach.empty())
    command.out() << command.Say("  提交时：", "  when proposed: ") << Printable(reach) << "\n";
  return absl::OkStatus();
}

absl::Status Propose(Command& command, const Options& options) {
  v1::ProposeOverrideRequest request;
  v1::TerritoryOverride& given = *request.mutable_territory_override();
  given.set_dataset(options.dataset);
  given.set_division(options.division);
  given.set_reason(options.reason);
  ASSIGN_OR_RETURN(*given.mutable_receiver(), command.Receiver(options.receiver));
  if (!options.name.empty()) RETURN_IF_ERROR(ParseFieldText(options.name, given.mutable_name()));
  if (!options.pattern.empty())
    RETURN_IF_ERROR(ParseFieldText(options.pattern, given.mutable_pattern()));
  if (!options.condition.empty()) given.set_condition(options.condition);
  if (!options.record.empty()) given.set_record(options.record);
  if (!options.key.empty()) RETURN_IF_ERROR(HashKey(command, options, &given));
  v1::ProposeOverrideResponse response;
  RETURN_IF_ERROR(command.Call("Overrides/ProposeOverride", request, &response));
  return PrintOne(command, response.territory_override());
}

absl::Status Decide(Command& command, const Options& options, bool approve) {
  v1::DecideOverrideRequest request;
  request.set_id(options.id);
  request.set_approve(approve);
  request.set_reason(options.reason);
  v1::DecideOverrideResponse response;
  RETURN_IF_ERROR(command.Call("Overrides/DecideOverride", request, &response));
  return PrintOne(command, response.territory_override());
}

absl::Status Withdraw(Command& command, const Options& options) {
  v1::WithdrawOverrideRequest request;
  request.set_id(options.id);
  request.set_reason(options.reason);
  v1::WithdrawOverrideResponse response;
  RETURN_IF_ERROR(command.Call("Overrides/WithdrawOverride", request, &response));
  return PrintOne(command, response.territory_override());
}

absl::Status List(Command& command, const Options& options) {
  v1::ListOverridesRequest request;
  request.set_dataset(options.dataset);
  request.set_receiver(options.receiver);
  ASSIGN_OR_RETURN(const v1::OverrideState state, ParseState(options.state));
  request.set_state(state);
  v1::ListOverridesResponse all;
  RETURN_IF_ERROR(ListAll(command, "Overrides/ListOverrides", request, &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("编号", "id"), command.Say("数据集", "dataset"),
               command.Say("接收方", "receiver"), command.Say("匹配", "matches"),
               command.Say("归属", "division"), command.Say("会认领", "would decide"),
               command.Say("状态", "state"), command.Say("提交人", "author"),
               command.Say("审批人", "approver"), command.Say("审批时间", "decided"),
               command.Say("理由", "reason")});
  for (const v1::TerritoryOverride& one : all.territory_overrides())
    table.Add({one.id(), one.dataset(), one.receiver(), rules::MatchInWords(one, command.english()),
               rules::DivisionInWords(one, command.english()),
               one.has_reach()
                   ? absl::StrCat(one.reach().pending_matched(), "/", one.reach().pending_read())
                   : std::string(),
               rules::StateInWords(one.state(), command.english()), one.author(), one.approver(),
               TimeInWords(one.decided()), one.reason()});
  command.Print(table);
  return absl::OkStatus();
}

absl::Status Show(Command& command, const Options& options) {
  v1::ListOverridesRequest request;
  request.set_id(options.id);
  v1::ListOverridesResponse found;
  RETURN_IF_ERROR(command.Call("Overrides/ListOverrides", request, &found));
  if (found.territory_overrides_size() == 0)
    return absl::NotFoundError(
        absl::StrCat("没有认领决定 / there is no override \"", options.id, "\""));
  const v1::TerritoryOverride& one = found.territory_overrides(0);
  RETURN_IF_ERROR(PrintOne(command, one));
  if (command.json) return absl::OkStatus();
  const auto line = [&](const char* chinese, const char* english, const std::string& who,
                        const google::protobuf::Timestamp& when, const std::string& why) {
    if (who.empty()) return;
    command.out() << "  " << command.Say(chinese, english)
                  << Printable(absl::StrCat(who, "  ", TimeInWords(when), "  ", why)) << "\n";
  };
  line("提交：", "proposed: ", one.author(), one.proposed(), one.reason());
  line("审批：", "decided: ", one.approver(), one.decided(), one.decision_reason());
  line("撤回：", "withdrawn: ", one.withdrawn_by(), one.withdrawn(), one.withdrawal_reason());
  return absl::OkStatus();
}

void AddProposeVerb(CLI::App& group, Command& command, std::shared_ptr<Options> options) {
  CLI::App* propose =
      AddVerb(group, command, "propose",
              "提交认领决定待审批，只对待认领的记录起作用 (propose: speaks of records "
              "that evidence leaves pending)",
              [&command, options] { return Propose(command, *options); });
  propose->add_option("--dataset", options->dataset, "数据集 (dataset)")->required();
  propose->add_option("--receiver", options->receiver, "接收方 (receiver)");
  CLI::App* which = propose->add_option_group("match", "哪些记录 (which records)");
  which->add_option("--name", options->name, "字段=值，整个值相同 (FIELD=VALUE, the whole value)");
  which->add_option("--pattern", options->pattern, "字段=RE2 正则 (FIELD=RE2, found anywhere)");
  which->add_option("--condition", options->condition, "CEL 条件 (a condition)");
  which->add_option("--record-key", options->key,
                    "主键各字段的值，依次给出，只传出摘要 (the key's values, in order; only their "
                    "digest leaves)");
  which->add_option("--record", options->record, "记录摘要 (a record's digest)");
  which->require_option(1);
  propose->add_option("--system", options->system,
                      "系统，用于 --record-key (the system, for --record-key)");
  propose
      ->add_option("--division", options->division,
                   "归属区划六位代码；不属于本接收方的：非本地 (six-digit code; one elsewhere: not "
                   "ours)")
      ->required();
  propose->add_option("--reason", options->reason, "依据与理由，不含个人信息 (on what evidence)")
      ->required();
}

}  // namespace

void AddOverrideVerbs(CLI::App& app, Command& command) {
  CLI::App* group =
      app.add_subcommand("override",
                         "认领决定：待认领记录的归属由人工决定 (overrides: where pending "
                         "records belong, decided by hand)")
          ->require_subcommand(1);
  auto options = std::make_shared<Options>();
  AddProposeVerb(*group, command, options);
  CLI::App* list = AddVerb(*group, command, "list", "列出 (overrides)",
                           [&command, options] { return List(command, *options); });
  list->add_option("--dataset", options->dataset, "数据集 (of a dataset)");
  list->add_option("--receiver", options->receiver, "接收方 (of a receiver)");
  list->add_option("--state", options->state, "proposed、approved、rejected、withdrawn");
  const auto of_one = [&](const char* name, const char* text, bool reason_required, auto body) {
    CLI::App* verb = AddVerb(*group, command, name, text, body);
    verb->add_option("id", options->id, "编号，如 ov12 (id)")->required();
    CLI::Option* reason = verb->add_option("--reason", options->reason, "理由 (why)");
    if (reason_required) reason->required();
  };
  CLI::App* show = AddVerb(*group, command, "show", "一条认领决定及其经过 (one, and its life)",
                           [&command, options] { return Show(command, *options); });
  show->add_option("id", options->id, "编号 (id)")->required();
  of_one("approve", "审批通过，提交人本人不能审批 (approve; not by the author)", false,
         [&command, options] { return Decide(command, *options, true); });
  of_one("reject", "退回 (reject)", true,
         [&command, options] { return Decide(command, *options, false); });
  of_one("withdraw", "撤回，由它认领的记录重新待认领 (withdraw: what it decided is pending again)",
         true, [&command, options] { return Withdraw(command, *options); });
}

}  // namespace huiliu::cli
