#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "core/base/status.h"
#include "huiliu/v1/cluster.pb.h"

namespace huiliu::cli {
namespace {

using absl::StrCat;
using huiliu::v1::GetClusterStatusResponse;

// 0-4 7: what follows one another is told as a range.
std::string Ranges(const google::protobuf::RepeatedField<int32_t>& numbers) {
  std::string text;
  for (int i = 0; i < numbers.size();) {
    int end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    absl::StrAppend(&text, text.empty() ? "" : " ", numbers[i],
                    end > i ? StrCat("-", numbers[end]) : "");
    i = end + 1;
  }
  return text;
}

std::string CopyInWords(const Command& command, const GetClusterStatusResponse::Copy& copy) {
  if (copy.node().empty()) return command.Say("无", "none");
  if (!copy.alive()) return StrCat(copy.node(), command.Say("（无消息）", " (silent)"));
  return copy.caught_up() ? copy.node()
                          : StrCat(copy.node(), command.Say("（追赶中）", " (catching up)"));
}

std::string Lag(const GetClusterStatusResponse& status, int64_t records) {
  return status.lag_unknown().empty() ? StrCat(records) : "?";
}

void PrintNodes(Command& command, const GetClusterStatusResponse& status) {
  Table table({command.Say("节点", "node"), command.Say("地址", "address"),
               command.Say("状态", "state"), command.Say("治理版本", "governance"),
               command.Say("泳道", "lanes"), command.Say("程序版本", "version")});
  for (const auto& node : status.nodes()) {
    std::string state = command.Say("正常", "alive");
    if (node.leader()) state = command.Say("正常，主节点", "alive, leader");
    if (!node.alive())
      state = StrCat(command.Say("无消息 ", "silent for "), node.silent_ms() / 1000,
                     command.Say(" 秒", " s"));
    table.Add({node.node(), node.grpc_address(), state, StrCat(node.control_version()),
               Ranges(node.lanes()), node.version()});
  }
  command.Print(table);
}

void PrintCatalogs(Command& command, const GetClusterStatusResponse& status) {
  Table table({command.Say("接收方", "receiver"), command.Say("目录所在节点", "owner"),
               command.Say("备节点", "standbys"), command.Say("未入目录", "unapplied")});
  for (const auto& catalog : status.catalogs()) {
    std::vector<std::string> standbys;
    for (const auto& copy : catalog.standbys()) standbys.push_back(CopyInWords(command, copy));
    table.Add({catalog.receiver(), CopyInWords(command, catalog.owner()),
               absl::StrJoin(standbys, " "), Lag(status, catalog.unapplied())});
  }
  command.Print(table);
}

void PrintLanes(Command& command, const GetClusterStatusResponse& status) {
  Table table({command.Say("泳道", "lane"), command.Say("节点", "node"),
               command.Say("数据源", "sources"), command.Say("待判定", "unjudged")});
  for (const auto& lane : status.lanes()) {
    if (lane.sources() == 0 && lane.unjudged() == 0 && !lane.node().empty()) continue;
    table.Add({StrCat(lane.lane()),
               lane.node().empty() ? command.Say("无", "none") : lane.node().c_str(),
               StrCat(lane.sources()), Lag(status, lane.unjudged())});
  }
  command.Print(table);
}

absl::Status Status(Command& command) {
  GetClusterStatusResponse status;
  RETURN_IF_ERROR(
      command.Call("Cluster/GetStatus", huiliu::v1::GetClusterStatusRequest(), &status));
  command.findings = status.advice_size() > 0;
  if (command.json) return command.PrintJson(status);
  command.out() << command.Say("集群 ", "cluster ") << status.cluster()
                << command.Say("，治理版本 ", ", governance version ") << status.control_version()
                << "\n\n";
  PrintNodes(command, status);
  command.out() << "\n";
  PrintCatalogs(command, status);
  command.out() << "\n";
  PrintLanes(command, status);
  command.out() << "\n";
  if (status.advice_size() == 0)
    command.out() << command.Say("一切正常，无须处理。", "All is well; nothing is to be done.")
                  << "\n";
  for (const auto& advice : status.advice())
    command.out() << command.Say("须处理：", "to do: ")
                  << (command.english() ? advice.english() : advice.chinese()) << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddClusterVerbs(CLI::App& app, Command& command) {
  CLI::App* cluster = app.add_subcommand("cluster", "多节点集群 (several nodes)");
  cluster->require_subcommand(1);
  AddVerb(
      *cluster, command, "status",
      "节点、泳道、目录的所在与落后情况，以及须处理的事项；有须处理事项时退出码为 1 (who is there, "
      "who holds what, how far behind, what to do next)",
      [&command] { return Status(command); });
}

}  // namespace huiliu::cli
