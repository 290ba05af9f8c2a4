// The outside fuzz corpora read as CSV and as JSON lines in every charset: whatever the bytes,
// every batch keeps the ABI's contract, and reading in steps gives the same rows as reading at
// once.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "adapters/file/file_source.h"
#include "adapters/sdk/testkit/checked_source.h"

namespace huiliu::file {
namespace {

constexpr huiliu_source kTable = sdk::MakeSource<FileSource>("file");

std::vector<sdk::Row> ReadInSteps(const std::string& options, size_t step) {
  const sdk::FakeHost host;
  std::vector<sdk::Row> rows;
  std::string position;
  while (true) {
    const auto source = sdk::CheckedSource::Open(kTable, host, options, position);
    EXPECT_TRUE(source.ok()) << source.status();
    for (int polls = 0; polls < 20; ++polls) {
      const auto batch = (*source)->Poll(step, 0);
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok()) return rows;
      rows.insert(rows.end(), batch->rows.begin(), batch->rows.end());
      position = batch->position;
      if (batch->caught_up) return rows;
    }
  }
}

void ReadCorpus(const std::string& name) {
  const char* shared = std::getenv("HUILIU_SHARED");
  const char* root = std::getenv("HUILIU_ROOT");
  const std::string archive = absl::StrCat(
      shared != nullptr ? shared : absl::StrCat(root == nullptr ? "." : root, "/../shared"),
      "/conformance/fuzz-corpora/", name, ".tgz");
  if (!std::filesystem::exists(archive)) {
    std::printf("NOT RUN: no corpus at %s\n", archive.c_str());
    return;
  }
  const std::string folder = absl::StrCat(testing::TempDir(), "/corpus-", name, "-", getpid());
  std::filesystem::create_directories(folder);
  ASSERT_EQ(std::system(absl::StrCat("tar -xzf ", archive, " -C ", folder,
                                     " --transform='s|.*/||' --wildcards '*/?*'")
                            .c_str()),
            0);
  for (const char* charset : {"utf-8", "gb18030", "gbk", "auto"}) {
    for (const char* format : {"csv", "jsonl"}) {
      const std::string options = absl::StrCat(
          "{\"path\":\"", folder, "\",\"charset\":\"", charset, "\",\"format\":\"", format,
          "\",\"follow\":false,\"max_record_bytes\":4096,\"block_bytes\":1024}");
      const auto whole = ReadInSteps(options, 100000);
      EXPECT_GT(whole.size(), 100U);
      EXPECT_EQ(ReadInSteps(options, 499), whole) << charset << " " << format;
    }
  }
  std::filesystem::remove_all(folder);
}

TEST(CorporaTest, Csv) { ReadCorpus("csv"); }
TEST(CorporaTest, Json) { ReadCorpus("json"); }

}  // namespace
}  // namespace huiliu::file
