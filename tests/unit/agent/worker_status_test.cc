#include "adapters/agent/worker_status.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace huiliu::agent {
namespace {

class WorkerStatusTest : public testing::Test {
 protected:
  WorkerStatusTest() : folder_(absl::StrCat(testing::TempDir(), "/worker-status-", getpid())) {}
  ~WorkerStatusTest() override { std::filesystem::remove_all(folder_); }
  nlohmann::json Read() {
    std::ifstream file(folder_ + "/status/si.json");
    return nlohmann::json::parse(file, nullptr, false);
  }
  const std::string folder_;
};

TEST_F(WorkerStatusTest, AChangeOfStateIsWrittenAtOnce) {
  WorkerStatus status(folder_, "si");
  EXPECT_TRUE(Read().is_discarded()) << "nothing is written before there is something to say";
  status.AddRows(5);
  status.AddRows(2);
  status.SetSequence(9);
  status.SetCaughtUp(true);
  status.Set("waiting", "节点不在 \xff");
  const nlohmann::json json = Read();
  EXPECT_EQ(json["worker"], "si");
  EXPECT_EQ(json["state"], "waiting");
  EXPECT_EQ(json["error"], "节点不在 \xef\xbf\xbd") << "readable whatever a plugin says";
  EXPECT_EQ(json["rows"], 7);
  EXPECT_EQ(json["sequence"], 9);
  EXPECT_EQ(json["caught_up"], true);
  EXPECT_LE(json["updated_ms"].get<int64_t>(), absl::ToUnixMillis(absl::Now()));
  status.Set("running", "");
  EXPECT_EQ(Read()["state"], "running");
  EXPECT_EQ(Read()["error"], "");
}

TEST_F(WorkerStatusTest, ProgressIsNotWrittenAtEveryBatch) {
  WorkerStatus status(folder_, "si");
  status.Write(true);
  status.AddRows(1);
  status.Write(false);
  EXPECT_EQ(Read()["rows"], 0);
  absl::SleepFor(absl::Milliseconds(250));
  status.Write(false);
  EXPECT_EQ(Read()["rows"], 1);
  status.AddRows(1);
  status.Write(true);
  EXPECT_EQ(Read()["rows"], 2);
}

TEST_F(WorkerStatusTest, NoticesAreKeptUpToABound) {
  WorkerStatus status(folder_, "si");
  for (int i = 0; i < 205; ++i) status.AddNotice(absl::StrCat("file ", i));
  const nlohmann::json notices = Read()["notices"];
  ASSERT_EQ(notices.size(), 200U);
  EXPECT_EQ(notices[0], "file 0");
}

}  // namespace
}  // namespace huiliu::agent
