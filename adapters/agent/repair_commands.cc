#include "adapters/agent/repair_commands.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "adapters/agent/outcome_words.h"
#include "adapters/agent/redrive_spool.h"
#include "adapters/agent/source_worker.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/reason_words.h"
#include "core/text/gb18030.h"
#include "core/text/terminal_table.h"
#include "core/text/utf8.h"

namespace huiliu::agent {
namespace {

using huiliu::v1::QuarantinedRow;
using nlohmann::json;

struct Words {
  bool english;
  const char* operator()(const char* chinese, const char* other) const {
    return english ? other : chinese;
  }
};

constexpr size_t kShownRaw = 2000;  // bytes of a row as it came, on a terminal

// Whether the source's files are GBK or GB 18030.
bool IsGb(const Config& config, const std::string& source) {
  for (const SourceConfig& one : config.sources) {
    if (one.id != source) continue;
    const json options = json::parse(one.options_json, nullptr, false);
    if (!options.is_object()) return false;
    const std::string charset = absl::AsciiStrToLower(options.value("charset", std::string()));
    return absl::StartsWith(charset, "gb");
  }
  return false;
}

// The beginning of a row as it came, to be read on a terminal; bytes that are no text stand as
// \xHH.
std::string Readable(absl::string_view raw, bool gb) {
  raw = raw.substr(0, kShownRaw);
  std::string shown;
  while (!raw.empty()) {
    size_t bad = 0;
    if (gb) {
      bad = text::DecodeGb18030(raw, &shown);
    } else {
      bad = text::FindInvalidUtf8(raw);
      absl::StrAppend(&shown, raw.substr(0, bad));
    }
    if (bad == absl::string_view::npos) break;
    absl::StrAppend(&shown, "\\x",
                    absl::Hex(static_cast<unsigned char>(raw[bad]), absl::kZeroPad2));
    raw.remove_prefix(bad + 1);
  }
  return shown;
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Looks into a source's kept rows, whoever holds them.
class Looker {
 public:
  Looker(const Config& config, const std::string& source)
      : scratch_(absl::StrCat(config.state_dir, "/.reader-", getpid())),
        store_(QuarantineStore::OpenForReading(SourceWorker::KeptFolderOf(config, source),
                                               scratch_)) {}
  ~Looker() {
    store_ = absl::UnknownError("");
    std::error_code error;
    std::filesystem::remove_all(scratch_, error);
  }
  absl::StatusOr<std::vector<QuarantinedRow>> Rows(const std::string& source,
                                                   const RepairOptions& options) {
    std::vector<QuarantinedRow> rows;
    if (store_.status().code() == absl::StatusCode::kNotFound) return rows;
    RETURN_IF_ERROR(store_.status());
    std::string token;
    do {
      ASSIGN_OR_RETURN(KeptRowPage page,
                       (*store_)->List(options.kind, source, 1000, token, options.redriven));
      for (QuarantinedRow& row : page.rows) {
        if (!options.reason.empty() && row.reason() != options.reason) continue;
        if (!options.day.empty() && row.day() != options.day) continue;
        rows.push_back(std::move(row));
      }
      token = page.next_page_token;
    } while (!token.empty());
    return rows;
  }
  absl::StatusOr<QuarantinedRow> Get(KeptKind kind, const std::string& id) {
    RETURN_IF_ERROR(store_.status());
    return (*store_)->Get(kind, id);
  }

 private:
  const std::string scratch_;
  absl::StatusOr<std::unique_ptr<QuarantineStore>> store_;
};

absl::StatusOr<std::vector<std::string>> SourcesOf(const Config& config,
                                                   const RepairOptions& options) {
  std::vector<std::string> ids;
  for (const SourceConfig& source : config.sources) {
    if (options.source.empty() || options.source == source.id) ids.push_back(source.id);
  }
  if (ids.empty()) RETURN_IF_ERROR(config.FindSource(options.source).status());
  return ids;
}

json HeadOf(const QuarantinedRow& row) {
  json head = {{"id", row.id()},       {"day", row.day()},         {"reason", row.reason()},
               {"place", row.place()}, {"message", row.message()}, {"redriven", row.redriven()}};
  if (!row.territory_override().empty()) head["override"] = row.territory_override();
  return head;
}

// What is wrong: in its own words, else those of its reason.
std::string Explained(const QuarantinedRow& row, bool english) {
  if (!row.territory_override().empty())
    return absl::StrCat(english ? "decided by override " : "由认领决定判定 ",
                        row.territory_override());
  return row.message().empty() ? rules::ReasonInWords(row.reason(), english) : row.message();
}

// {"column": text or null}; empty where the row could not be read.
json CellsOf(const QuarantinedRow& row) {
  json cells = json::object();
  for (int i = 0; i < row.cells_size() && i < row.columns_size(); ++i)
    cells[row.columns(i)] = row.cells(i).has_text() ? json(row.cells(i).text()) : json(nullptr);
  return cells;
}

absl::StatusOr<RedriveItem> ItemOf(const json& one, KeptKind kind) {
  if (!one.is_object() || !one.contains("id") || !one["id"].is_string())
    return absl::InvalidArgumentError(
        "每行应为 {\"id\":…,\"cells\":{列: 值}} / a line is {\"id\":…,\"cells\":{column: text or "
        "null}}");
  RedriveItem item;
  item.row = {kind, one["id"].get<std::string>()};
  const json cells = one.value("cells", json::object());
  if (!cells.is_object()) return absl::InvalidArgumentError("cells 应为对象 / cells is an object");
  for (const auto& [column, value] : cells.items()) {
    if (value.is_null()) {
      item.nulls.push_back(column);
    } else {
      item.cells[column] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return item;
}

absl::StatusOr<std::vector<RedriveItem>> ReadCorrections(const RepairOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(options.corrections));
  std::vector<RedriveItem> items;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const json one = json::parse(line.begin(), line.end(), nullptr, false);
    auto item = ItemOf(one, options.kind);
    if (!item.ok()) return Annotate(item.status(), absl::StrCat(options.corrections, ":", number));
    items.push_back(*std::move(item));
  }
  return items;
}

absl::StatusOr<std::vector<RedriveItem>> ItemsOf(const Config& config,
                                                 const RepairOptions& options) {
  std::vector<RedriveItem> items;
  if (!options.corrections.empty()) return ReadCorrections(options);
  for (const std::string& id : options.ids) items.push_back({{options.kind, id}, {}, {}});
  if (!options.set.empty()) {
    if (items.size() != 1)
      return absl::InvalidArgumentError("--set 只能更正一行 / --set corrects one row");
    for (const std::string& text : options.set) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(text, absl::MaxSplits('=', 1));
      items[0].cells[parts.first] = parts.second;
    }
  }
  if (!items.empty()) return items;
  if (!options.all && options.reason.empty() && options.day.empty()) {
    return absl::InvalidArgumentError(
        "哪些行？给出编号，或 --all、--reason、--day / which rows? ids, or --all, --reason, --day");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> sources, SourcesOf(config, options));
  for (const std::string& source : sources) {
    ASSIGN_OR_RETURN(const std::vector<QuarantinedRow> rows,
                     Looker(config, source).Rows(source, options));
    for (const QuarantinedRow& row : rows) items.push_back({{options.kind, row.id()}, {}, {}});
  }
  return items;
}

// The worker answers; where none runs (the stores are free), this process does its work for once.
absl::StatusOr<std::vector<RedriveResult>> AskWorker(const Config& config,
                                                     const std::string& source,
                                                     const std::vector<RedriveItem>& items,
                                                     const RepairOptions& options,
                                                     const std::atomic<bool>& stopping) {
  ASSIGN_OR_RETURN(const SourceConfig source_config, config.FindSource(source));
  RedriveSpool spool(SourceWorker::SpoolFolderOf(config, source));
  ASSIGN_OR_RETURN(const std::string name, spool.Ask(items));
  const absl::Status here = SourceWorker(config, source_config, stopping).AnswerRequests();
  // FAILED_PRECONDITION: the running worker holds the stores, and answers.
  const bool worker_runs = here.code() == absl::StatusCode::kFailedPrecondition;
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
      absl::StrCat("数据源 ", source,
                   " 的采集进程未答复，行保持原状 / its worker did not answer, the rows stay as "
                   "they are; is it running and connected?",
                   here.ok() ? "" : absl::StrCat(" (", here.message(), ")")));
}

void PrintResults(const std::vector<RedriveResult>& results, const RepairOptions& options) {
  const Words say{options.english};
  if (options.json) {
    for (const RedriveResult& result : results) {
      const json one = {{"id", result.row.id},
                        {"outcome", huiliu::v1::Outcome_Name(result.outcome)},
                        {"error", result.error}};
      std::printf("%s\n", Dump(one).c_str());
    }
    return;
  }
  text::Table table({say("编号", "id"), say("判定", "outcome"), say("说明", "why")});
  for (const RedriveResult& result : results)
    table.Add({result.row.id, OutcomeInWords(result.outcome, options.english), result.error});
  std::fputs(table.Render().c_str(), stdout);
}

}  // namespace

