// Kills a process that stages and commits with SIGKILL at random moments and compares what is left
// with what it reported.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace huiliu {
namespace {

constexpr int kKeys = 5000;
constexpr int kPerBatch = 50;

RocksDbDecisionStoreOptions Options() {
  return {.table_bytes = 64 << 10, .filter_bytes = 16 << 10};
}

// What batch n does, known to both processes. Returns key numbers.
std::vector<int> KeysOf(uint64_t sequence) {
  std::mt19937 random(static_cast<uint32_t>(sequence));
  std::vector<int> keys;
  for (int i = 0; i < kPerBatch; ++i) keys.push_back(random() % kKeys);
  return keys;
}

// Reports 'S' after a batch was staged and 'C' after it was committed, until it is killed.
int RunVictim(const std::string& path, int fd, uint64_t node_sequence) {
  auto store = RocksDbDecisionStore::Open(path, Options());
  if (!store.ok() || !(*store)->Recover(node_sequence).ok()) return 3;
  for (uint64_t sequence = node_sequence + 1;; ++sequence) {
    std::vector<DecisionUpdate> updates;
    for (const int key : KeysOf(sequence))
      updates.push_back({absl::StrCat("key", key), absl::StrCat("at", sequence)});
    if (!(*store)->Stage(sequence, std::move(updates)).ok() || write(fd, "S", 1) != 1) return 4;
    if (!(*store)->Commit(sequence).ok() || write(fd, "C", 1) != 1) return 5;
  }
}

// The same under a limit on file sizes, as a full disk would have it. Ends with 42 where the first
// failure was said and kept.
int RunOnFullDisk(const std::string& path, int fd) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1 << 20, 1 << 20};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 6;
  auto store = RocksDbDecisionStore::Open(path, Options());
  if (!store.ok() || !(*store)->Recover(0).ok()) return 3;
  for (uint64_t sequence = 1; sequence < 100000; ++sequence) {
    std::vector<DecisionUpdate> updates;
    for (const int key : KeysOf(sequence))
      updates.push_back({absl::StrCat("key", key), absl::StrCat("at", sequence)});
    if (!(*store)->Stage(sequence, updates).ok())
      return (*store)->Stage(sequence, updates).ok() ? 7 : 42;
    if (write(fd, "S", 1) != 1) return 4;
    if (!(*store)->Commit(sequence).ok())
      return (*store)->Stage(sequence + 1, updates).ok() ? 8 : 42;
    if (write(fd, "C", 1) != 1) return 5;
  }
  return 9;
}

// Starts this binary again; what it reports can be read from *fd.
pid_t Start(const char* mode, const std::string& path, uint64_t sequence, int* fd) {
  int pipes[2];
  if (pipe(pipes) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    close(pipes[0]);
    execl("/proc/self/exe", "victim", mode, path.c_str(), absl::StrCat(pipes[1]).c_str(),
          absl::StrCat(sequence).c_str(), nullptr);
    _exit(9);
  }
  close(pipes[1]);
  *fd = pipes[0];
  return child;
}

void ReadReports(int fd, uint64_t* staged, uint64_t* committed) {
  char reports[4096];
  for (ssize_t n; (n = read(fd, reports, sizeof reports)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) *(reports[i] == 'S' ? staged : committed) += 1;
  }
  close(fd);
}

// Whether the store, told that the node stands at `node`, holds exactly the batches up to it.
void ExpectTruth(const std::string& path, uint64_t node) {
  auto store = RocksDbDecisionStore::Open(path, Options());
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::Status recovered = (*store)->Recover(node);
  ASSERT_TRUE(recovered.ok()) << recovered;
  std::vector<std::string> truth(kKeys);
  for (uint64_t sequence = 1; sequence <= node; ++sequence) {
    for (const int key : KeysOf(sequence)) truth[key] = absl::StrCat("at", sequence);
  }
  for (int key = 0; key < kKeys; ++key) {
    const std::string name = absl::StrCat("key", key);
    const auto value = (*store)->GetMany({name});
    ASSERT_TRUE(value.ok());
    ASSERT_EQ((*value)[0].value_or(""), truth[key]) << name << " at sequence " << node;
  }
}

TEST(DecisionCrashTest, AFullDiskIsSaidAndWhatWasStagedBeforeHolds) {
  const std::string path = absl::StrCat(testing::TempDir(), "/decision-full-", getpid());
  std::filesystem::remove_all(path);
  int fd = -1;
  const pid_t child = Start("--full", path, 0, &fd);
  ASSERT_GT(child, 0);
  uint64_t staged = 0, committed = 0;
  ReadReports(fd, &staged, &committed);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_GT(staged, 100u);
  ExpectTruth(path, staged);
  std::filesystem::remove_all(path);
}

TEST(DecisionCrashTest, NothingStagedIsLostAndNothingUncommittedRemains) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const std::string path = absl::StrCat(testing::TempDir(), "/decision-crash-", getpid());
  std::filesystem::remove_all(path);
  uint64_t node = 0;
  for (int round = 0; round < 12; ++round) {
    int fd = -1;
    const pid_t child = Start("--victim", path, node, &fd);
    ASSERT_GT(child, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 400));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "victim ended by itself: " << WEXITSTATUS(status);
    uint64_t staged = node, committed = node;
    ReadReports(fd, &staged, &committed);
    // The node may have taken over any batch that was staged, whether the agent heard of it or not.
    node = committed + random() % (staged - committed + 1);
    SCOPED_TRACE(absl::StrCat("round ", round, " staged ", staged, " committed ", committed));
    ExpectTruth(path, node);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(node, 100u) << "the victims did too little to prove anything";
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace huiliu

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "--victim") {
    return huiliu::RunVictim(argv[2], std::atoi(argv[3]), std::strtoull(argv[4], nullptr, 10));
  }
  if (argc == 5 && std::string(argv[1]) == "--full")
    return huiliu::RunOnFullDisk(argv[2], std::atoi(argv[3]));
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
