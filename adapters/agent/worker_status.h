// What a worker is doing, in STATE_DIR/status/ID.json: what operators and `huiliu-agent status`
// look at.
#ifndef HUILIU_ADAPTERS_AGENT_WORKER_STATUS_H_
#define HUILIU_ADAPTERS_AGENT_WORKER_STATUS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace huiliu::agent {

// One thread. Written at most every 200 ms, and at each change of state.
class WorkerStatus {
 public:
  WorkerStatus(const std::string& state_dir, std::string id);
  void Set(const std::string& state, const std::string& error);
  void AddRows(int64_t rows) { rows_ += rows; }
  void SetSequence(uint64_t sequence) { sequence_ = sequence; }
  void SetCaughtUp(bool caught_up) { caught_up_ = caught_up; }
  // Rows that a landing's target refused and that wait for repair.
  void SetKept(uint64_t kept) { kept_ = kept; }
  // Names of a source's files and columns stand in it: marks that would turn or break a line, in
  // the log and where it is shown, become spaces.
  void AddNotice(const std::string& said);
  void Write(bool now);

 private:
  const std::string id_;
  const std::string path_;
  std::string state_ = "starting";
  std::string error_;
  int64_t rows_ = 0;
  uint64_t sequence_ = 0;
  uint64_t kept_ = 0;
  bool caught_up_ = false;
  std::vector<std::string> notices_;
  int64_t written_ms_ = 0;
};

}  // namespace huiliu::agent

#endif  // HUILIU_ADAPTERS_AGENT_WORKER_STATUS_H_
