// What the background workers last reported: the node's health, and the log lines of it.
#ifndef HUILIU_BROKER_SERVER_HEALTH_H_
#define HUILIU_BROKER_SERVER_HEALTH_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace huiliu::server {

// Thread-safe.
class Health {
 public:
  void Report(absl::string_view worker, const absl::Status& status);
  // OK, or UNAVAILABLE naming every worker that cannot go on.
  absl::Status Overall() const;
  std::map<std::string, std::string> failing() const;

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::string> failing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_HEALTH_H_
