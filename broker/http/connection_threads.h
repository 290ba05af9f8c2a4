// The HTTP listener's threads: one a connection, started as connections come, up to a bound. A
// connection whose client says nothing costs a thread that sleeps, and keeps no other waiting.
#ifndef HUILIU_BROKER_HTTP_CONNECTION_THREADS_H_
#define HUILIU_BROKER_HTTP_CONNECTION_THREADS_H_

#include <httplib.h>

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace huiliu::http {

// Legal calls: enqueue* shutdown, all on the listener's thread.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(int most) : most_(most) {}
  ~ConnectionThreads() override { shutdown(); }

  // Serves a connection. Waits while `most` are open: who comes then waits in the kernel's queue
  // and takes no descriptor of this process.
  void enqueue(std::function<void()> connection) override;
  // Returns after the connections that are open have ended.
  void shutdown() override;

 private:
  void Serve();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !waiting_.empty() || stopping_;
  }
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_ < most_; }

  const int most_;
  std::vector<std::thread> threads_;  // of the listener's thread
  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  int open_ ABSL_GUARDED_BY(mutex_) = 0;  // served or waiting; a thread each is there or is started
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace huiliu::http

#endif  // HUILIU_BROKER_HTTP_CONNECTION_THREADS_H_
