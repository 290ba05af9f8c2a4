#include <array>

#include "absl/strings/str_cat.h"
#include "cli/audit.h"
#include "core/base/status.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::cli {

namespace v1 = huiliu::v1;

absl::Status AuditBalance(Command& command, const AuditOptions& options) {
  v1::GetBalanceRequest request;
  request.set_receiver(options.receiver.empty() ? command.profile.receiver : options.receiver);
  request.set_day(options.day);
  v1::GetBalanceResponse response;
  RETURN_IF_ERROR(command.Call("Audit/GetBalance", request, &response));
  if (!options.source.empty()) {
    v1::GetBalanceResponse kept = response;
    kept.clear_lines();
    for (const auto& line : response.lines()) {
      if (line.source() == options.source) *kept.add_lines() = line;
    }
    response = kept;
  }
  Table table({command.Say("日期", "day"), command.Say("接收方", "receiver"),
               command.Say("数据源", "source"), command.Say("数据集", "dataset"),
               command.Say("读取", "read"), command.Say("已回流", "returned"),
               command.Say("域外", "outside"), command.Say("规则不予回流", "withheld"),
               command.Say("问题数据", "quarantined"), command.Say("待认领", "pending"),
               command.Say("证据不一致", "conflicts"), command.Say("平否", "balance")});
  std::array<int64_t, 7> sums{};
  for (const auto& l : response.lines()) {
    const bool even =
        l.read() == l.returned() + l.outside_area() + l.withheld() + l.quarantined() + l.pending();
    command.findings = command.findings || !even;
    const std::array<int64_t, 7> figures = {l.read(),     l.returned(),    l.outside_area(),
                                            l.withheld(), l.quarantined(), l.pending(),
                                            l.conflicts()};
    std::vector<std::string> cells = {l.day(), l.receiver(), l.source(), l.dataset()};
    for (size_t i = 0; i < figures.size(); ++i) {
      sums[i] += figures[i];
      cells.push_back(absl::StrCat(figures[i]));
    }
    cells.emplace_back(even ? command.Say("平", "even") : command.Say("不平", "UNEVEN"));
    table.Add(std::move(cells));
  }
  if (command.json) {
    command.findings = command.findings || response.outside_rows_held() > 0;
    return command.PrintJson(response);
  }
  std::vector<std::string> total = {command.Say("合计", "total"), "", "", ""};
  for (int64_t sum : sums) total.push_back(absl::StrCat(sum));
  total.emplace_back(command.findings ? command.Say("不平", "UNEVEN") : command.Say("平", "even"));
  table.Add(std::move(total));
  command.findings = command.findings || response.outside_rows_held() > 0;
  command.Print(table);
  command.out() << (command.english()
                        ? absl::StrCat("rows of other areas held: ", response.outside_rows_held(),
                                       "; refused reads: ", response.refused_reads())
                        : absl::StrCat("留存的域外行：", response.outside_rows_held(),
                                       "；拒绝的查询：", response.refused_reads(), " 次"))
                << "\n";
  return absl::OkStatus();
}

}  // namespace huiliu::cli
