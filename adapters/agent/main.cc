// huiliu-agent: runs source and landing plugins near the systems they wrap.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>

#include "absl/strings/escaping.h"
#include "adapters/agent/config.h"
#include "adapters/agent/decision_commands.h"
#include "adapters/agent/landing_commands.h"
#include "adapters/agent/landing_worker.h"
#include "adapters/agent/override_verbs.h"
#include "adapters/agent/repair_commands.h"
#include "adapters/agent/rule_trials.h"
#include "adapters/agent/rule_verbs.h"
#include "adapters/agent/source_worker.h"
#include "adapters/agent/supervisor.h"
#include "core/base/files.h"
#include "core/command_line/usage_errors.h"
#include "core/text/printable_lines.h"

namespace {

std::atomic<bool> stopping = false;

void OnStop(int) { stopping = true; }

int Exit(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", huiliu::text::PrintableLines(status.message()).c_str());
  return 1;
}

std::string OwnPath() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : "huiliu-agent";
}

absl::Status RunWorker(const huiliu::agent::Config& config, const std::string& source,
                       const std::string& landing) {
  if (!source.empty()) {
    auto found = config.FindSource(source);
    if (!found.ok()) return found.status();
    return huiliu::agent::SourceWorker(config, *found, stopping).Run();
  }
  auto found = config.FindLanding(landing);
  if (!found.ok()) return found.status();
  return huiliu::agent::LandingWorker(config, *found, stopping).Run();
}

absl::Status PrintKey(const huiliu::agent::Config& config, const std::string& source) {
  auto found = config.FindSource(source);
  if (!found.ok()) return found.status();
  const size_t slash = found->signing_key.rfind('/');
  if (slash != std::string::npos) {
    const absl::Status made = huiliu::MakeDirectories(found->signing_key.substr(0, slash));
    if (!made.ok()) return made;
  }
  auto key = huiliu::SigningKey::LoadOrCreate(found->signing_key);
  if (!key.ok()) return key.status();
  std::printf("%s\n", absl::BytesToHexString((*key)->public_key()).c_str());
  return absl::OkStatus();
}

// Exit codes of the repair verbs: 0 done, 1 failed, 2 the configuration is wrong, 3 some rows are
// still kept.
struct RepairVerbs {
  CLI::App* list = nullptr;
  CLI::App* show = nullptr;
  CLI::App* redrive = nullptr;
  huiliu::agent::RepairOptions options;
  std::string language = "zh", output = "table";

  bool chosen() const { return *list || *show || *redrive; }
  int Run(const huiliu::agent::Config& config) {
    options.english = language == "en";
    options.json = output == "json";
    if (*list) return Exit(huiliu::agent::ListKept(config, options));
    if (*show) return Exit(huiliu::agent::ShowKept(config, options));
    bool still_kept = false;
    const int code = Exit(huiliu::agent::RedriveKept(config, options, stopping, &still_kept));
    return code != 0 ? code : still_kept ? 3 : 0;
  }
};

void AddRepairVerbs(CLI::App& app, const char* name, const char* text, huiliu::KeptKind kind,
                    std::string* config_path, RepairVerbs* verbs) {
  CLI::App* group = app.add_subcommand(name, text)->require_subcommand(1);
  huiliu::agent::RepairOptions& options = verbs->options;
  options.kind = kind;
  const auto verb = [&](const char* verb_name, const char* verb_text) {
    CLI::App* sub = group->add_subcommand(verb_name, verb_text);
    sub->add_option("--config", *config_path, "agent.yaml")->required();
    sub->add_option("--lang", verbs->language, "zh 或 en")->check(CLI::IsMember({"zh", "en"}));
    sub->add_option("-o,--output", verbs->output,
                    "table 或 json，一行一个对象 (json: an object a line)")
        ->check(CLI::IsMember({"table", "json"}));
    return sub;
  };
  const auto filters = [&](CLI::App* sub) {
    sub->add_option("--source", options.source, "数据源 (of one source)");
    sub->add_option("--reason", options.reason, "原因代码 (kept for this reason)");
    sub->add_option("--day", options.day, "日期，如 2026-05-11 (of one day)");
  };
  verbs->list = verb("list", "列出 (list, without content)");
  filters(verbs->list);
  verbs->list->add_flag("--redriven", options.redriven, "包括已重判的 (those decided again, too)");
  verbs->show = verb("show", "一行的内容与问题 (one row and what is wrong with it)");
  verbs->show->add_option("id", options.ids, "编号 (id)")->required();
  verbs->redrive =
      verb("redrive",
           "（更正后）重新判定 (decide again, corrected or after a mapping or rule was mended)");
  filters(verbs->redrive);
  verbs->redrive->add_option("id", options.ids, "编号 (ids)");
  verbs->redrive->add_flag("--all", options.all, "全部 (all)");
  verbs->redrive->add_option("--set", options.set, "列=值，更正一行 (COLUMN=VALUE, of one row)");
  verbs->redrive->add_option("--corrections", options.corrections,
                             "文件，每行 {\"id\":…,\"cells\":{列: 值}} (a file of corrections)");
  verbs->redrive->add_option("--wait", options.wait_seconds,
                             "等待采集进程答复的秒数 (seconds to wait for the worker)");
}

