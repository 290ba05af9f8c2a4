#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/command.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/intake.pb.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string source, id, json, file;
  bool redriven = false;
};

absl::StatusOr<v1::ListQuarantineResponse> All(Command& command, const Options& options) {
  v1::ListQuarantineRequest request;
  request.set_source(options.source);
  request.set_include_redriven(options.redriven);
  v1::ListQuarantineResponse all;
  RETURN_IF_ERROR(ListAll(command, "Intake/ListQuarantine", request, &all));
  return all;
}

absl::Status List(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::ListQuarantineResponse all, All(command, options));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("编号", "id"), command.Say("日期", "day"), command.Say("原因", "reason"),
               command.Say("位置", "place"), command.Say("说明", "what is wrong"),
               command.Say("已重判", "redriven")});
  for (const v1::QuarantinedRow& row : all.rows())
    table.Add({row.id(), row.day(), row.reason(), row.place(), row.message(),
               row.redriven() ? command.Say("是", "yes") : ""});
  command.Print(table);
  return absl::OkStatus();
}

// What was mapped is a message of the dataset: as the JSON that redrive takes.
absl::StatusOr<std::string> AsItCame(Command& command, const v1::QuarantinedRow& row) {
  if (!row.mapped()) return Printable(row.raw());
  v1::ListSourcesRequest request;
  v1::ListSourcesResponse sources;
  RETURN_IF_ERROR(command.Call("Registry/ListSources", request, &sources));
  for (const v1::Source& source : sources.sources()) {
    if (source.id() != row.source()) continue;
    ASSIGN_OR_RETURN(const auto contract, RegisteredContract(command, source.dataset()));
    return schema::RecordToJson(*contract, row.raw());
  }
  return absl::NotFoundError(absl::StrCat("看不到数据源 / source ", row.source(),
                                          " is not among those that this account sees"));
}

absl::Status Show(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::ListQuarantineResponse all, All(command, options));
  for (const v1::QuarantinedRow& row : all.rows()) {
    if (row.id() != options.id) continue;
    if (command.json) return command.PrintJson(row);
    ASSIGN_OR_RETURN(const std::string came, AsItCame(command, row));
    command.out() << command.Say("位置：", "place: ") << Printable(row.place()) << "\n"
                  << command.Say("原因：", "reason: ") << row.reason() << "  "
                  << Printable(row.message()) << "\n"
                  << (row.mapped()
                          ? command.Say("映射后的记录：\n", "the record, as it was mapped:\n")
                          : command.Say("原文：\n", "as it came:\n"))
                  << came << "\n";
    return absl::OkStatus();
  }
  return absl::NotFoundError(
      absl::StrCat("没有这一保留行 / source ", options.source, " has no kept row ", options.id));
}

absl::Status Redrive(Command& command, const Options& options) {
  if (options.file.empty() && options.json.empty()) {
    return absl::InvalidArgumentError(
        "请给出 编号 与 --json，或 --file / give ID and --json, or --file");
  }
  v1::RedriveRequest request;
  request.set_source(options.source);
  std::vector<std::pair<std::string, std::string>> corrections;
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(options.file));
    int number = 0;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      ++number;
      if (line.empty()) continue;
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(line, absl::MaxSplits('\t', 1));
      if (parts.second.empty())
        return absl::InvalidArgumentError(absl::StrCat(
            options.file, ":", number,
            ": 每行应为 编号、制表符、JSON 记录 / wants ID, a tab, the record as JSON"));
      corrections.emplace_back(parts.first, parts.second);
    }
  } else {
    corrections.emplace_back(options.id, options.json);
  }
  for (const auto& [id, json] : corrections) {
    v1::RedriveRequest::Correction* correction = request.add_corrections();
    correction->set_id(id);
    correction->set_json(json);
  }
  v1::RedriveResponse response;
  RETURN_IF_ERROR(command.Call("Intake/Redrive", request, &response));
  for (const auto& result : response.results())
    command.findings = command.findings || !result.error().empty();
  if (command.json) return command.PrintJson(response);
  Table table(
      {command.Say("编号", "id"), command.Say("结果", "outcome"), command.Say("说明", "why")});
  for (const auto& result : response.results())
    table.Add({result.id(), OutcomeInWords(result.outcome(), command.english()), result.error()});
  command.Print(table);
  return absl::OkStatus();
}

}  // namespace

void AddQuarantineVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("quarantine",
                                       "节点判定数据源的问题数据；部门侧用 huiliu-agent quarantine "
                                       "(kept rows of sources decided at the node)")
                        ->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* list = AddVerb(*group, command, "list", "列出问题数据 (kept rows)",
                           [&command, options] { return List(command, *options); });
  list->add_option("--source", options->source, "数据源 (source)")->required();
  list->add_flag("--redriven", options->redriven, "包括已重判的 (redriven ones too)");
  CLI::App* show = AddVerb(*group, command, "show", "一行的原文与问题 (one row as it came)",
                           [&command, options] { return Show(command, *options); });
  show->add_option("id", options->id, "编号 (id)")->required();
  show->add_option("--source", options->source, "数据源 (source)")->required();
  CLI::App* redrive =
      AddVerb(*group, command, "redrive", "更正后重新判定 (feed corrected rows back)",
              [&command, options] { return Redrive(command, *options); });
  redrive->add_option("--source", options->source, "数据源 (source)")->required();
  auto* id = redrive->add_option("id", options->id, "编号 (id)");
  auto* json =
      redrive->add_option("--json", options->json, "更正后的记录，JSON (the corrected record)");
  id->needs(json);
  json->needs(id);
  redrive->add_option("--file", options->file, "多行：编号<Tab>JSON (many: ID, tab, JSON)")
      ->excludes(json);
}

}  // namespace huiliu::cli
