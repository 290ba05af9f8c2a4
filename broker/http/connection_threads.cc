#include "broker/http/connection_threads.h"

#include <utility>

namespace huiliu::http {

void ConnectionThreads::enqueue(std::function<void()> connection) {
  size_t needed = 0;
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &ConnectionThreads::HasRoom));
    waiting_.push_back(std::move(connection));
    needed = static_cast<size_t>(++open_);
  }
  if (threads_.size() < needed) threads_.emplace_back([this] { Serve(); });
}

void ConnectionThreads::shutdown() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ConnectionThreads::Serve() {
  while (true) {
    std::function<void()> connection;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &ConnectionThreads::HasWork));
      if (waiting_.empty()) return;
      connection = std::move(waiting_.front());
      waiting_.pop_front();
    }
    connection();
    absl::MutexLock lock(&mutex_);
    --open_;
  }
}

}  // namespace huiliu::http