// The bureau engineer's: rows that the target refused. The same exit codes.
struct LandingVerbs {
  CLI::App* list = nullptr;
  CLI::App* show = nullptr;
  CLI::App* redrive = nullptr;
  huiliu::agent::LandingOptions options;
  std::string language = "zh", output = "table";

  bool chosen() const { return *list || *show || *redrive; }
  int Run(const huiliu::agent::Config& config) {
    options.english = language == "en";
    options.json = output == "json";
    if (*list) return Exit(huiliu::agent::ListRefused(config, options));
    if (*show) return Exit(huiliu::agent::ShowRefused(config, options));
    bool still_kept = false;
    const int code = Exit(huiliu::agent::RedriveRefused(config, options, stopping, &still_kept));
    return code != 0 ? code : still_kept ? 3 : 0;
  }
};

void AddLandingVerbs(CLI::App& app, std::string* config_path, LandingVerbs* verbs) {
  CLI::App* group =
      app.add_subcommand("landing",
                         "落地时被目标表拒绝的行：列出、查看、重新落地 (rows that the "
                         "landing's table refused)")
          ->require_subcommand(1);
  huiliu::agent::LandingOptions& options = verbs->options;
  const auto verb = [&](const char* name, const char* text) {
    CLI::App* sub = group->add_subcommand(name, text);
    sub->add_option("--config", *config_path, "agent.yaml")->required();
    sub->add_option("--landing", options.landing, "落地任务 (of one landing)");
    sub->add_option("--lang", verbs->language, "zh 或 en")->check(CLI::IsMember({"zh", "en"}));
    sub->add_option("-o,--output", verbs->output,
                    "table 或 json，一行一个对象 (json: an object a line)")
        ->check(CLI::IsMember({"table", "json"}));
    return sub;
  };
  verbs->list = verb("list", "列出 (list, without content)");
  verbs->show = verb("show", "一行的内容与拒绝原因 (one row and why it was refused)");
  verbs->show->add_option("id", options.ids, "编号 (id)")->required();
  verbs->redrive = verb("redrive",
                        "更正此行或改正目标表后重新落地 (land again, corrected or after the table "
                        "was mended)");
  verbs->redrive->add_option("id", options.ids, "编号 (ids)");
  verbs->redrive->add_flag("--all", options.all, "全部 (all)");
  verbs->redrive
      ->add_option("--set", options.set, "列=值，更正一行，只改目标表 (COLUMN=VALUE, of one row)")
      ->allow_extra_args(false);
  verbs->redrive->add_option("--null", options.nulls, "此列留空 (this column is left empty)")
      ->allow_extra_args(false);
  verbs->redrive->add_option("--wait", options.wait_seconds,
                             "等待落地进程答复的秒数 (seconds to wait for the worker)");
}

// The department engineer's: what was decided for each record.
struct DecisionVerbs {
  CLI::App* list = nullptr;
  huiliu::agent::DecisionOptions options;
  std::string language = "zh", output = "table";

  int Run(const huiliu::agent::Config& config) {
    options.english = language == "en";
    options.json = output == "json";
    return Exit(huiliu::agent::ListDecisions(config, options));
  }
};

