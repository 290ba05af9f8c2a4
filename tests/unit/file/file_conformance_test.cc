// Source "file" under the suite of all sources, in each of its forms.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "adapters/sdk/loader.h"
#include "core/base/check.h"
#include "tests/conformance/source_suite.h"

namespace huiliu {
namespace {

const huiliu_source* FileTable() {
  const char* build = std::getenv("HUILIU_BUILD");
  const auto plugin =
      sdk::LoadPlugin(absl::StrCat(build == nullptr ? "build" : build, "/lib/huiliu_file.so"));
  EXPECT_TRUE(plugin.ok()) << plugin.status();
  return *sdk::FindSource(**plugin, "file");
}

std::string Folder() { return absl::StrCat(testing::TempDir(), "/file-suite-", getpid()); }

void Fresh() {
  std::filesystem::remove_all(Folder());
  std::filesystem::create_directories(Folder());
}

// Rows in files of five, in name order; row 11 damaged on wish.
std::string MakeCsv(int rows, bool damage, const std::string& name, const std::string& more) {
  Fresh();
  for (int i = 0; i < rows; ++i) {
    std::ofstream file(absl::StrCat(Folder(), "/", i / 5, ".csv"), std::ios::app);
    if (i % 5 == 0) file << "key," << name << "\r\n";
    if (damage && i == 11) {
      file << "11,\"" << name << "\"x\r\n";
    } else {
      file << i << ",\"" << name << "\r\n" << i << "\"\r\n";
    }
  }
  return absl::StrCat("{\"path\":\"", Folder(), "\"", more, "}");
}

std::string MakeJson(int rows, bool damage) {
  Fresh();
  for (int i = 0; i < rows; ++i) {
    std::ofstream file(absl::StrCat(Folder(), "/", i / 5, ".jsonl"), std::ios::app);
    if (damage && i == 11) {
      file << "{'key': '11', 'name': None}\n";
    } else {
      file << "{\"key\":\"" << i << "\",\"name\":" << i << ".50}\n";
    }
  }
  return absl::StrCat("{\"path\":\"", Folder(), "\",\"format\":\"jsonl\"}");
}

void Add(const std::string& name, const std::string& line) {
  std::ofstream(absl::StrCat(Folder(), "/", name), std::ios::app) << line;
}

INSTANTIATE_TEST_SUITE_P(
    File, SourceSuite,
    testing::Values(SourceUnderTest{
                        "utf8", FileTable,
                        [](int rows, bool damage) { return MakeCsv(rows, damage, "名称", ""); },
                        [] { Add("1.csv", "99,x\r\n"); }},
                    SourceUnderTest{"gb18030", FileTable,
                                    [](int rows, bool damage) {
                                      return MakeCsv(rows, damage, "\xc3\xfb\xb3\xc6",
                                                     ",\"charset\":\"gb18030\"");
                                    },
                                    [] { Add("1.csv", "99,\xc0\xa5\r\n"); }},
                    SourceUnderTest{"jsonl", FileTable, MakeJson,
                                    [] { Add("1.jsonl", "{\"key\":\"99\",\"name\":1}\n"); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace huiliu
