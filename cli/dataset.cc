#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id, against;
  uint32_t version = 0;
  bool source = false;
  std::vector<std::string> files;
};

absl::Status List(Command& command) {
  v1::ListDatasetsResponse all;
  RETURN_IF_ERROR(ListAll(command, "Registry/ListDatasets", v1::ListDatasetsRequest(), &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("数据集", "dataset"), command.Say("名称", "title"),
               command.Say("版本", "version"), command.Say("提供部门", "provider"),
               command.Say("共享属性", "sharing"), command.Say("更新周期", "cycle"),
               command.Say("分级", "grade"), command.Say("目录代码", "catalog code")});
  for (const v1::Dataset& d : all.datasets())
    table.Add({d.id(), d.title(), std::to_string(d.version()), d.provider(),
               SharingInWords(d.sharing(), command.english()),
               UpdateCycleInWords(d.update_cycle(), command.english()),
               GradeInWords(d.grade(), command.english()), d.catalog_code()});
  command.Print(table);
  return absl::OkStatus();
}

absl::Status Show(Command& command, const Options& options) {
  v1::GetDatasetRequest request;
  request.set_id(options.id);
  request.set_version(options.version);
  v1::GetDatasetResponse response;
  RETURN_IF_ERROR(command.Call("Registry/GetDataset", request, &response));
  const v1::Dataset& d = response.dataset();
  if (command.json) return command.PrintJson(d);
  if (options.source) {
    command.out() << d.source_text();
    return absl::OkStatus();
  }
  command.out() << Printable(absl::StrCat(d.id(), "  ", d.title(), "  ",
                                          command.Say("第 ", "version "), d.version(),
                                          command.Say(" 版", ""), "  ", d.provider(), "  ",
                                          SharingInWords(d.sharing(), command.english()), "  ",
                                          GradeInWords(d.grade(), command.english())))
                << "\n";
  Table table({command.Say("字段", "field"), command.Say("名称", "title"),
               command.Say("类型", "type"), command.Say("主键", "key"),
               command.Say("索引", "index"), command.Say("分级", "grade"),
               command.Say("个人信息", "personal")});
  const auto mark = [&](bool yes) { return yes ? command.Say("是", "yes") : ""; };
  for (const v1::DatasetField& f : d.fields())
    table.Add({f.name(), f.title(), f.type(), mark(f.key()), mark(f.index()),
               GradeInWords(f.grade(), command.english()), mark(f.personal())});
  command.Print(table);
  return absl::OkStatus();
}

std::string BaseName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

absl::Status Put(Command& command, const Options& options) {
  for (const std::string& file : options.files) {
    v1::PutDatasetRequest request;
    request.set_source_name(BaseName(file));
    ASSIGN_OR_RETURN(*request.mutable_source_text(), ReadFile(file));
    v1::PutDatasetResponse response;
    RETURN_IF_ERROR(command.Call("Registry/PutDataset", request, &response));
    if (command.json) {
      RETURN_IF_ERROR(command.PrintJson(response.dataset()));
      continue;
    }
    command.out() << command.Say("已登记数据集 ", "registered dataset ") << response.dataset().id()
                  << command.Say("，第 ", ", version ") << response.dataset().version()
                  << command.Say(" 版", "") << "\n";
  }
  return absl::OkStatus();
}

// Offline: parses, and compares with a predecessor where one is named.
absl::Status Check(Command& command, const Options& options) {
  std::shared_ptr<const schema::Contract> previous;
  if (!options.against.empty()) {
    ASSIGN_OR_RETURN(previous, ReadContract(options.against));
  }
  for (const std::string& file : options.files) {
    ASSIGN_OR_RETURN(const auto contract, ReadContract(file));
    if (previous != nullptr) RETURN_IF_ERROR(schema::CheckEvolution(*previous, *contract));
    command.out() << file << ": " << contract->id().value() << " " << contract->options().title()
                  << command.Say("，可登记\n", ", can be registered\n");
  }
  return absl::OkStatus();
}

}  // namespace

void AddDatasetVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("dataset", "数据集契约与政务数据目录 (dataset contracts)")
                        ->require_subcommand(1);
  AddVerb(*group, command, "list", "政务数据目录 (all datasets)", [&] { return List(command); });
  auto options = std::make_shared<Options>();
  CLI::App* show = AddVerb(*group, command, "show", "一个数据集的字段 (one dataset's fields)",
                           [&command, options] { return Show(command, *options); });
  show->add_option("id", options->id, "数据集 (id)")->required();
  show->add_option("--version", options->version, "版本，默认最新 (default: newest)");
  show->add_flag("--source", options->source, "契约原文 (the contract's .proto text)");
  CLI::App* put = AddVerb(*group, command, "put", "登记数据集契约 (register contracts)",
                          [&command, options] { return Put(command, *options); });
  put->add_option("files", options->files, ".proto")->required();
  CLI::App* check =
      AddVerb(*group, command, "check", "离线检查契约 (check contracts without a node)",
              [&command, options] { return Check(command, *options); });
  check->add_option("files", options->files, ".proto")->required();
  check->add_option("--against", options->against,
                    "上一版契约，检查能否兼容演进 (the predecessor)");
}

}  // namespace huiliu::cli
