#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/command.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string tier, status;
  bool owing = false, connected = false;
  std::string id, file, title, owner, native_form, provenance;
  std::vector<std::string> datasets;
};

std::string StateInWords(const Command& command, const v1::System& system) {
  if (system.owes()) return command.Say("欠交", "owes");
  return system.connected() ? command.Say("已接入", "connected") : "";
}

absl::Status List(Command& command, const Options& options) {
  v1::ListSystemsRequest request;
  if (!options.tier.empty()) {
    ASSIGN_OR_RETURN(const v1::Tier tier, ParseTier(options.tier));
    request.set_tier(tier);
  }
  if (!options.status.empty()) {
    ASSIGN_OR_RETURN(const v1::SystemStatus status, ParseSystemStatus(options.status));
    request.set_status(status);
  }
  v1::ListSystemsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Registry/ListSystems", request, &all));
  v1::ListSystemsResponse shown = all;
  shown.clear_systems();
  for (const v1::System& system : all.systems()) {
    if ((!options.owing || system.owes()) && (!options.connected || system.connected()))
      *shown.add_systems() = system;
  }
  if (command.json) return command.PrintJson(shown);
  Table table({command.Say("编号", "id"), command.Say("系统名称", "title"),
               command.Say("层级", "tier"), command.Say("清单状态", "status"),
               command.Say("接入", "state"), command.Say("最近批次", "last batch"),
               command.Say("主管部门", "owner"), command.Say("数据集", "datasets")});
  for (const v1::System& s : shown.systems()) {
    table.Add({s.id(), s.title(), TierInWords(s.tier(), command.english()),
               StatusInWords(s.status(), command.english()), StateInWords(command, s),
               TimeInWords(s.last_batch()), s.owner(), absl::StrJoin(s.datasets(), " ")});
  }
  command.Print(table);
  command.out() << (command.english()
                        ? absl::StrCat(shown.systems_size(), " shown; ", all.total(),
                                       " registered, ", all.connected(), " connected")
                        : absl::StrCat("显示 ", shown.systems_size(), " 个；共 ", all.total(),
                                       " 个，已接入 ", all.connected(), " 个"))
                << "\n";
  return absl::OkStatus();
}

absl::StatusOr<v1::ListSystemsResponse> Known(Command& command) {
  v1::ListSystemsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Registry/ListSystems", v1::ListSystemsRequest(), &all));
  return all;
}

absl::Status Put(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::ListSystemsResponse all, Known(command));
  v1::PutSystemRequest request;
  v1::System& system = *request.mutable_system();
  system.set_id(options.id);
  for (const v1::System& known : all.systems()) {
    if (known.id() != options.id) continue;
    system = known;
    request.set_seen_version(known.version());
  }
  if (!options.title.empty()) system.set_title(options.title);
  if (!options.owner.empty()) system.set_owner(options.owner);
  if (!options.native_form.empty()) system.set_native_form(options.native_form);
  if (!options.provenance.empty()) system.set_provenance(options.provenance);
  if (!options.datasets.empty())
    system.mutable_datasets()->Assign(options.datasets.begin(), options.datasets.end());
  if (!options.tier.empty()) {
    ASSIGN_OR_RETURN(const v1::Tier tier, ParseTier(options.tier));
    system.set_tier(tier);
  }
  if (!options.status.empty()) {
    ASSIGN_OR_RETURN(const v1::SystemStatus status, ParseSystemStatus(options.status));
    system.set_status(status);
  }
  v1::PutSystemResponse response;
  RETURN_IF_ERROR(command.Call("Registry/PutSystem", request, &response));
  if (command.json) return command.PrintJson(response.system());
  command.out() << command.Say("已登记系统 ", "registered system ") << response.system().id()
                << "\n";
  return absl::OkStatus();
}