absl::Status ListKept(const Config& config, const RepairOptions& options) {
  const Words say{options.english};
  ASSIGN_OR_RETURN(const std::vector<std::string> sources, SourcesOf(config, options));
  text::Table table({say("编号", "id"), say("日期", "day"), say("原因", "reason"),
                     say("位置", "place"), say("说明", "what is wrong"),
                     say("已重判", "redriven")});
  text::Table by_reason({say("原因", "reason"), say("代码", "code"), say("行数", "rows")});
  std::map<std::string, int> reasons;
  size_t count = 0;
  for (const std::string& source : sources) {
    ASSIGN_OR_RETURN(const std::vector<QuarantinedRow> rows,
                     Looker(config, source).Rows(source, options));
    count += rows.size();
    for (const QuarantinedRow& row : rows) {
      if (options.json) std::printf("%s\n", Dump(HeadOf(row)).c_str());
      ++reasons[row.reason()];
      table.Add({row.id(), row.day(), row.reason(), row.place(), Explained(row, options.english),
                 row.redriven() ? say("是", "yes") : ""});
    }
  }
  if (options.json) return absl::OkStatus();
  for (const auto& [reason, rows] : reasons)
    by_reason.Add({rules::ReasonInWords(reason, options.english), reason, std::to_string(rows)});
  std::printf("%s\n%s%s%zu%s\n", table.Render().c_str(), by_reason.Render().c_str(), say("共 ", ""),
              count, say(" 行", " rows"));
  return absl::OkStatus();
}

