// A folder of files, read through the plugin's shared object as the agent does.
#ifndef HUILIU_TESTS_UNIT_FILE_FILE_SOURCE_FIXTURE_H_
#define HUILIU_TESTS_UNIT_FILE_FILE_SOURCE_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "adapters/sdk/loader.h"

namespace huiliu::file {

namespace fs = std::filesystem;

inline const huiliu_host kHost = {sizeof(huiliu_host), nullptr, [](void*, int, huiliu_bytes) {},
                                  [](void*) { return 0; }};

inline std::string BuildDir() {
  const char* build = std::getenv("HUILIU_BUILD");
  return build == nullptr ? "build" : build;
}

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(testing::TempDir(), "/file-source-", getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& content, bool append = false) {
    std::ofstream(folder_ + "/" + name, append ? std::ios::app : std::ios::trunc) << content;
  }

  // Opens through the shared object, as the agent does.
  void Open(const std::string& more, const std::string& position = "") {
    source_.reset();
    auto plugin = sdk::LoadPlugin(BuildDir() + "/lib/huiliu_file.so");
    ASSERT_TRUE(plugin.ok()) << plugin.status();
    auto source =
        sdk::OpenSource::Open(**sdk::FindSource(**plugin, "file"), &kHost,
                              absl::StrCat("{\"path\":\"", folder_, "\"", more, "}"), position);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
  }

  // One poll: rows as "id|cell|cell", errors as "id!code@place".
  std::vector<std::string> Poll(size_t max_rows = 1000, int timeout_ms = 0) {
    auto polled = source_->Poll(max_rows, timeout_ms);
    EXPECT_TRUE(polled.ok()) << polled.status();
    std::vector<std::string> out;
    for (size_t i = 0; i < (*polled)->row_count; ++i) {
      const huiliu_row& row = (*polled)->rows[i];
      std::string line(sdk::ToView(row.row_id));
      if (row.error_code.size > 0) {
        absl::StrAppend(&line, "!", sdk::ToView(row.error_code), "@", sdk::ToView(row.error_place));
      }
      for (size_t c = 0; c < row.cell_count; ++c) {
        absl::StrAppend(&line, "|",
                        row.cells[c].kind == 0 ? "NULL" : sdk::ToView(row.cells[c].value));
      }
      out.push_back(line);
    }
    for (size_t i = 0; i < (*polled)->notice_count; ++i)
      notices_.emplace_back(sdk::ToView((*polled)->notices[i]));
    position_ = std::string(sdk::ToView((*polled)->position));
    return out;
  }

  std::string folder_;
  std::unique_ptr<sdk::OpenSource> source_;
  std::vector<std::string> notices_;
  std::string position_;
};

}  // namespace huiliu::file

#endif  // HUILIU_TESTS_UNIT_FILE_FILE_SOURCE_FIXTURE_H_
