// Real files of approval systems, cell by cell what Python's csv module reads.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/file/file_source.h"
#include "adapters/sdk/testkit/fake_host.h"
#include "core/base/digest.h"

namespace huiliu::file {
namespace {

std::string Environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::string Root() { return Environment("HUILIU_ROOT", "."); }

// "" where the data are absent, which is said aloud.
std::string DataFolder(const std::string& name) {
  const std::string folder =
      absl::StrCat(Environment("HUILIU_SHARED", Root() + "/../shared"), "/data/", name);
  if (std::filesystem::exists(folder)) return folder;
  std::printf("NOT RUN: no real files at %s\n", folder.c_str());
  return "";
}

std::string PythonDigest(const std::string& encoding, const std::string& files) {
  const std::string command =
      absl::StrCat("python3 ", Root(), "/tests/unit/file/csv_digest.py ", encoding, " ", files);
  FILE* const pipe = popen(command.c_str(), "r");
  std::array<char, 256> line{};
  const bool read = std::fgets(line.data(), line.size(), pipe) != nullptr;
  EXPECT_EQ(pclose(pipe), 0) << command;
  return read ? std::string(absl::StripAsciiWhitespace(line.data())) : "";
}

std::string OurDigest(const std::string& options) {
  sdk::FakeHost host;
  const auto source = FileSource::Open(sdk::Host(host.table()), options, "");
  EXPECT_TRUE(source.ok()) << source.status();
  Hasher digest;
  size_t rows = 0;
  const huiliu_rows* batch = nullptr;
  do {
    const absl::Status polled = (*source)->Poll(1000, 0, &batch);
    EXPECT_TRUE(polled.ok()) << polled;
    for (size_t i = 0; i < batch->row_count; ++i) {
      const huiliu_row& row = batch->rows[i];
      EXPECT_EQ(sdk::ToView(row.error_code), "") << sdk::ToView(row.error_place);
      for (size_t c = 0; c < row.cell_count; ++c) {
        const absl::string_view cell = sdk::ToView(row.cells[c].value);
        digest.Update(absl::StrCat(cell.size(), ":"));
        digest.Update(cell);
      }
      digest.Update("\n");
      ++rows;
    }
  } while (batch->caught_up == 0);
  return absl::StrCat(rows, " ", absl::BytesToHexString(AsBytes(digest.Finish())));
}

TEST(RealFilesTest, EnterpriseRegistry) {
  const std::string folder = DataFolder("enterprise-registry-yunnan");
  if (folder.empty()) return;
  const std::string ours = OurDigest(
      absl::StrCat("{\"path\":\"", folder, "\",\"pattern\":\"[12]*.csv\",\"follow\":false}"));
  EXPECT_EQ(ours, PythonDigest("utf-8", folder + "/[12]*.csv"));
  EXPECT_EQ(ours.substr(0, 6), "97233 ");
}

TEST(RealFilesTest, QualificationsInGbkAndUtf8WithMark) {
  const std::string folder = DataFolder("qualification-registry");
  if (folder.empty()) return;
  for (const char* charset : {"gbk", "gb18030", "auto"}) {
    EXPECT_EQ(
        OurDigest(absl::StrCat("{\"path\":\"", folder, "/10qualification.csv\",\"charset\":\"",
                               charset, "\",\"follow\":false}")),
        PythonDigest("gbk", folder + "/10qualification.csv"));
  }
  EXPECT_EQ(OurDigest(absl::StrCat("{\"path\":\"", folder,
                                   "/8breakfaith.csv\",\"charset\":\"gb18030\",\"follow\":false}")),
            PythonDigest("utf-8-sig", folder + "/8breakfaith.csv"));
}

TEST(RealFilesTest, FertiliserLicencesInTwoCharsets) {
  const std::string folder = DataFolder("fertiliser-licences");
  if (folder.empty()) return;
  const std::string ours = OurDigest(absl::StrCat(
      "{\"path\":\"", folder, "/anhui.gb18030.csv\",\"charset\":\"gb18030\",\"follow\":false}"));
  EXPECT_EQ(ours, PythonDigest("gb18030", folder + "/anhui.gb18030.csv"));
  EXPECT_EQ(OurDigest(absl::StrCat("{\"path\":\"", folder, "/anhui.utf8.csv\",\"follow\":false}")),
            PythonDigest("utf-8-sig", folder + "/anhui.utf8.csv"));
}

// One Python-style dict a line is no JSON: every line is an error row that names its place.
TEST(RealFilesTest, PythonDictsAreErrorRows) {
  const std::string folder = DataFolder("new-registrations-2019");
  if (folder.empty()) return;
  sdk::FakeHost host;
  const auto source = FileSource::Open(
      sdk::Host(host.table()),
      absl::StrCat("{\"path\":\"", folder,
                   "\",\"pattern\":\"*-data.txt\",\"format\":\"jsonl\",\"follow\":false,"
                   "\"columns\":[\"name\"]}"),
      "");
  ASSERT_TRUE(source.ok()) << source.status();
  const huiliu_rows* batch = nullptr;
  size_t errors = 0;
  do {
    ASSERT_TRUE((*source)->Poll(1000, 0, &batch).ok());
    for (size_t i = 0; i < batch->row_count; ++i) {
      const absl::string_view code = sdk::ToView(batch->rows[i].error_code);
      EXPECT_EQ(code, "json.invalid") << sdk::ToView(batch->rows[i].row_id);
      ++errors;
    }
  } while (batch->caught_up == 0);
  EXPECT_GT(errors, 0U);
}

}  // namespace
}  // namespace huiliu::file
