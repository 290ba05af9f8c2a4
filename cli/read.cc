#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "core/base/status.h"
#include "huiliu/v1/catalog.pb.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

constexpr int kPage = 1000;

struct Options {
  ReadOptions read;
  std::vector<std::string> key, columns;
  std::string system, filter;
  int64_t limit = 100;
  bool all = false, plan = false;
};

absl::Status Get(Command& command, const Options& options) {
  v1::GetRequest request;
  ASSIGN_OR_RETURN(*request.mutable_context(), ContextOf(command, options.read));
  for (const std::string& value : options.key) request.mutable_key()->add_values(value);
  request.mutable_key()->set_system(options.system);
  request.set_format(v1::ROW_FORMAT_JSON);
  v1::GetResponse response;
  RETURN_IF_ERROR(command.Call("Catalog/Get", request, &response));
  if (command.json) return command.PrintJson(response.row());
  ASSIGN_OR_RETURN(const v1::Dataset dataset, FieldsOf(command, options.read.dataset));
  PrintRow(command, dataset, response.row());
  return absl::OkStatus();
}

// Pages until `limit` rows came; JSON is written as it comes.
absl::Status Query(Command& command, const Options& options) {
  v1::QueryRequest request;
  ASSIGN_OR_RETURN(*request.mutable_context(), ContextOf(command, options.read));
  RETURN_IF_ERROR(CheckColumns(command, request.context(), options.columns));
  request.set_filter(options.filter);
  request.set_format(v1::ROW_FORMAT_JSON);
  v1::Dataset dataset;
  if (!command.json || !options.columns.empty()) {
    ASSIGN_OR_RETURN(dataset, FieldsOf(command, options.read.dataset));
  }
  int64_t shown = 0;
  int64_t not_evaluated = 0;
  std::string why;
  v1::QueryResponse page;
  do {
    const int64_t wanted = options.all ? kPage : std::min<int64_t>(kPage, options.limit - shown);
    request.set_page_size(static_cast<int32_t>(wanted));
    RETURN_IF_ERROR(command.Call("Catalog/Query", request, &page));
    request.set_page_token(page.next_page_token());
    if (shown == 0 && options.plan)
      command.out() << command.Say("查询计划：", "plan: ") << page.plan() << "\n";
    if (command.json) {
      for (v1::Row& row : *page.mutable_rows()) {
        RETURN_IF_ERROR(KeepColumns(dataset, options.columns, &row));
        RETURN_IF_ERROR(command.PrintJson(row));
      }
    } else if (page.rows_size() > 0) {
      ASSIGN_OR_RETURN(
          const Table table,
          RowTable(command, dataset, {page.rows().begin(), page.rows().end()}, options.columns));
      command.Print(table);
    }
    shown += page.rows_size();
    if (not_evaluated == 0) why = page.not_evaluated_reason();
    not_evaluated += page.not_evaluated();
  } while (!page.next_page_token().empty() && (options.all || shown < options.limit));
  command.findings = not_evaluated > 0;
  if (command.json && not_evaluated > 0) {
    v1::QueryResponse last;
    last.set_not_evaluated(not_evaluated);
    last.set_not_evaluated_reason(why);
    return command.PrintJson(last);
  }
  if (command.json) return absl::OkStatus();
  command.out() << (command.english() ? absl::StrCat(shown, " rows")
                                      : absl::StrCat("共 ", shown, " 行"));
  if (!page.next_page_token().empty())
    command.out() << command.Say("，还有更多：--limit N 或 --all",
                                 "; there are more: --limit N or --all");
  command.out() << "\n";
  if (not_evaluated > 0) {
    command.out() << command.Say("另有 ", "") << not_evaluated
                  << command.Say(" 行无法按条件判断，未列出；首个原因：",
                                 " more rows could not be judged by the filter and are not listed; "
                                 "why, for the first: ")
                  << why << "\n";
  }
  return absl::OkStatus();
}

absl::Status Stats(Command& command, const Options& options) {
  v1::StatsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_receiver(), command.Receiver(options.read.receiver));
  v1::StatsResponse response;
  RETURN_IF_ERROR(command.Call("Catalog/Stats", request, &response));
  if (command.json) return command.PrintJson(response);
  Table table({command.Say("数据集", "dataset"), command.Say("名称", "title"),
               command.Say("行数", "rows")});
  for (const auto& d : response.datasets())
    table.Add({d.dataset(), d.title(), std::to_string(d.rows())});
  command.Print(table);
  return absl::OkStatus();
}

}  // namespace

void AddReadVerbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<Options>();
  CLI::App* get = AddVerb(app, command, "get", "按主键查一行 (one row by its key)",
                          [&command, options] { return Get(command, *options); });
  AddReadOptions(get, &options->read);
  get->add_option("key", options->key, "主键各字段的值 (the key fields' values, in order)")
      ->required();
  get->add_option("--system", options->system,
                  "审批系统；多个系统提供同一数据集时必填 (where several systems provide it)");
  CLI::App* query = AddVerb(app, command, "query", "查询 (rows by a filter)",
                            [&command, options] { return Query(command, *options); });
  AddReadOptions(query, &options->read);
  query->add_option("--filter", options->filter,
                    "CEL，如 division == \"530102\" && status == \"参保\"");
  query->add_option("--column", options->columns, "显示哪些字段 (fields to show; default: all)");
  query->add_option("--limit", options->limit, "最多行数，默认 100 (at most; default 100)")
      ->check(CLI::Range(1, 1000000000));
  query->add_flag("--all", options->all, "全部 (every row)");
  query->add_flag("--plan", options->plan, "显示所用索引 (say which index is used)");
  CLI::App* stats = AddVerb(app, command, "stats", "回流库各数据集行数 (rows per dataset)",
                            [&command, options] { return Stats(command, *options); });
  stats->add_option("--receiver", options->read.receiver, "接收方 (whose data)");
}

}  // namespace huiliu::cli
