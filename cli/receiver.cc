#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/command.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Options {
  std::string id, title;
  std::vector<std::string> divisions;
  int32_t calls = 0, streams = 0;
  int64_t rows = 0;
  CLI::Option *has_calls = nullptr, *has_rows = nullptr, *has_streams = nullptr;
};

std::string QuotaInWords(const Command& command, const v1::Quota& quota) {
  std::vector<std::string> parts;
  if (quota.calls_per_second() > 0) {
    parts.push_back(
        absl::StrCat(quota.calls_per_second(), command.Say(" 次/秒", " calls a second")));
  }
  if (quota.rows_per_second() > 0)
    parts.push_back(absl::StrCat(quota.rows_per_second(), command.Say(" 行/秒", " rows a second")));
  if (quota.streams() > 0)
    parts.push_back(absl::StrCat(quota.streams(), command.Say(" 个订阅", " streams")));
  return parts.empty() ? command.Say("不限", "none") : absl::StrJoin(parts, ", ");
}

absl::Status List(Command& command) {
  v1::ListReceiversResponse all;
  RETURN_IF_ERROR(command.Call("Registry/ListReceivers", v1::ListReceiversRequest(), &all));
  if (command.json) return command.PrintJson(all);
  Table table({command.Say("编号", "id"), command.Say("接收方", "receiver"),
               command.Say("辖区", "area"), command.Say("配额", "quota")});
  for (const v1::Receiver& r : all.receivers())
    table.Add(
        {r.id(), r.title(), absl::StrJoin(r.divisions(), " "), QuotaInWords(command, r.quota())});
  command.Print(table);
  return absl::OkStatus();
}

absl::Status Put(Command& command, const Options& options) {
  v1::ListReceiversResponse all;
  RETURN_IF_ERROR(command.Call("Registry/ListReceivers", v1::ListReceiversRequest(), &all));
  v1::PutReceiverRequest request;
  request.mutable_receiver()->set_id(options.id);
  for (const v1::Receiver& known : all.receivers()) {
    if (known.id() != options.id) continue;
    *request.mutable_receiver() = known;
    request.set_seen_version(known.version());
  }
  if (!options.title.empty()) request.mutable_receiver()->set_title(options.title);
  if (!options.divisions.empty()) {
    request.mutable_receiver()->clear_divisions();
    for (const std::string& division : options.divisions)
      request.mutable_receiver()->add_divisions(division);
  }
  v1::Quota quota = request.receiver().quota();
  if (*options.has_calls) quota.set_calls_per_second(options.calls);
  if (*options.has_rows) quota.set_rows_per_second(options.rows);
  if (*options.has_streams) quota.set_streams(options.streams);
  if (*options.has_calls || *options.has_rows || *options.has_streams)
    *request.mutable_receiver()->mutable_quota() = quota;
  v1::PutReceiverResponse response;
  RETURN_IF_ERROR(command.Call("Registry/PutReceiver", request, &response));
  if (command.json) return command.PrintJson(response.receiver());
  command.out() << command.Say("已登记接收方 ", "registered receiver ") << response.receiver().id()
                << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddReceiverVerbs(CLI::App& app, Command& command) {
  CLI::App* group = app.add_subcommand("receiver", "接收方：市，或自建平台的区县 (receivers)")
                        ->require_subcommand(1);
  AddVerb(*group, command, "list", "列出接收方 (all receivers)", [&] { return List(command); });
  auto options = std::make_shared<Options>();
  CLI::App* put = AddVerb(*group, command, "put", "登记或变更接收方 (register or change one)",
                          [&command, options] { return Put(command, *options); });
  put->add_option("id", options->id, "编号，如 530100 (id)")->required();
  put->add_option("--title", options->title, "名称，如 昆明市 (title)");
  put->add_option("--division", options->divisions,
                  "辖区代码，可多个 (division codes of its area)");
  const CLI::Range not_negative(0, 1'000'000'000);
  options->has_calls =
      put->add_option("--calls-per-second", options->calls,
                      "配额：每秒调用次数，0 不限 (quota of lookups and pages; 0: none)")
          ->check(not_negative);
  options->has_rows = put->add_option("--rows-per-second", options->rows,
                                      "配额：每秒行数，0 不限 (quota of rows that leave; 0: none)")
                          ->check(not_negative);
  options->has_streams =
      put->add_option("--streams", options->streams,
                      "配额：同时的订阅与导出数，0 不限 (quota of streams; 0: none)")
          ->check(not_negative);
}

}  // namespace huiliu::cli
