#include <signal.h>

#include <atomic>
#include <map>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "cli/words.h"
#include "core/base/status.h"
#include "huiliu/v1/delivery.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

std::atomic<bool> stopping = false;
void OnStop(int) { stopping = true; }

struct Options {
  ReadOptions read;
  std::string subscription, cursor;
  std::vector<std::string> offsets;
  bool follow = false, changes_only = false;
};

// PARTITION:OFFSET each.
absl::Status Fill(const Command& command, const std::vector<std::string>& texts,
                  v1::StartOffsets* offsets) {
  for (const std::string& text : texts) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
    int32_t partition = 0;
    int64_t offset = 0;
    if (!absl::SimpleAtoi(parts.first, &partition) || !absl::SimpleAtoi(parts.second, &offset)) {
      return absl::InvalidArgumentError(
          absl::StrCat(command.Say("--from-offset 应为 分区:位置，如 0:120，不是 ",
                                   "--from-offset takes PARTITION:OFFSET, e.g. 0:120, not "),
                       text));
    }
    if (!offsets->mutable_by_partition()->insert({partition, offset}).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(command.Say("--from-offset 中同一分区给出不止一次，请只留一个：分区 ",
                                   "--from-offset names a partition more than once, keep one: "
                                   "partition "),
                       partition));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SubscribeRequest> RequestOf(Command& command, const Options& options) {
  v1::SubscribeRequest request;
  ASSIGN_OR_RETURN(*request.mutable_context(), ContextOf(command, options.read));
  request.set_subscription(options.subscription);
  request.set_follow(options.follow);
  request.set_format(v1::ROW_FORMAT_JSON);
  if (!options.cursor.empty()) {
    if (!absl::WebSafeBase64Unescape(options.cursor, request.mutable_cursor()))
      return absl::InvalidArgumentError(
          "--cursor 不是本命令给出过的游标 / --cursor is not one that this verb printed");
  } else if (!options.offsets.empty()) {
    RETURN_IF_ERROR(Fill(command, options.offsets, request.mutable_offsets()));
  } else if (options.changes_only) {
    request.set_changes_only(true);
  } else {
    request.set_snapshot(true);
  }
  return request;
}

std::string OffsetsOf(const v1::SubscribeResponse& message) {
  const std::map<int32_t, int64_t> sorted(message.next_offsets().begin(),
                                          message.next_offsets().end());
  std::vector<std::string> parts;
  for (const auto& [partition, offset] : sorted)
    parts.push_back(absl::StrCat("\"", partition, "\":", offset));
  return absl::StrJoin(parts, ",");
}

// {"row":…} or {"row":…,"delete":true} a line, then {"cursor":"…"}: what a script goes on from.
absl::Status WriteJson(Command& command, const v1::SubscribeResponse& message) {
  for (int i = 0; i < message.rows_size(); ++i) {
    command.out() << (message.deletes(i) ? "{\"delete\":true,\"row\":" : "{\"row\":");
    std::ostringstream line;
    Command one(line);
    RETURN_IF_ERROR(one.PrintJson(message.rows(i)));
    std::string text = line.str();
    text.pop_back();
    command.out() << text << "}\n";
  }
  command.out() << "{\"cursor\":\"" << absl::WebSafeBase64Escape(message.cursor()) << "\""
                << (message.snapshot_complete() ? ",\"snapshot_complete\":true" : "")
                << (message.next_offsets().empty()
                        ? ""
                        : absl::StrCat(",\"next_offsets\":{", OffsetsOf(message), "}"))
                << "}\n";
  return absl::OkStatus();
}

absl::Status WriteText(Command& command, const v1::Dataset& dataset,
                       const v1::SubscribeResponse& message) {
  std::vector<v1::Row> upserts;
  for (int i = 0; i < message.rows_size(); ++i) {
    if (!message.deletes(i)) upserts.push_back(message.rows(i));
  }
  if (!upserts.empty()) {
    ASSIGN_OR_RETURN(const Table table, RowTable(command, dataset, upserts, {}));
    command.Print(table);
  }
  std::map<std::string, int> withdrawn;  // by why, with the rules that caused it
  for (int i = 0; i < message.rows_size(); ++i) {
    if (message.deletes(i))
      ++withdrawn[WhyInWords(message.rows(i).reason(), message.rows(i).rule_set(),
                             command.english())];
  }
  for (const auto& [why, rows] : withdrawn) {
    command.out() << command.Say("撤回 ", "withdrawn: ") << rows << command.Say(" 行", " rows");
    if (!why.empty()) command.out() << command.Say("：", ": ") << Printable(why);
    command.out() << "\n";
  }
  if (message.snapshot_complete())
    command.out() << command.Say("—— 全量完毕 ——\n", "-- snapshot complete --\n");
  return absl::OkStatus();
}

absl::Status Subscribe(Command& command, const Options& options) {
  ASSIGN_OR_RETURN(const v1::SubscribeRequest request, RequestOf(command, options));
  v1::Dataset dataset;
  if (!command.json) {
    ASSIGN_OR_RETURN(dataset, FieldsOf(command, options.read.dataset));
  }
  ASSIGN_OR_RETURN(Node* const node, command.node());
  signal(SIGINT, OnStop);
  signal(SIGTERM, OnStop);
  v1::SubscribeResponse message;
  const auto take = [&]() -> absl::Status {
    RETURN_IF_ERROR(command.json ? WriteJson(command, message)
                                 : WriteText(command, dataset, message));
    command.out().flush();
    if (!command.out().good())
      return absl::CancelledError("输出已无人读取 / nobody reads the output any more");
    if (options.subscription.empty()) return absl::OkStatus();
    // After the rows are out: a crash between the two repeats them, and never loses one.
    v1::CommitCursorRequest commit;
    *commit.mutable_context() = request.context();
    commit.set_subscription(options.subscription);
    commit.set_cursor(message.cursor());
    v1::CommitCursorResponse done;
    return node->Call("Delivery/CommitCursor", commit, &done);
  };
  return node->Stream("Delivery/Subscribe", request, &message, take,
                      [] { return stopping.load(); });
}

}  // namespace

void AddSubscribeVerb(CLI::App& app, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      AddVerb(app, command, "subscribe", "订阅：先全量，后变化 (a snapshot, then every change)",
              [&command, options] { return Subscribe(command, *options); });
  AddReadOptions(verb, &options->read);
  verb->add_flag("--follow", options->follow, "持续接收，Ctrl-C 结束 (go on until Ctrl-C)");
  verb->add_option("--subscription", options->subscription,
                   "订阅名，断点保存在节点 (name of a durable cursor)");
  auto* cursor =
      verb->add_option("--cursor", options->cursor, "从此断点继续 (go on after this cursor)");
  verb->add_flag("--changes-only", options->changes_only, "只要此后的变化 (no snapshot)")
      ->excludes(cursor);
  verb->add_option(
          "--from-offset", options->offsets,
          "从日志位置起，分区:位置，可多个 (from PARTITION:OFFSET of the log on, several; the "
          "other partitions from their first change kept)")
      ->excludes(cursor)
      ->excludes("--changes-only");
}

}  // namespace huiliu::cli
