#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "cli/source_check.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id, organisation, system, dataset, placement, public_key, department,
      department_title, expected_every;
  std::vector<std::string> receivers;
  SourceCheckOptions check;
};

absl::Status List(Command& command, const Options& options) {
  v1::ListSourcesRequest request;
  request.set_organisation(options.organisation);
  v1::ListSourcesResponse all;
  RETURN_IF_ERROR(command.Call("Registry/ListSources", request, &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("数据源", "source"), command.Say("系统", "system"),
               command.Say("数据集", "dataset"), command.Say("接收方", "receivers"),
               command.Say("判定位置", "decided"), command.Say("批次", "batch"),
               command.Say("最近批次", "last batch"), command.Say("应交周期", "expected every"),
               command.Say("采集单位", "organisation")});
  for (const v1::Source& s : all.sources()) {
    table.Add({s.id(), s.system(), s.dataset(), absl::StrJoin(s.receivers(), " "),
               PlacementInWords(s.placement(), command.english()), absl::StrCat(s.sequence()),
               TimeInWords(s.last_batch()), s.expected_every(), s.organisation()});
  }
  command.Print(table);
  return absl::OkStatus();
}

absl::Status Put(Command& command, const Options& options) {
  v1::ListSourcesResponse all;
  RETURN_IF_ERROR(command.Call("Registry/ListSources", v1::ListSourcesRequest(), &all));
  v1::PutSourceRequest request;
  v1::Source& source = *request.mutable_source();
  source.set_id(options.id);
  source.set_placement(v1::PLACEMENT_EDGE);
  for (const v1::Source& known : all.sources()) {
    if (known.id() != options.id) continue;
    source = known;
    request.set_seen_version(known.version());
  }
  if (!options.system.empty()) source.set_system(options.system);
  if (!options.dataset.empty()) source.set_dataset(options.dataset);
  if (!options.organisation.empty()) source.set_organisation(options.organisation);
  if (!options.department.empty()) source.set_department(options.department);
  if (!options.department_title.empty()) source.set_department_title(options.department_title);
  if (!options.expected_every.empty()) source.set_expected_every(options.expected_every);
  if (!options.receivers.empty())
    source.mutable_receivers()->Assign(options.receivers.begin(), options.receivers.end());
  if (!options.placement.empty()) {
    ASSIGN_OR_RETURN(const v1::Placement placement, ParsePlacement(options.placement));
    source.set_placement(placement);
  }
  if (!options.public_key.empty()) {
    const std::string key = absl::HexStringToBytes(options.public_key);
    if (options.public_key.size() != 64 ||
        absl::BytesToHexString(key) != absl::AsciiStrToLower(options.public_key)) {
      return absl::InvalidArgumentError(
          "--public-key 为 64 位十六进制数，即 huiliu-agent key 所示 / --public-key is 64 "
          "hexadecimal digits, as huiliu-agent key prints them");
    }
    source.set_batch_public_key(key);
  }
  v1::PutSourceResponse response;
  RETURN_IF_ERROR(command.Call("Registry/PutSource", request, &response));
  if (command.json) return command.PrintJson(response.source());
  command.out() << command.Say("已登记数据源 ", "registered source ") << response.source().id()
                << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddSourceVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("source", "数据源 (sources)")->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* check = AddVerb(
      *group, command, "check",
      "登记之前试读：连接并显示映射后的前几行 (connect and show mapped rows; registers nothing)",
      [&command, options] { return CheckSource(command, options->check); });
  check->add_option("--agent", options->check.agent_config, "agent.yaml")->required();
  check->add_option("--source", options->check.source, "其中的数据源 (a source in it)")->required();
  check->add_option("--contract", options->check.contract,
                    "契约 .proto；默认取节点或本机 schemas (default: the node's)");
  check->add_option("--schemas", options->check.schemas, "schemas 目录 (folder of contracts)");
  check->add_option("--rows", options->check.rows, "行数 (how many rows)")
      ->check(CLI::Range(1, 1000));
  check
      ->add_option("--wait", options->check.wait_seconds,
                   "等待第一行的秒数 (seconds to wait for a row)")
      ->check(CLI::Range(1, 3600));
  CLI::App* list =
      AddVerb(*group, command, "list", "列出数据源与进度 (sources and their positions)",
              [&command, options] { return List(command, *options); });
  list->add_option("--organisation", options->organisation, "只看一个单位 (of one organisation)");
  CLI::App* put = AddVerb(*group, command, "put",
                          "登记或变更数据源 (register or change one; what is not named stays)",
                          [&command, options] { return Put(command, *options); });
  put->add_option("id", options->id, "编号，如 si-participation (id)")->required();
  put->add_option("--system", options->system, "审批系统 (its approval system)");
  put->add_option("--dataset", options->dataset, "数据集 (its dataset)");
  put->add_option("--organisation", options->organisation, "采集单位 (whose agent publishes it)");
  put->add_option("--receiver", options->receivers, "接收方，如 530100 (receivers)");
  put->add_option("--placement", options->placement,
                  "edge 部门侧判定（默认）或 node 节点判定 (where belonging is decided)");
  put->add_option("--public-key", options->public_key,
                  "huiliu-agent key 打印的公钥 (the key that huiliu-agent key prints)");
  put->add_option("--department", options->department, "数源部门代码 (department code)");
  put->add_option("--department-title", options->department_title,
                  "数源部门名称 (department title)");
  put->add_option("--expected-every", options->expected_every,
                  "应交周期，如 24h；逾期即欠交 (its delivery cycle)");
}

}  // namespace huiliu::cli
