#include "cli/source_check.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "adapters/agent/config.h"
#include "adapters/agent/host.h"
#include "adapters/mapping/preview.h"
#include "adapters/sdk/loader.h"
#include "cli/schemas.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::cli {
namespace {

// What the child process says to its parent: text to print, or a status.
struct Report {
  absl::Status status;
  std::string text;
  bool findings = false;
};

nlohmann::json ToJson(const mapping::Preview& preview) {
  nlohmann::json rows = nlohmann::json::array();
  for (const mapping::PreviewRow& row : preview.rows) {
    nlohmann::json fields = nlohmann::json::object();
    for (const mapping::PreviewField& field : row.fields) fields[field.name] = field.shown;
    nlohmann::json one = {
        {"row_id", row.row_id},
        {"operation", row.operation == huiliu::v1::OPERATION_DELETE ? "delete" : "upsert"},
        {"fields", std::move(fields)},
        {"findings", row.findings}};
    if (!row.error_code.empty())
      one["error"] = {
          {"code", row.error_code}, {"place", row.error_place}, {"message", row.error_message}};
    rows.push_back(std::move(one));
  }
  return {{"dataset", preview.dataset},
          {"rows", std::move(rows)},
          {"unused_columns", preview.unused_columns},
          {"absent_columns", preview.absent_columns},
          {"empty_fields", preview.empty_fields}};
}

// Asks for as many rows as the agent would: rows that share a key come together or not at all.
absl::Status FirstRows(sdk::OpenSource& source, const agent::SourceConfig& config,
                       const SourceCheckOptions& options, mapping::Mapping* mapping,
                       mapping::Preview* preview, std::vector<std::string>* notices) {
  const absl::Time end = absl::Now() + absl::Seconds(options.wait_seconds);
  const size_t most = std::max(options.rows, static_cast<size_t>(config.batch_rows));
  for (;;) {
    ASSIGN_OR_RETURN(const huiliu_rows* rows, source.Poll(most, 1000));
    for (size_t i = 0; i < rows->notice_count; ++i)
      notices->emplace_back(sdk::ToView(rows->notices[i]));
    if (rows->row_count > 0)
      RETURN_IF_ERROR(mapping::AddToPreview(*rows, mapping, options.rows, preview));
    if (preview->rows.size() >= options.rows || rows->caught_up != 0 || absl::Now() > end)
      return absl::OkStatus();
  }
}

absl::Status Check(const agent::Config& config, const agent::SourceConfig& source,
                   const std::shared_ptr<const schema::Contract>& contract,
                   const SourceCheckOptions& options, const Command& command, Report* report) {
  std::string yaml;
  if (!source.mapping.empty()) {
    ASSIGN_OR_RETURN(yaml, ReadFile(source.mapping));
  }
  ASSIGN_OR_RETURN(const auto mapping, mapping::Mapping::Parse(source.mapping, yaml, contract));
  ASSIGN_OR_RETURN(const huiliu_plugin* plugin, sdk::LoadPlugin(config.PluginPath(source.plugin)));
  ASSIGN_OR_RETURN(const huiliu_source* table, sdk::FindSource(*plugin, source.plugin));
  const std::atomic<bool> stopping = false;
  const huiliu_host host = agent::MakeHost(stopping);
  ASSIGN_OR_RETURN(const auto opened,
                   sdk::OpenSource::Open(*table, &host, source.options_json, ""));
  RETURN_IF_ERROR(opened->Need(mapping->needed_columns()));
  std::vector<std::string> notices;
  mapping::Preview preview;
  RETURN_IF_ERROR(FirstRows(*opened, source, options, mapping.get(), &preview, &notices));
  if (preview.rows.empty()) {
    report->findings = true;
    for (const std::string& notice : notices)
      absl::StrAppend(&report->text, Printable(notice), "\n");
    absl::StrAppend(&report->text, command.json
                                       ? "{\"rows\":[]}\n"
                                       : command.Say("已连接，但没有读到任何行\n",
                                                     "connected, but there was no row to read\n"));
    return absl::OkStatus();
  }
  report->findings =
      std::any_of(preview.rows.begin(), preview.rows.end(),
                  [](const mapping::PreviewRow& row) { return !row.error_code.empty(); });
  if (command.json) {
    nlohmann::json json = ToJson(preview);
    json["notices"] = notices;
    report->text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return absl::OkStatus();
  }
  report->text = mapping::FormatPreview(
      preview, command.english() ? mapping::Language::kEnglish : mapping::Language::kChinese);
  for (const std::string& notice : notices)
    absl::StrAppend(&report->text, command.Say("提示：", "notice: "), Printable(notice), "\n");
  return absl::OkStatus();
}

// One line of head, then the text.
void Write(int fd, const Report& report) {
  const std::string bytes =
      absl::StrCat(static_cast<int>(report.status.code()), " ", report.findings ? 1 : 0, "\n",
                   report.status.ok() ? report.text : std::string(report.status.message()));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = write(fd, bytes.data() + at, bytes.size() - at);
    if (n <= 0) return;
    at += static_cast<size_t>(n);
  }
}

absl::StatusOr<std::string> ReadAll(int fd) {
  std::string bytes;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "reading from", "the checking process");
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

absl::Status CheckSource(Command& command, const SourceCheckOptions& options) {
  ASSIGN_OR_RETURN(const agent::Config config,
                   agent::LoadConfig(options.agent_config, agent::ConfigUse::kLook));
  ASSIGN_OR_RETURN(const agent::SourceConfig source, config.FindSource(options.source));
  ASSIGN_OR_RETURN(const auto contract,
                   ContractOf(command, source.dataset, options.contract, options.schemas));
  int ends[2];
  if (pipe(ends) != 0) return ErrnoStatus(errno, "making", "a pipe");
  // Plugins are other people's code: they run in a process that may die.
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, "starting", "a process");
  if (child == 0) {
    close(ends[0]);
    Report report;
    report.status = Check(config, source, contract, options, command, &report);
    Write(ends[1], report);
    _exit(0);
  }
  close(ends[1]);
  const auto bytes = ReadAll(ends[0]);
  close(ends[0]);
  int ended = 0;
  waitpid(child, &ended, 0);
  if (WIFSIGNALED(ended)) {
    return absl::InternalError(absl::StrCat(
        "plugin ", config.PluginPath(source.plugin), " 崩溃，须由插件的作者修复 / crashed: ",
        strsignal(WTERMSIG(ended)), "; its maker must mend it"));
  }
  RETURN_IF_ERROR(bytes.status());
  int code = 0, findings = 0;
  std::istringstream head(*bytes);
  head >> code >> findings;
  const size_t line = bytes->find('\n');
  if (!head || line == std::string::npos)
    return absl::InternalError(absl::StrCat("plugin ", config.PluginPath(source.plugin),
                                            " 结束了检查进程 / ended the checking process"));
  if (code != 0) return absl::Status(static_cast<absl::StatusCode>(code), bytes->substr(line + 1));
  command.out() << bytes->substr(line + 1);
  command.findings = findings != 0;
  return absl::OkStatus();
}

}  // namespace huiliu::cli
