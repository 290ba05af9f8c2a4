#include "adapters/agent/worker_status.h"

#include <spdlog/spdlog.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/files.h"
#include "core/text/terminal_table.h"

namespace huiliu::agent {
namespace {

constexpr int64_t kEveryMs = 200;
constexpr size_t kMaxNotices = 200;

}  // namespace

WorkerStatus::WorkerStatus(const std::string& state_dir, std::string id)
    : id_(std::move(id)), path_(absl::StrCat(state_dir, "/status/", id_, ".json")) {
  MakeDirectories(absl::StrCat(state_dir, "/status")).IgnoreError();
}

void WorkerStatus::Set(const std::string& state, const std::string& error) {
  if (error != error_ && !error.empty())
    spdlog::error("worker={} state={} error=\"{}\"", id_, state, text::Printable(error));
  const bool changed = state != state_ || error != error_;
  state_ = state;
  error_ = error;
  if (changed) Write(true);
}

void WorkerStatus::AddNotice(const std::string& said) {
  const std::string notice = text::Printable(said);
  spdlog::warn("worker={} notice=\"{}\"", id_, notice);
  if (notices_.size() < kMaxNotices) notices_.push_back(notice);
  Write(true);
}

void WorkerStatus::Write(bool now) {
  const int64_t ms = absl::ToUnixMillis(absl::Now());
  if (!now && ms - written_ms_ < kEveryMs) return;
  written_ms_ = ms;
  const nlohmann::json json = {{"worker", id_}, {"state", state_},       {"error", error_},
                               {"rows", rows_}, {"sequence", sequence_}, {"caught_up", caught_up_},
                               {"kept", kept_}, {"notices", notices_},   {"updated_ms", ms}};
  // A reader sees the old or the new text; it need not survive a power loss.
  const std::string temporary = path_ + ".new";
  std::ofstream(temporary) << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                           << "\n";
  std::rename(temporary.c_str(), path_.c_str());
}

}  // namespace huiliu::agent
