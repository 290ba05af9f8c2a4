#include "broker/server/health.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"

namespace huiliu::server {

void Health::Report(absl::string_view worker, const absl::Status& status) {
  const std::string name(worker);
  absl::MutexLock lock(&mutex_);
  if (status.ok()) {
    if (failing_.erase(name) > 0) spdlog::info("worker={} recovered", name);
    return;
  }
  std::string& known = failing_[name];
  const std::string text = status.ToString();
  if (known != text) spdlog::error("worker={} error=\"{}\" retry=1s", name, text);
  known = text;
}

absl::Status Health::Overall() const {
  std::string all;
  for (const auto& [worker, error] : failing())
    absl::StrAppend(&all, all.empty() ? "" : "; ", worker, ": ", error);
  return all.empty() ? absl::OkStatus() : absl::UnavailableError(all);
}

std::map<std::string, std::string> Health::failing() const {
  absl::MutexLock lock(&mutex_);
  return failing_;
}

}  // namespace huiliu::server
