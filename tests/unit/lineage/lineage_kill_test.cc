// What a fold leaves behind when its process dies.
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/lineage/lineage_fixture.h"

namespace huiliu {
namespace {

// A child folds and dies by SIGKILL at some moment; whatever is there then must agree with itself.
TEST_F(LineageStoreTest, KilledAtAnyMomentCountsAndTreeAgree) {
  const Log log = RandomLog(3000, random_);
  for (int round = 0; round < 8; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = Open();
      if (!store.ok()) _exit(2);
      const int64_t from = (*store)->NextOffset().value();
      size_t at = 0;
      while (at < log.batches.size() && log.batches[at].next.value() <= from) ++at;
      for (; at < log.batches.size(); at += 3) {
        const size_t n = std::min<size_t>(3, log.batches.size() - at);
        if (!(*store)->Fold(absl::MakeConstSpan(log.batches).subspan(at, n)).ok()) _exit(3);
        if (at % 30 == 0) clock_.Advance(absl::Seconds(2));
      }
      pause();
    }
    usleep(5'000 + random_() % 60'000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ExpectAgreesWith(**store, log);
    const auto latest = *(*store)->LatestCheckpoint();
    if (latest.has_value()) {
      EXPECT_LE(latest->tree_size(), (*store)->Size());
    }
  }
  auto store = Open();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Fold(log.batches).ok());
  EXPECT_EQ((*store)->Size(), static_cast<int64_t>(log.leaves.size()));
  ExpectAgreesWith(**store, log);
}

}  // namespace
}  // namespace huiliu
