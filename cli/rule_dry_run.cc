#include "cli/rule_dry_run.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/schemas.h"
#include "cli/words.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/dry_run_words.h"
#include "huiliu/v1/rules.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

std::atomic<bool> stopping = false;
void OnStop(int) { stopping = true; }

struct Options {
  std::string file, dataset, receiver, from, to, as_of, purpose, area, schemas;
  uint32_t version = 0;
  int samples = 5;
  uint64_t seed = 0;
};

absl::StatusOr<v1::DryRunRequest> RequestOf(Command& command, const Options& options) {
  v1::DryRunRequest request;
  if (options.file.empty() == options.dataset.empty()) {
    return absl::InvalidArgumentError(
        "须给出规则文件，或用 --dataset 指明数据集 / give a rule file, or a dataset with "
        "--dataset");
  }
  if (!options.file.empty()) {
    request.set_source_name(std::filesystem::path(options.file).filename().string());
    ASSIGN_OR_RETURN(*request.mutable_yaml(), ReadFile(options.file));
  } else {
    request.set_dataset(options.dataset);
    request.set_version(options.version);
    ASSIGN_OR_RETURN(*request.mutable_receiver(), command.Receiver(options.receiver));
  }
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_from(), ParseTime(options.from, false));
  }
  if (!options.to.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_to(), ParseTime(options.to, true));
  }
  if (!options.as_of.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_as_of(), ParseTime(options.as_of, false));
  }
  request.set_samples(options.samples == 0 ? -1 : options.samples);
  request.set_seed(options.seed);
  request.set_purpose(options.purpose);
  for (const absl::string_view division : absl::StrSplit(options.area, ',', absl::SkipEmpty()))
    request.add_divisions(std::string(division));
  return request;
}

absl::Status DryRun(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::DryRunRequest request, RequestOf(command, options));
  ASSIGN_OR_RETURN(Node* const node, command.node());
  signal(SIGINT, OnStop);
  signal(SIGTERM, OnStop);
  const bool tell = !command.json && isatty(STDERR_FILENO) != 0;
  v1::DryRunResponse message, last;
  const auto take = [&]() -> absl::Status {
    if (message.has_report()) last = message;
    if (tell && message.has_progress() && message.progress().total() > 0) {
      std::fprintf(stderr, "\r%s %lld / %lld", command.Say("已读", "read"),
                   static_cast<long long>(message.progress().read()),
                   static_cast<long long>(message.progress().total()));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(
      node->Stream("Rules/DryRun", request, &message, take, [] { return stopping.load(); }));
  if (tell) std::fputs("\n", stderr);
  if (!last.has_report())
    return absl::CancelledError("试运行已中止 / the dry run was ended before its report");
  if (command.json) return command.PrintJson(last.report());
  std::shared_ptr<const territory::Divisions> divisions;
  // Names of places are a service to the reader: without the folder codes stand alone.
  if (const auto schemas = FindSchemas(options.schemas); schemas.ok()) {
    if (auto loaded = LoadDivisions(*schemas); loaded.ok()) divisions = *std::move(loaded);
  }
  command.out() << rules::ReportInWords(
      last.report(),
      [&](const std::string& code) {
        const territory::Division* found = divisions == nullptr ? nullptr : divisions->Find(code);
        return found == nullptr ? std::string() : found->name;
      },
      command.english());
  if (last.recorded())
    command.out() << command.Say("计数已记在该版本上，审批人可见\n",
                                 "kept with the version, counts only: its approver sees it\n");
  return absl::OkStatus();
}

}  // namespace

void AddRuleDryRunVerb(CLI::App& group, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = AddVerb(group, command, "dry-run",
                           "试运行：草案与现行规则在节点已有记录上的差别；部门侧判定的数据源用 "
                           "huiliu-agent rules dry-run "
                           "(what a draft changes, on the records that the node holds)",
                           [&command, options] { return DryRun(command, *options); });
  CLI::Option* file = verb->add_option("file", options->file, "规则文件 YAML (a rule file)");
  verb->add_option("--dataset", options->dataset, "或：已提交的版本 (or a version that is kept)")
      ->excludes(file);
  verb->add_option("--version", options->version, "版本，默认最新 (version; default: the newest)")
      ->excludes(file);
  verb->add_option("--receiver", options->receiver, "接收方 (receiver)")->excludes(file);
  verb->add_option("--from", options->from, "接收时间从此起 (taken over since)");
  verb->add_option("--to", options->to, "至此，日期含当日 (until; of a day its end)");
  verb->add_option("--as-of", options->as_of, "按何时有效的规则，默认现在 (rules valid when; now)");
  verb->add_option("--samples", options->samples, "每类样例数，0–50 (samples of each category)");
  verb->add_option("--seed", options->seed, "选样例的种子 (chooses the samples)");
  verb->add_option(
      "--purpose", options->purpose,
      "用途：按本单位该用途的授权显示样例字段 (show samples through the grant for it)");
  verb->add_option("--area", options->area,
                   "改试其他区划，逗号分隔 (try another area than the receiver's)");
  verb->add_option("--schemas", options->schemas,
                   "schemas 目录，取区划名称 (folder of divisions, for names)");
}

}  // namespace huiliu::cli