absl::Status ShowKept(const Config& config, const RepairOptions& options) {
  const Words say{options.english};
  for (const std::string& id : options.ids) {
    ASSIGN_OR_RETURN(const KeptRowId parts, ParseKeptRowId(id));
    ASSIGN_OR_RETURN(const QuarantinedRow row, Looker(config, parts.source).Get(options.kind, id));
    if (options.json) {
      json one = HeadOf(row);
      one["cells"] = CellsOf(row);
      one["columns"] = std::vector<std::string>(row.columns().begin(), row.columns().end());
      one["raw"] = row.raw();
      std::printf("%s\n", Dump(one).c_str());
      continue;
    }
    std::printf("%s  %s\n%s%s\n%s%s  %s\n", row.id().c_str(), row.day().c_str(),
                say("位置：", "place: "), text::Printable(row.place()).c_str(),
                say("原因：", "reason: "), row.reason().c_str(),
                text::Printable(Explained(row, options.english)).c_str());
    text::Table table({say("列", "column"), say("值", "value")});
    for (int i = 0; i < row.cells_size() && i < row.columns_size(); ++i)
      table.Add({row.columns(i),
                 row.cells(i).has_text() ? row.cells(i).text() : say("（空）", "(null)")});
    if (!table.empty()) {
      std::fputs(table.Render().c_str(), stdout);
    } else {
      std::printf("%s%s\n", say("原文：", "as it came: "),
                  text::Printable(Readable(row.raw(), IsGb(config, parts.source))).c_str());
      if (row.raw().size() > kShownRaw)
        std::printf(
            "%s%zu%s\n", say("…… 共保存 ", "… of "), row.raw().size(),
            say(" 字节，此处从略；--output json 全部给出", " bytes kept; --output json gives all"));
    }
    std::printf("%s huiliu-agent %s redrive --config … %s --set %s\n", say("更正：", "correct it:"),
                options.kind == KeptKind::kPending ? "pending" : "quarantine", row.id().c_str(),
                say("列=值", "COLUMN=VALUE"));
  }
  return absl::OkStatus();
}

absl::Status RedriveKept(const Config& config, const RepairOptions& options,
                         const std::atomic<bool>& stopping, bool* still_kept) {
  ASSIGN_OR_RETURN(const std::vector<RedriveItem> items, ItemsOf(config, options));
  std::map<std::string, std::vector<RedriveItem>> by_source;
  for (const RedriveItem& item : items) {
    ASSIGN_OR_RETURN(const KeptRowId id, ParseKeptRowId(item.row.id));
    by_source[id.source].push_back(item);
  }
  std::vector<RedriveResult> all;
  for (const auto& [source, of_source] : by_source) {
    for (size_t at = 0; at < of_source.size(); at += RedriveSpool::kMaxItems) {
      const size_t n = std::min(RedriveSpool::kMaxItems, of_source.size() - at);
      const std::vector<RedriveItem> part(of_source.begin() + static_cast<ptrdiff_t>(at),
                                          of_source.begin() + static_cast<ptrdiff_t>(at + n));
      ASSIGN_OR_RETURN(std::vector<RedriveResult> results,
                       AskWorker(config, source, part, options, stopping));
      for (RedriveResult& result : results) {
        *still_kept = *still_kept || !result.error.empty();
        all.push_back(std::move(result));
      }
    }
  }
  PrintResults(all, options);
  return absl::OkStatus();
}

}  // namespace huiliu::agent
