#include "adapters/agent/host.h"

#include <spdlog/spdlog.h>

#include <string>

#include "core/text/terminal_table.h"

namespace huiliu::agent {
namespace {

void Log(void*, int level, huiliu_bytes message) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  spdlog::log(kLevels[level < 0   ? 0
                      : level > 3 ? 3
                                  : level],
              "plugin {}", text::Printable(absl::string_view(message.data, message.size)));
}

int Stopping(void* context) {
  return static_cast<const std::atomic<bool>*>(context)->load() ? 1 : 0;
}

}  // namespace

huiliu_host MakeHost(const std::atomic<bool>& stopping) {
  return {sizeof(huiliu_host), const_cast<std::atomic<bool>*>(&stopping), &Log, &Stopping};
}

NoticingHost::NoticingHost(const std::atomic<bool>& stopping, Sink sink)
    : stopping_(stopping), sink_(std::move(sink)) {
  table_ = {
      sizeof(huiliu_host), this,
      [](void* context, int level, huiliu_bytes message) {
        Log(nullptr, level, message);
        if (level >= 2)
          static_cast<NoticingHost*>(context)->sink_(std::string(message.data, message.size));
      },
      [](void* context) { return static_cast<NoticingHost*>(context)->stopping_.load() ? 1 : 0; }};
}

}  // namespace huiliu::agent
