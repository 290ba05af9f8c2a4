// What the activation of a version did to what was decided before it.
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/rule_life.h"
#include "cli/words.h"
#include "core/base/status.h"

namespace huiliu::cli {

namespace v1 = huiliu::v1;

std::string ReevaluationInWords(const v1::RuleSet& version, bool english) {
  if (!version.reevaluate_history()) return "";
  if (!version.has_reevaluation()) return english ? "when in force" : "生效后重判";
  const v1::Reevaluation& told = version.reevaluation();
  if (told.done()) return english ? "decided again" : "已重判";
  if (told.abandoned()) return english ? "abandoned" : "未完即被替代";
  return absl::StrCat(english ? "under way, read " : "重判中，已读 ", told.counts().read(),
                      told.to_read() > 0 ? absl::StrCat("/", told.to_read()) : "");
}

namespace {

struct Options {
  std::string dataset, receiver;
  uint32_t version = 0;
};

void PrintCounts(Command& command, const v1::ReevaluationCounts& counts) {
  Table table({command.Say("区划", "division"), command.Say("新回流", "returned"),
               command.Say("撤回", "withdrawn"), command.Say("重发（字段或脱敏不同）", "changed"),
               command.Say("转待认领或问题数据", "pending or quarantined")});
  const auto add = [&](const std::string& name, int64_t returned, int64_t withdrawn,
                       int64_t changed, int64_t pending) {
    table.Add({name, absl::StrCat(returned), absl::StrCat(withdrawn), absl::StrCat(changed),
               absl::StrCat(pending)});
  };
  for (const v1::CountyImpact& county : counts.counties())
    add(county.division().empty() ? command.Say("（无）", "(none)") : county.division(),
        county.returned(), county.withdrawn(), county.changed(), county.pending());
  add(command.Say("合计", "total"), counts.returned(), counts.withdrawn(), counts.changed(),
      counts.pending());
  command.Print(table);
  command.out() << command.Say("读取 ", "read ") << counts.read()
                << command.Say("，重新判定 ", ", decided again ") << counts.decided();
  if (counts.unknown() > 0)
    command.out() << command.Say("，此处尚未判定过 ", ", not known here ") << counts.unknown();
  command.out() << "\n";
  if (counts.out_of_reach() > 0) {
    command.out() << command.Say("接收方仍持有而无法重新判定（来源已不在，或较新版本待处理）：",
                                 "held by the receiver and out of reach (the source is gone, or a "
                                 "newer version waits): ")
                  << counts.out_of_reach() << "\n";
  }
}

absl::Status Impact(Command& command, const Options& options) {
  v1::GetRuleImpactRequest request;
  request.set_dataset(options.dataset);
  request.set_version(options.version);
  ASSIGN_OR_RETURN(*request.mutable_receiver(), command.Receiver(options.receiver));
  v1::GetRuleImpactResponse response;
  RETURN_IF_ERROR(command.Call("Rules/GetRuleImpact", request, &response));
  if (command.json) return command.PrintJson(response);
  v1::RuleSet version = response.rule_set();
  command.out() << version.dataset() << " → " << version.receiver()
                << command.Say("，第 ", ", version ") << version.version()
                << command.Say(" 版：", ": ") << StateInWords(version.state(), command.english());
  if (!version.reevaluate_history()) {
    command.out() << command.Say("；审批时未要求对历史重新判定\n",
                                 "; it was not approved to decide history again\n");
    return absl::OkStatus();
  }
  const bool begun = response.has_reevaluation();
  if (begun) *version.mutable_reevaluation() = response.reevaluation();
  command.out() << command.Say("；", "; ") << ReevaluationInWords(version, command.english())
                << "\n";
  if (!begun) return absl::OkStatus();
  PrintCounts(command, response.reevaluation().counts());
  for (const auto& part : response.reevaluation().parts()) {
    if (!part.done())
      command.out() << command.Say("未完成：", "not done yet: ") << Printable(part.place()) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddRuleImpactVerb(CLI::App& group, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      AddVerb(group, command, "impact",
              "版本生效后对历史重新判定的影响 (what a version's activation did to history)",
              [&command, options] { return Impact(command, *options); });
  verb->add_option("dataset", options->dataset, "数据集 (dataset)")->required();
  verb->add_option("receiver", options->receiver, "接收方 (receiver)");
  verb->add_option("version", options->version, "版本，默认现行 (default: in force)");
}

}  // namespace huiliu::cli
