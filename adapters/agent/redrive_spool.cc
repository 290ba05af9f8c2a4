#include "adapters/agent/redrive_spool.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kRequest[] = ".request";
constexpr char kAnswer[] = ".answer";

const char* NameOf(KeptKind kind) { return kind == KeptKind::kPending ? "pending" : "quarantined"; }
KeptKind KindOf(const json& value) {
  return value == "pending" ? KeptKind::kPending : KeptKind::kQuarantined;
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Cells are bytes of UTF-8 text; null is null.
absl::StatusOr<std::vector<RedriveItem>> ParseItems(const std::string& text) {
  const json root = json::parse(text, nullptr, false);
  if (root.is_discarded() || !root.is_array())
    return absl::InvalidArgumentError("请求不是 JSON 数组 / the request is no JSON array");
  std::vector<RedriveItem> items;
  for (const json& one : root) {
    if (!one.is_object() || !one.contains("id") || !one["id"].is_string())
      return absl::InvalidArgumentError(
          "请求中有一项没有指明行 / an item of the request names no row");
    RedriveItem item;
    item.row = {KindOf(one.value("kind", "")), one["id"].get<std::string>()};
    const json cells = one.value("cells", json::object());
    for (const auto& [column, value] : cells.items()) {
      if (value.is_null()) {
        item.nulls.push_back(column);
      } else if (value.is_string()) {
        item.cells[column] = value.get<std::string>();
      } else {
        item.cells[column] = value.dump();
      }
    }
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

std::string RedriveSpool::Path(const std::string& name, const char* extension) const {
  return absl::StrCat(folder_, "/", name, extension);
}

absl::StatusOr<std::string> RedriveSpool::Ask(const std::vector<RedriveItem>& items) {
  if (items.size() > kMaxItems)
    return absl::ResourceExhaustedError(
        absl::StrCat("一次提交的行过多 / ", items.size(), " rows at once; at most ", kMaxItems));
  RETURN_IF_ERROR(MakeDirectories(folder_));
  if (chmod(folder_.c_str(), 0700) != 0) return ErrnoStatus(errno, "guarding", folder_);
  json root = json::array();
  for (const RedriveItem& item : items) {
    json one = {{"kind", NameOf(item.row.kind)}, {"id", item.row.id}};
    for (const auto& [column, text] : item.cells) one["cells"][column] = text;
    for (const std::string& column : item.nulls) one["cells"][column] = nullptr;
    root.push_back(std::move(one));
  }
  static std::atomic<int> count = 0;
  const std::string name =
      absl::StrFormat("%020d-%d-%d", absl::GetCurrentTimeNanos(), getpid(), count++);
  RETURN_IF_ERROR(WriteFileDurably(Path(name, kRequest), Dump(root), 0600));
  return name;
}

absl::StatusOr<std::optional<std::vector<RedriveResult>>> RedriveSpool::TakeAnswer(
    const std::string& name) {
  const std::string path = Path(name, kAnswer);
  auto text = ReadFile(path);
  if (text.status().code() == absl::StatusCode::kNotFound)
    return std::optional<std::vector<RedriveResult>>();
  RETURN_IF_ERROR(text.status());
  unlink(path.c_str());
  const json root = json::parse(*text, nullptr, false);
  if (root.is_discarded() || !root.is_object())
    return absl::DataLossError(absl::StrCat(path, ": is no answer"));
  if (const int code = root.value("code", 0); code != 0)
    return absl::Status(static_cast<absl::StatusCode>(code), root.value("message", ""));
  std::vector<RedriveResult> results;
  for (const json& one : root.value("results", json::array())) {
    results.push_back({{KindOf(one.value("kind", "")), one.value("id", "")},
                       static_cast<huiliu::v1::Outcome>(one.value("outcome", 0)),
                       one.value("error", "")});
  }
  return std::optional(std::move(results));
}

void RedriveSpool::Withdraw(const std::string& name) {
  unlink(Path(name, kRequest).c_str());
  unlink(Path(name, kAnswer).c_str());
}

absl::StatusOr<std::optional<RedriveRequest>> RedriveSpool::Next() {
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string file = entry.path().filename().string();
    if (absl::EndsWith(file, kRequest))
      names.push_back(file.substr(0, file.size() - sizeof kRequest + 1));
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(Path(name, kRequest)));
    auto items = ParseItems(text);
    if (items.ok()) return RedriveRequest{name, *std::move(items)};
    RETURN_IF_ERROR(Answer(name, items.status(), {}));
  }
  return std::optional<RedriveRequest>();
}

absl::Status RedriveSpool::Answer(const std::string& name, const absl::Status& status,
                                  const std::vector<RedriveResult>& results) {
  json root = {{"code", static_cast<int>(status.code())},
               {"message", std::string(status.message())}};
  root["results"] = json::array();
  for (const RedriveResult& result : results) {
    root["results"].push_back({{"kind", NameOf(result.row.kind)},
                               {"id", result.row.id},
                               {"outcome", static_cast<int>(result.outcome)},
                               {"error", result.error}});
  }
  RETURN_IF_ERROR(WriteFileDurably(Path(name, kAnswer), Dump(root), 0600));
  if (unlink(Path(name, kRequest).c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, "removing", Path(name, kRequest));
  return absl::OkStatus();
}

}  // namespace huiliu::agent
