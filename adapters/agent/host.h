// The host table that plugins get: logging and the wish to stop.
#ifndef HUILIU_ADAPTERS_AGENT_HOST_H_
#define HUILIU_ADAPTERS_AGENT_HOST_H_

#include <atomic>
#include <functional>
#include <string>

#include "adapters/sdk/huiliu_plugin.h"

namespace huiliu::agent {

// `stopping` outlives the table.
huiliu_host MakeHost(const std::atomic<bool>& stopping);

// A host whose plugin's warnings are told to the operator, too. Stays where it is: its table points
// to it.
class NoticingHost {
 public:
  using Sink = std::function<void(const std::string& warning)>;
  NoticingHost(const std::atomic<bool>& stopping, Sink sink);
  NoticingHost(const NoticingHost&) = delete;
  NoticingHost& operator=(const NoticingHost&) = delete;
  const huiliu_host* table() const { return &table_; }

 private:
  const std::atomic<bool>& stopping_;
  const Sink sink_;
  huiliu_host table_;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_HOST_H_
