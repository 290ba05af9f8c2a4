#include "adapters/agent/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace huiliu::agent {
namespace {

// Stands for huiliu-agent: `worker --config FILE --source|--landing ID`. It notes its call, then
// does what its id says.
constexpr char kWorker[] = R"(#!/bin/sh
folder=$(dirname "$0")
echo "$*" >> "$folder/calls"
case "$5" in
  steady) echo $$ > "$folder/steady.pid"; exec sleep 60 ;;
  failing) exit 3 ;;
  crashing) kill -SEGV $$ ;;
esac
)";

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() : folder_(absl::StrCat(testing::TempDir(), "/supervisor-", getpid())) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/worker") << kWorker;
    chmod((folder_ + "/worker").c_str(), 0755);
    config_.path = folder_ + "/agent.yaml";
    config_.state_dir = folder_ + "/state";
  }
  ~SupervisorTest() override { std::filesystem::remove_all(folder_); }
  void AddSource(const std::string& id) { config_.sources.emplace_back().id = id; }
  std::string Read(const std::string& name) {
    std::stringstream out;
    out << std::ifstream(folder_ + "/" + name).rdbuf();
    return out.str();
  }
  int Calls(const std::string& id) {
    int count = 0;
    std::istringstream calls(Read("calls"));
    for (std::string line; std::getline(calls, line);)
      count += line == absl::StrCat("worker --config ", config_.path, " ", id) ? 1 : 0;
    return count;
  }
  // Supervises until `done` says so, 20 s at most.
  absl::Status RunUntil(const std::function<bool()>& done) {
    std::atomic<bool> stopping = false;
    std::thread stopper([&] {
      const absl::Time deadline = absl::Now() + absl::Seconds(20);
      while (!done() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
      stopping = true;
    });
    const absl::Status status = Supervise(config_, folder_ + "/worker", stopping);
    stopper.join();
    return status;
  }

  const std::string folder_;
  Config config_;
};

TEST_F(SupervisorTest, WorkersThatEndAreStartedAgainAndTheOthersGoOn) {
  AddSource("steady");
  AddSource("crashing");
  config_.landings.emplace_back().id = "failing";
  const absl::Time started = absl::Now();
  ASSERT_TRUE(RunUntil([&] {
                return Calls("--source crashing") >= 3 && Calls("--landing failing") >= 3;
              }).ok());
  EXPECT_GE(absl::Now() - started, absl::Milliseconds(1500)) << "pauses of 0.5 s, then 1 s";
  EXPECT_GE(Calls("--source crashing"), 3);
  EXPECT_GE(Calls("--landing failing"), 3);
  EXPECT_EQ(Calls("--source steady"), 1);
  const pid_t steady = std::atoi(Read("steady.pid").c_str());
  ASSERT_GT(steady, 0);
  EXPECT_EQ(kill(steady, 0), -1) << "ended with the supervisor";
}

TEST_F(SupervisorTest, ACrashStandsInTheStatusOfTheWorker) {
  AddSource("crashing");
  ASSERT_TRUE(RunUntil([&] { return Calls("--source crashing") >= 2; }).ok());
  const auto status = nlohmann::json::parse(Read("state/status/crashing.json"), nullptr, false);
  ASSERT_TRUE(status.is_object());
  EXPECT_EQ(status["state"], "crashed");
  EXPECT_THAT(status["error"].get<std::string>(),
              testing::AllOf(testing::HasSubstr("signal 11"), testing::HasSubstr("again in")));
}

TEST_F(SupervisorTest, AWorkerThatEndedByItselfKeepsWhatItSaid) {
  AddSource("failing");
  ASSERT_TRUE(RunUntil([&] { return Calls("--source failing") >= 2; }).ok());
  EXPECT_EQ(Read("state/status/failing.json"), "");
}

TEST_F(SupervisorTest, NothingToRunIsAMistake) {
  const absl::Status status = RunUntil([] { return true; });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(config_.path));
}

}  // namespace
}  // namespace huiliu::agent
