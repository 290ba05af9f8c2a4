#include "adapters/agent/supervisor.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "adapters/agent/worker_status.h"

namespace huiliu::agent {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(500);
constexpr absl::Duration kLongestPause = absl::Seconds(30);
constexpr absl::Duration kGrace = absl::Seconds(10);

struct Child {
  std::string kind;  // --source or --landing
  std::string id;
  pid_t pid = -1;
  absl::Time started;
  absl::Time start_at;
  absl::Duration pause = kFirstPause;
};

void Add(const std::string& kind, const std::string& id, std::vector<Child>* children) {
  Child child;
  child.kind = kind;
  child.id = id;
  children->push_back(std::move(child));
}

void Start(Child& child, const std::string& self, const std::string& config) {
  const pid_t parent = getpid();
  child.started = absl::Now();
  child.pid = fork();
  if (child.pid != 0) return;
  // A worker does not outlive its supervisor.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl(self.c_str(), self.c_str(), "worker", "--config", config.c_str(), child.kind.c_str(),
        child.id.c_str(), nullptr);
  _exit(127);
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status))
    return absl::StrCat("signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
  return absl::StrCat("exit code ", WEXITSTATUS(status));
}

// The crashed worker cannot say it any more.
void SayCrashed(const Child& child, const std::string& how, const std::string& state_dir) {
  WorkerStatus(state_dir, child.id)
      .Set("crashed", absl::StrCat("工作进程异常退出，将自动重启 / the worker was ended by ", how,
                                   "; started again in ", absl::FormatDuration(child.pause)));
}

void Reap(std::vector<Child>& children, const std::string& state_dir) {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    for (Child& child : children) {
      if (child.pid != pid) continue;
      if (absl::Now() - child.started > kLongestPause) child.pause = kFirstPause;
      child.pid = -1;
      child.start_at = absl::Now() + child.pause;
      spdlog::error("worker={} ended: {}; started again in {}", child.id, HowItEnded(status),
                    absl::FormatDuration(child.pause));
      if (WIFSIGNALED(status)) SayCrashed(child, HowItEnded(status), state_dir);
      child.pause = std::min(child.pause * 2, kLongestPause);
    }
  }
}

void StopAll(std::vector<Child>& children) {
  for (const Child& child : children) {
    if (child.pid > 0) kill(child.pid, SIGTERM);
  }
  const absl::Time deadline = absl::Now() + kGrace;
  for (Child& child : children) {
    while (child.pid > 0 && waitpid(child.pid, nullptr, WNOHANG) == 0) {
      if (absl::Now() > deadline) kill(child.pid, SIGKILL);
      absl::SleepFor(absl::Milliseconds(20));
    }
  }
}

}  // namespace

absl::Status Supervise(const Config& config, const std::string& self,
                       const std::atomic<bool>& stopping) {
  std::vector<Child> children;
  for (const SourceConfig& source : config.sources) Add("--source", source.id, &children);
  for (const LandingConfig& landing : config.landings) Add("--landing", landing.id, &children);
  if (children.empty())
    return absl::FailedPreconditionError(
        absl::StrCat(config.path, ": 既没有数据源也没有落地 / no source and no landing"));
  while (!stopping) {
    for (Child& child : children) {
      if (child.pid < 0 && absl::Now() >= child.start_at) Start(child, self, config.path);
    }
    absl::SleepFor(absl::Milliseconds(100));
    Reap(children, config.state_dir);
  }
  StopAll(children);
  return absl::OkStatus();
}

}  // namespace huiliu::agent