void AddDecisionVerbs(CLI::App& app, std::string* config_path, DecisionVerbs* verbs) {
  CLI::App* group =
      app.add_subcommand("decisions",
                         "每条记录的判定结果：域外、规则不予回流、证据不一致的各有哪些 (what was "
                         "decided for each record)")
          ->require_subcommand(1);
  huiliu::agent::DecisionOptions& options = verbs->options;
  CLI::App* list = group->add_subcommand("list", "列出 (list)");
  verbs->list = list;
  list->add_option("--config", *config_path, "agent.yaml")->required();
  list->add_option("--source", options.source, "数据源 (of one source)");
  list->add_option("--outcome", options.outcome, "判定结果 (only with this outcome)")
      ->check(CLI::IsMember({"returned", "outside_area", "withheld", "quarantined", "pending"}));
  list->add_option("--division", options.division, "六位区划代码 (of this division)");
  list->add_flag("--conflict", options.conflict,
                 "只列归属证据不一致的 (only those whose evidence disagreed)");
  list->add_flag("--keys", options.keys,
                 "显示原样行号和主键，可能含个人信息 (row ids as they are, and keys: may be "
                 "personal)");
  list->add_option("--limit", options.limit, "最多列出，0：全部 (at most; 0: all)");
  list->add_option("--lang", verbs->language, "zh 或 en")->check(CLI::IsMember({"zh", "en"}));
  list->add_option("-o,--output", verbs->output,
                   "table 或 json，一行一个对象 (json: an object a line)")
      ->check(CLI::IsMember({"table", "json"}));
}

// The department's, before it runs rules and after: trying and explaining them on its own records.
struct TrialVerbs {
  CLI::App* dry_run = nullptr;
  CLI::App* explain = nullptr;
  huiliu::agent::TrialOptions options;
  std::string language = "zh", output = "table";
  bool unpublished = false;

  bool chosen() const { return *dry_run || *explain; }
  int Run(const huiliu::agent::Config& config, const std::string& source) {
    options.source = source;
    options.english = language == "en";
    options.json = output == "json";
    options.publish = !unpublished;
    return Exit(*dry_run ? huiliu::agent::TryRules(config, options, stopping)
                         : huiliu::agent::ExplainRow(config, options, stopping));
  }
};

// Verbs under `rules`, whose options they share.
void AddTrialVerbs(CLI::App& rules, TrialVerbs* verbs) {
  huiliu::agent::TrialOptions& options = verbs->options;
  const auto verb = [&](const char* name, const char* text) {
    CLI::App* sub = rules.add_subcommand(name, text)->fallthrough();
    CLI::Option* draft = sub->add_option("--draft", options.draft, "规则文件 (a rule file)");
    sub->add_option("--version", options.version, "节点上的版本 (a version at the node)")
        ->excludes(draft);
    sub->add_flag("--show-personal", options.personal,
                  "显示个人信息和原样行号 (personal fields and row ids as they are)");
    sub->add_option("--lang", verbs->language, "zh 或 en")->check(CLI::IsMember({"zh", "en"}));
    sub->add_option("-o,--output", verbs->output, "table 或 json")
        ->check(CLI::IsMember({"table", "json"}));
    return sub;
  };
  verbs->dry_run =
      verb("dry-run",
           "试运行：从头重读数据源，对比草案与现行规则，不发送任何记录 (read the source "
           "again and compare a draft with the rules that run; nothing is returned)");
  verbs->dry_run->add_option("--from", options.from,
                             "来源时间从此起，日期或 RFC 3339 (source time since)");
  verbs->dry_run->add_option("--to", options.to, "至此前 (and before)");
  verbs->dry_run->add_option("--samples", options.samples, "每类样例数，0–50 (samples a category)");
  verbs->dry_run->add_option("--seed", options.seed, "选样例的种子 (chooses the samples)");
  verbs->dry_run->add_flag("--no-publish", verbs->unpublished,
                           "不把计数记在该版本上 (do not keep the counts with the version)");
  verbs->dry_run->final_callback([&options] {
    if (options.draft.empty() && options.version == 0)
      throw CLI::RequiredError("--draft or --version");
  });
  verbs->explain = verb("explain", "一条记录为何如此判定 (why a record is decided as it is)");
  verbs->explain->add_option("--key", options.key,
                             "主键字段的值，按契约次序 (values of the key fields)");
  verbs->explain->add_option("--kept", options.kept,
                             "或：一行问题数据或待认领的编号 (or a kept row's id)");
  verbs->explain->add_flag("--newest", options.newest,
                           "读到末尾，取最新版本 (read to the end, take the newest version)");
}

// The department's say over territory overrides.
struct OverrideVerb {
  CLI::App* verb = nullptr;
  CLI::Option* accept = nullptr;
  CLI::Option* refuse = nullptr;
  bool accepts = false, refuses = false;
  std::string source, output = "table";
  std::vector<std::string> ids;

  int Run(const huiliu::agent::Config& config) {
    if (accepts) return Exit(huiliu::agent::AcceptOverrides(config, source, ids));
    if (refuses) return Exit(huiliu::agent::RefuseOverrides(config, source, ids));
    return Exit(huiliu::agent::ListOverrides(config, source, output == "json"));
  }
};

