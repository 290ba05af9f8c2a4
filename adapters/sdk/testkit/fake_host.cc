#include "adapters/sdk/testkit/fake_host.h"

namespace huiliu::sdk {

FakeHost::FakeHost() {
  table_.struct_size = sizeof table_;
  table_.context = this;
  table_.log = [](void* self, int level, huiliu_bytes message) {
    FakeHost* host = static_cast<FakeHost*>(self);
    const std::lock_guard<std::mutex> lock(host->mutex_);
    host->lines_.push_back({level, std::string(ToView(message))});
  };
  table_.stopping = [](void* self) { return static_cast<FakeHost*>(self)->stopping_ ? 1 : 0; };
}

std::vector<FakeHost::Line> FakeHost::lines() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lines_;
}

}  // namespace huiliu::sdk