// One line of an inventory (docs/cli.md): the columns of schemas/systems/systems.tsv.
absl::StatusOr<v1::System> ParseLine(absl::string_view line) {
  const std::vector<std::string> cells = absl::StrSplit(line, '\t');
  if (cells.size() != 8)
    return absl::InvalidArgumentError(
        absl::StrCat("每行应有 8 列 / has ", cells.size(), " columns, 8 are wanted"));
  v1::System system;
  system.set_id(cells[0]);
  system.set_title(cells[1]);
  ASSIGN_OR_RETURN(const v1::Tier tier, ParseTier(cells[2]));
  system.set_tier(tier);
  system.set_owner(cells[3]);
  for (absl::string_view dataset : absl::StrSplit(cells[4], ' ', absl::SkipEmpty()))
    system.add_datasets(std::string(dataset));
  system.set_native_form(cells[5]);
  ASSIGN_OR_RETURN(const v1::SystemStatus status, ParseSystemStatus(cells[6]));
  system.set_status(status);
  system.set_provenance(cells[7]);
  return system;
}

bool Same(const v1::System& known, const v1::System& wanted) {
  return known.title() == wanted.title() && known.tier() == wanted.tier() &&
         known.owner() == wanted.owner() && known.native_form() == wanted.native_form() &&
         known.status() == wanted.status() && known.provenance() == wanted.provenance() &&
         std::equal(known.datasets().begin(), known.datasets().end(), wanted.datasets().begin(),
                    wanted.datasets().end());
}

absl::Status Import(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(options.file));
  std::vector<v1::System> wanted;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (number == 1 || absl::StripAsciiWhitespace(line).empty()) continue;
    auto system = ParseLine(absl::StripSuffix(line, "\r"));
    if (!system.ok()) return Annotate(system.status(), absl::StrCat(options.file, ":", number));
    wanted.push_back(*std::move(system));
  }
  ASSIGN_OR_RETURN(const v1::ListSystemsResponse all, Known(command));
  int added = 0, changed = 0;
  for (const v1::System& system : wanted) {
    v1::PutSystemRequest request;
    *request.mutable_system() = system;
    bool same = false;
    for (const v1::System& known : all.systems()) {
      if (known.id() != system.id()) continue;
      request.set_seen_version(known.version());
      same = Same(known, system);
    }
    if (same) continue;
    v1::PutSystemResponse response;
    RETURN_IF_ERROR(Annotate(command.Call("Registry/PutSystem", request, &response), system.id()));
    ++(request.seen_version() == 0 ? added : changed);
  }
  if (command.json) {
    command.out() << absl::StrCat("{\"added\":", added, ",\"changed\":", changed, ",\"unchanged\":",
                                  static_cast<int>(wanted.size()) - added - changed, "}\n");
    return absl::OkStatus();
  }
  command.out() << (command.english() ? absl::StrCat(added, " added, ", changed, " changed, ",
                                                     wanted.size(), " in the file")
                                      : absl::StrCat("新增 ", added, " 个，变更 ", changed,
                                                     " 个，文件共 ", wanted.size(), " 个"))
                << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddSystemVerbs(CLI::App& app, Command& command) {
  CLI::App* group =
      app.add_subcommand("system", "审批系统清单 (approval systems)")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto common = [&](CLI::App* verb) {
    verb->add_option("--tier", options->tier,
                     "state_vertical 国垂, provincial 省建, municipal 市建");
    verb->add_option("--status", options->status, "confirmed 已确认, presumed 推定, open 待查明");
  };
  CLI::App* list = AddVerb(*group, command, "list", "列出系统 (the inventory)",
                           [&command, options] { return List(command, *options); });
  common(list);
  list->add_flag("--owing", options->owing, "只看欠交的 (only those that owe)");
  list->add_flag("--connected", options->connected,
                 "只看已接入的 (only those that have delivered)");
  CLI::App* put = AddVerb(*group, command, "put", "登记或变更系统 (register or change one)",
                          [&command, options] { return Put(command, *options); });
  common(put);
  put->add_option("id", options->id, "编号 (id)")->required();
  put->add_option("--title", options->title, "系统名称 (title)");
  put->add_option("--owner", options->owner, "主管部门 (owning department)");
  put->add_option("--dataset", options->datasets, "数据集，可多个 (its datasets)");
  put->add_option("--native-form", options->native_form,
                  "原生形态，如 csv、database (native form)");
  put->add_option("--provenance", options->provenance, "条目依据 (where the entry is known from)");
  CLI::App* import = AddVerb(*group, command, "import",
                             "导入系统清单 TSV (an inventory file; only what differs is sent)",
                             [&command, options] { return Import(command, *options); });
  import->add_option("file", options->file, "TSV")->required();
}

}  // namespace huiliu::cli
