#include "adapters/agent/worker_status.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
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

// Names of files and columns are the source's: in the log none of them breaks or turns a line.
TEST_F(WorkerStatusTest, ANoticeIsOneLineThatNothingTurns) {
  WorkerStatus status(folder_, "si");
  testing::internal::CaptureStdout();
  status.AddNotice("a\u2067\u202eb.csv\nworker=other: 缺列");
  status.Set("stopped", "列 a\u2066\nb");
  const std::string log = testing::internal::GetCapturedStdout();
  EXPECT_EQ(Read()["notices"][0], "a      b.csv worker=other: 缺列");
  EXPECT_NE(log.find("notice=\"a      b.csv worker=other: 缺列\""), std::string::npos) << log;
  EXPECT_NE(log.find("error=\"列 a    b\""), std::string::npos) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2);
}

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
