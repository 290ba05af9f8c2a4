// Pending records (待认领) that the node holds: rows of sources that it decides itself.
#include <map>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "core/rules/override_match.h"
#include "core/rules/reason_words.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string source, reason, id;
  bool counts = false;
};

absl::StatusOr<v1::ListQuarantineResponse> All(Command& command, const Options& options) {
  v1::ListQuarantineRequest request;
  request.set_source(options.source);
  request.set_outcome(v1::OUTCOME_PENDING);
  request.set_reason(options.reason);
  v1::ListQuarantineResponse all;
  RETURN_IF_ERROR(ListAll(command, "Intake/ListQuarantine", request, &all));
  return all;
}

// The receivers that it waits for.
std::string WaitsFor(const v1::QuarantinedRow& row) {
  std::vector<std::string> receivers;
  for (const v1::CountDelta& delta : row.counts()) {
    if (delta.outcome() == v1::OUTCOME_PENDING) receivers.push_back(delta.receiver());
  }
  return absl::StrJoin(receivers, " ");
}

void PrintCounts(Command& command, const v1::ListQuarantineResponse& all) {
  std::map<std::string, int> counts;
  for (const v1::QuarantinedRow& row : all.rows()) ++counts[row.reason()];
  Table table(
      {command.Say("原因", "reason"), command.Say("代码", "code"), command.Say("行数", "rows")});
  for (const auto& [code, rows] : counts)
    table.Add({rules::ReasonInWords(code, command.english()), code, std::to_string(rows)});
  command.Print(table);
}

absl::Status List(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::ListQuarantineResponse all, All(command, options));
  if (command.json) return command.PrintJson(all);
  if (!options.counts) {
    Table table({command.Say("编号", "id"), command.Say("日期", "day"),
                 command.Say("原因", "reason"), command.Say("位置", "place"),
                 command.Say("待认领的接收方", "waits for"), command.Say("认领决定", "override")});
    for (const v1::QuarantinedRow& row : all.rows())
      table.Add({row.id(), row.day(), rules::ReasonInWords(row.reason(), command.english()),
                 row.place(), WaitsFor(row), row.territory_override()});
    command.Print(table);
  }
  PrintCounts(command, all);
  return absl::OkStatus();
}

// With the digest that an override names the record by.
absl::Status Show(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::ListQuarantineResponse all, All(command, options));
  v1::ListSourcesResponse sources;
  RETURN_IF_ERROR(command.Call("Registry/ListSources", v1::ListSourcesRequest(), &sources));
  for (const v1::QuarantinedRow& row : all.rows()) {
    if (row.id() != options.id) continue;
    if (command.json) return command.PrintJson(row);
    command.out() << command.Say("位置：", "place: ") << Printable(row.place()) << "\n"
                  << command.Say("原因：", "reason: ")
                  << rules::ReasonInWords(row.reason(), command.english()) << "  " << row.reason()
                  << "\n"
                  << command.Say("待认领的接收方：", "waits for: ") << WaitsFor(row) << "\n";
    for (const v1::Source& source : sources.sources()) {
      if (source.id() != row.source()) continue;
      ASSIGN_OR_RETURN(const auto contract, RegisteredContract(command, source.dataset()));
      ASSIGN_OR_RETURN(const std::string json, schema::RecordToJson(*contract, row.raw()));
      command.out() << Printable(json) << "\n";
      const auto key = contract->KeyOf(row.raw());
      if (key.ok())
        command.out() << command.Say("记录摘要（huiliu override propose --record）：",
                                     "record digest (huiliu override propose --record): ")
                      << absl::BytesToHexString(AsBytes(rules::RecordDigest(source.system(), *key)))
                      << "\n";
    }
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("没有这一待认领行 / source ", options.source,
                                          " has no pending row ", options.id));
}

}  // namespace

void AddPendingVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("pending",
                                       "节点判定数据源的待认领记录；部门侧用 huiliu-agent pending "
                                       "(pending records of sources decided at the node)")
                        ->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* list =
      AddVerb(*group, command, "list", "列出，并按原因计数 (pending records, counted by reason)",
              [&command, options] { return List(command, *options); });
  list->add_option("--source", options->source, "数据源 (source)")->required();
  list->add_option("--reason", options->reason, "原因代码 (kept for this reason)");
  list->add_flag("--counts", options->counts, "只按原因计数 (only the counts by reason)");
  CLI::App* show = AddVerb(*group, command, "show",
                           "一条记录、原因与摘要 (one record, its reason and its digest)",
                           [&command, options] { return Show(command, *options); });
  show->add_option("id", options->id, "编号 (id)")->required();
  show->add_option("--source", options->source, "数据源 (source)")->required();
}

}  // namespace huiliu::cli