void AddOverrideVerb(CLI::App& app, std::string* config_path, OverrideVerb* overrides) {
  CLI::App* verb = app.add_subcommand("overrides",
                                      "认领决定：列出；锁定规则后须采纳才在此运行 (overrides; "
                                      "where rules are pinned, those that were "
                                      "accepted run)");
  overrides->verb = verb;
  verb->add_option("--config", *config_path, "agent.yaml")->required();
  verb->add_option("--source", overrides->source, "数据源 (source)")->required();
  verb->add_option("id", overrides->ids, "编号，默认全部 (ids; default: all)");
  overrides->accept = verb->add_flag("--accept", overrides->accepts, "采纳 (accept)");
  overrides->refuse =
      verb->add_flag("--refuse", overrides->refuses, "不再采纳 (take acceptance back)");
  overrides->accept->excludes(overrides->refuse);
  verb->add_option("-o,--output", overrides->output,
                   "table 或 json，一行一个对象 (json: an object a line)")
      ->check(CLI::IsMember({"table", "json"}));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"huiliu-agent — 前置机上的采集与落地 (sources and landings of Huiliu)",
               "huiliu-agent"};
  app.failure_message(huiliu::command_line::UsageError);
  app.require_subcommand(1);
  std::string config_path, source, landing, digest;
  const auto verb = [&](const char* name, const char* text) {
    CLI::App* sub = app.add_subcommand(name, text);
    sub->add_option("--config", config_path, "agent.yaml")->required();
    return sub;
  };
  CLI::App* run = verb("run", "run all sources and landings, each in a process of its own");
  CLI::App* worker = verb("worker", "run one source or landing in this process");
  worker->add_option("--source", source);
  worker->add_option("--landing", landing);
  CLI::App* key = verb("key", "print the public key that a source's batches are signed with");
  key->add_option("--source", source)->required();
  CLI::App* rules = verb("rules", "规则的各版本与锁定情况 (rule versions, which one is pinned)");
  rules->add_option("--source", source)->required();
  uint32_t version = 0;
  CLI::Option* show = rules->add_option(
      "--show", version, "某版原文；0：现在运行的 (a version's text; 0: what runs now)");
  TrialVerbs trials;
  AddTrialVerbs(*rules, &trials);
  CLI::App* pin = verb(
      "pin", "锁定本部门运行的规则版本；不给摘要：解除 (pin a rule version; no digest: unpin)");
  pin->add_option("--source", source)->required();
  pin->add_option("--digest", digest,
                  "rules 所列的摘要，或其前 8 位以上 (as `rules` lists it, or its first 8 digits)");
  OverrideVerb overrides;
  AddOverrideVerb(app, &config_path, &overrides);
  RepairVerbs quarantine, pending;
  AddRepairVerbs(app, "quarantine", "问题数据：列出、查看、更正、重判 (rows kept for repair)",
                 huiliu::KeptKind::kQuarantined, &config_path, &quarantine);
  AddRepairVerbs(app, "pending",
                 "待认领：列出、查看、更正、重判 (rows whose division nothing decided)",
                 huiliu::KeptKind::kPending, &config_path, &pending);
  LandingVerbs refused;
  AddLandingVerbs(app, &config_path, &refused);
  DecisionVerbs decisions;
  AddDecisionVerbs(app, &config_path, &decisions);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("huiliu-agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  signal(SIGTERM, OnStop);
  signal(SIGINT, OnStop);
  signal(SIGPIPE, SIG_IGN);
  const auto config = huiliu::agent::LoadConfig(config_path);
  if (!config.ok()) return Exit(config.status()) + 1;
  if (quarantine.chosen()) return quarantine.Run(*config);
  if (pending.chosen()) return pending.Run(*config);
  if (*overrides.verb) return overrides.Run(*config);
  if (refused.chosen()) return refused.Run(*config);
  if (*decisions.list) return decisions.Run(*config);
  if (*run) return Exit(huiliu::agent::Supervise(*config, OwnPath(), stopping));
  if (*worker) return Exit(RunWorker(*config, source, landing));
  if (*key) return Exit(PrintKey(*config, source));
  if (trials.chosen()) return trials.Run(*config, source);
  if (*rules && show->count() > 0) return Exit(huiliu::agent::ShowRules(*config, source, version));
  if (*rules) return Exit(huiliu::agent::ListRules(*config, source));
  return Exit(huiliu::agent::PinRules(*config, source, digest));
}
