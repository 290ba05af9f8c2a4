#include "adapters/agent/host.h"

#include <spdlog/spdlog.h>

#include <string>

namespace huiliu::agent {
namespace {

void Log(void*, int level, huiliu_bytes message) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  spdlog::log(kLevels[level < 0   ? 0
                      : level > 3 ? 3
                                  : level],
              "plugin {}", std::string(message.data, message.size));
}

int Stopping(void* context) {
  return static_cast<const std::atomic<bool>*>(context)->load() ? 1 : 0;
}

}  // namespace

huiliu_host MakeHost(const std::atomic<bool>& stopping) {
  return {sizeof(huiliu_host), const_cast<std::atomic<bool>*>(&stopping), &Log, &Stopping};
}

}  // namespace huiliu::agent
