#include "adapters/agent/landing_commands.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "adapters/agent/host.h"
#include "adapters/agent/landing_worker.h"
#include "adapters/agent/redrive_spool.h"
#include "adapters/sdk/loader.h"
#include "core/base/status.h"
#include "core/text/terminal_table.h"

namespace huiliu::agent {
namespace {

using nlohmann::json;

struct Words {
  bool english;
  const char* operator()(const char* chinese, const char* other) const {
    return english ? other : chinese;
  }
};

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<std::vector<LandingConfig>> LandingsOf(const Config& config,
                                                      const LandingOptions& options) {
  if (options.landing.empty()) return config.landings;
  ASSIGN_OR_RETURN(LandingConfig one, config.FindLanding(options.landing));
  return std::vector<LandingConfig>{std::move(one)};
}

absl::StatusOr<LandingConfig> OnlyLanding(const Config& config, const LandingOptions& options) {
  ASSIGN_OR_RETURN(std::vector<LandingConfig> landings, LandingsOf(config, options));
  if (landings.size() == 1) return std::move(landings[0]);
  return absl::InvalidArgumentError(
      absl::StrCat("配置中有 ", landings.size(), " 个落地任务，请用 --landing 指明 / there are ",
                   landings.size(), " landings, name one with --landing"));
}

absl::StatusOr<json> KeptOf(const Config& config, const LandingConfig& landing,
                            const std::string& id) {
  static const std::atomic<bool> never_stopping = false;
  const huiliu_host host = MakeHost(never_stopping);
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin, sdk::LoadPlugin(config.PluginPath(landing.plugin)));
  ASSIGN_OR_RETURN(const huiliu_landing* table, sdk::FindLanding(*plugin, landing.plugin));
  ASSIGN_OR_RETURN(const std::unique_ptr<sdk::OpenLanding> open,
                   sdk::OpenLanding::Open(*table, &host, landing.options_json));
  ASSIGN_OR_RETURN(const std::string text, open->Kept(id));
  json rows = json::parse(text, nullptr, false);
  if (!rows.is_array())
    return absl::InternalError(absl::StrCat("plugin ", landing.plugin, " gave no JSON array"));
  return rows;
}

std::string Why(const json& row) {
  const std::string place = row.value("place", "");
  return absl::StrCat(row.value("message", ""), place.empty() ? "" : ", ", place);
}

// The worker answers; where none runs (the table's lock is free), this process does it for once.
absl::StatusOr<std::vector<RedriveResult>> AskWorker(const Config& config,
                                                     const LandingConfig& landing,
                                                     const LandingOptions& options,
                                                     const std::atomic<bool>& stopping) {
  RedriveSpool spool(LandingWorker::SpoolFolderOf(config, landing.id));
  std::vector<RedriveItem> items;
  for (const std::string& id : options.ids) items.push_back({{KeptKind::kQuarantined, id}, {}, {}});
  for (const std::string& text : options.set) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    items[0].cells[parts.first] = parts.second;
  }
  if (!items.empty()) items[0].nulls = options.nulls;
  ASSIGN_OR_RETURN(const std::string name, spool.Ask(items));
  const absl::Status here = LandingWorker(config, landing, stopping).AnswerRequests();
  // ABORTED: the running worker holds the table, and answers.
  const bool worker_runs = here.code() == absl::StatusCode::kAborted;
  const absl::Time end = absl::Now() + absl::Seconds(worker_runs ? options.wait_seconds : 0);
  for (;;) {
    auto answer = spool.TakeAnswer(name);
    if (!answer.ok()) return answer.status();
    if (answer->has_value()) return *std::move(*answer);
    if (stopping || absl::Now() >= end) break;
    absl::SleepFor(absl::Milliseconds(100));
  }
  spool.Withdraw(name);
  if (!worker_runs && !here.ok()) return here;
  return absl::DeadlineExceededError(
      absl::StrCat("落地任务 ", landing.id,
                   " 的进程未答复，行保持原状 / its worker did not answer, the rows stay as they "
                   "are"));
}

}  // namespace

