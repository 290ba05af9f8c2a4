#include "broker/server/stop_within.h"

#include <thread>

#include "absl/synchronization/notification.h"

namespace huiliu::server {

void StopWithin(const std::function<void()>& stop, absl::Duration limit,
                const std::function<void()>& give_up) {
  absl::Notification stopped;
  std::thread watch([&] {
    if (!stopped.WaitForNotificationWithTimeout(limit)) give_up();
  });
  stop();
  stopped.Notify();
  watch.join();
}

}  // namespace huiliu::server
