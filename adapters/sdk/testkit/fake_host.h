// A host for tests of plugins: keeps what they log and can be told to stop.
#ifndef HUILIU_ADAPTERS_SDK_TESTKIT_FAKE_HOST_H_
#define HUILIU_ADAPTERS_SDK_TESTKIT_FAKE_HOST_H_

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/sdk/plugin.h"

namespace huiliu::sdk {

// Safe from several threads. Outlives the sources and landings that it is given to.
class FakeHost {
 public:
  struct Line {
    int level = 0;
    std::string text;
  };
  FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const huiliu_host* table() const { return &table_; }
  std::vector<Line> lines() const;
  void Stop() { stopping_ = true; }

 private:
  huiliu_host table_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace huiliu::sdk

#endif  // HUILIU_ADAPTERS_SDK_TESTKIT_FAKE_HOST_H_