absl::Status ListRefused(const Config& config, const LandingOptions& options) {
  const Words say{options.english};
  ASSIGN_OR_RETURN(const std::vector<LandingConfig> landings, LandingsOf(config, options));
  text::Table table({say("落地任务", "landing"), say("编号", "id"), say("数据集", "dataset"),
                     say("原因", "reason"), say("说明", "what is wrong"),
                     say("批内位置", "place in its batch"), say("时间", "kept"),
                     say("次数", "tries")});
  size_t count = 0;
  for (const LandingConfig& landing : landings) {
    ASSIGN_OR_RETURN(json rows, KeptOf(config, landing, ""));
    count += rows.size();
    for (json& row : rows) {
      row["landing"] = landing.id;
      row["dataset"] = landing.dataset;
      if (options.json) std::printf("%s\n", Dump(row).c_str());
      table.Add({landing.id, row.value("id", ""), landing.dataset, row.value("reason", ""),
                 Why(row), row.value("batch_place", ""), row.value("kept", ""),
                 absl::StrCat(row.value("tries", 0))});
    }
  }
  if (options.json) return absl::OkStatus();
  std::printf("%s%s%zu%s\n", table.Render().c_str(), say("共 ", ""), count, say(" 行", " rows"));
  return absl::OkStatus();
}

absl::Status ShowRefused(const Config& config, const LandingOptions& options) {
  const Words say{options.english};
  ASSIGN_OR_RETURN(const LandingConfig landing, OnlyLanding(config, options));
  for (const std::string& id : options.ids) {
    ASSIGN_OR_RETURN(const json rows, KeptOf(config, landing, id));
    for (const json& row : rows) {
      if (options.json) {
        std::printf("%s\n", Dump(row).c_str());
        continue;
      }
      std::printf("%s  %s  %s\n%s[%s] %s\n", landing.id.c_str(), id.c_str(),
                  row.value("delete", false) ? say("删除", "delete") : "",
                  say("原因：", "reason: "), row.value("reason", "").c_str(),
                  text::Printable(Why(row)).c_str());
      text::Table table({say("列", "column"), say("值", "value")});
      const json cells = row.value("cells", json::object());
      for (const auto& [column, value] : cells.items()) {
        table.Add({column, value.is_null()     ? say("（空）", "(null)")
                           : value.is_string() ? value.get<std::string>()
                                               : Dump(value)});
      }
      std::fputs(table.Render().c_str(), stdout);
      std::printf("%s huiliu-agent landing redrive --config … --landing %s %s\n",
                  say("目标表改正后：", "after the table was mended:"), landing.id.c_str(),
                  id.c_str());
      if (!row.value("delete", false)) {
        std::printf("%s huiliu-agent landing redrive --config … --landing %s %s --set %s\n",
                    say("或更正此行：", "or correct the row:"), landing.id.c_str(), id.c_str(),
                    say("列=值", "COLUMN=VALUE"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RedriveRefused(const Config& config, const LandingOptions& options,
                            const std::atomic<bool>& stopping, bool* still_kept) {
  const Words say{options.english};
  if (options.ids.empty() && !options.all) {
    return absl::InvalidArgumentError("哪些行？给出编号，或 --all / which rows? ids, or --all");
  }
  if (!options.ids.empty() && options.all)
    return absl::InvalidArgumentError("编号与 --all 只能用一种 / ids or --all, not both");
  if ((!options.set.empty() || !options.nulls.empty()) && options.ids.size() != 1) {
    return absl::InvalidArgumentError(
        "--set、--null 只能更正一行 / --set and --null correct one row");
  }
  for (const std::string& text : options.set) {
    if (text.find('=') == std::string::npos)
      return absl::InvalidArgumentError("--set 应为 列=值 / --set takes COLUMN=VALUE");
  }
  ASSIGN_OR_RETURN(const LandingConfig landing, OnlyLanding(config, options));
  ASSIGN_OR_RETURN(const std::vector<RedriveResult> results,
                   AskWorker(config, landing, options, stopping));
  text::Table table({say("编号", "id"), say("结果", "result"), say("说明", "why")});
  size_t landed = 0;
  for (const RedriveResult& result : results) {
    if (result.error.empty()) ++landed;
    if (options.json) {
      const json one = {
          {"id", result.row.id}, {"landed", result.error.empty()}, {"error", result.error}};
      std::printf("%s\n", Dump(one).c_str());
    }
    table.Add({result.row.id,
               result.error.empty() ? say("已落地", "landed") : say("仍被拒绝", "still refused"),
               result.error});
  }
  *still_kept = landed < results.size();
  if (options.json) return absl::OkStatus();
  std::printf("%s%s%zu%s%zu%s\n", table.Render().c_str(), say("已落地 ", ""), landed,
              say("，仍被拒绝 ", " landed, "), results.size() - landed, say("", " still refused"));
  return absl::OkStatus();
}

}  // namespace huiliu::agent
