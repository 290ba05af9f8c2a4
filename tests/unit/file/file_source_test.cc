#include "adapters/file/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "adapters/sdk/loader.h"

namespace huiliu::file {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

const huiliu_host kHost = {sizeof(huiliu_host), nullptr, [](void*, int, huiliu_bytes) {},
                           [](void*) { return 0; }};

std::string BuildDir() {
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

TEST_F(FileSourceTest, ReadsFilesInNameOrderAndResumesInside) {
  Write("b.csv", "k,v\n3,c\n");
  Write("a.csv", "k,v\n1,a\n\"2\",\"b\nb\"\n");
  Open(",\"follow\":false");
  EXPECT_THAT(Poll(1), ElementsAre("a.csv:2|1|a"));
  Open(",\"follow\":false", position_);
  EXPECT_THAT(Poll(), ElementsAre("a.csv:3|2|b\nb", "b.csv:2|3|c"));
  EXPECT_TRUE(Poll().empty());
  Write("a.csv", "4,d\n", true);
  EXPECT_THAT(Poll(), ElementsAre("a.csv:5|4|d"));
}

TEST_F(FileSourceTest, ABadRecordCostsOnlyItself) {
  Write("a.csv", "k,v\n1,a\n\"x\"y,z\n2\n3,c\n\xff\xfe,d\n5,e");
  Open(",\"follow\":false");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|a", "a.csv:3!csv.quote@a.csv:3:4",
                                  "a.csv:4!csv.columns@a.csv:4:1", "a.csv:5|3|c",
                                  "a.csv:6!charset.invalid@a.csv:6:1", "a.csv:7|5|e"));
}

TEST_F(FileSourceTest, AnotherHeaderIsNamedAndNotRead) {
  Write("a.csv", "k,v\n1,a\n");
  Write("b.csv", "x,y\n1,a\n");
  Open(",\"follow\":false,\"header\":[\"k\",\"v\"]");
  EXPECT_EQ(Poll().size(), 1U);
  EXPECT_TRUE(Poll().empty());
  EXPECT_THAT(notices_, ElementsAre(testing::AllOf(testing::StartsWith("b.csv: "),
                                                   testing::HasSubstr("has another header"))));
}

// A8: one wrong file does not stop the others; A1: a renamed column is no file of this source.
TEST_F(FileSourceTest, AFileWithoutANeededColumnIsNamedAndNotRead) {
  Write("a.csv", "k,状态2\n1,a\n");
  Write("b.csv", "k;状态\n1;a\n");
  Write("c.csv", "K , 旧状态\n1,a\n");
  Open(",\"follow\":false");
  sdk::NeededColumns needed;
  needed.Add({{"k"}, true});
  // Two fields of one column.
  needed.Add({{"状态", "旧状态"}});
  needed.Add({{"状态", "旧状态"}});
  ASSERT_TRUE(source_->Need(needed).ok());
  EXPECT_THAT(Poll(), ElementsAre("c.csv:2|1|a"));
  ASSERT_EQ(notices_.size(), 2U);
  EXPECT_THAT(
      notices_[0],
      testing::AllOf(testing::StartsWith("a.csv: "), testing::HasSubstr("列 状态/旧状态，"),
                     testing::HasSubstr("(it has 2)"), testing::Not(testing::HasSubstr("状态2"))));
  EXPECT_THAT(notices_[1],
              testing::AllOf(testing::StartsWith("b.csv: "), testing::HasSubstr("k, 状态/旧状态")));
  EXPECT_FALSE(source_->has_one_header());
  Write("a.csv", "k,状态\n1,mended\n");
  Open(",\"follow\":false", position_);
  ASSERT_TRUE(source_->Need(needed).ok());
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|mended"));
}

TEST_F(FileSourceTest, OptionsThatContradictTheMappingAreRefused) {
  Open(",\"follow\":false,\"header\":[\"k\",\"v\"]");
  sdk::NeededColumns needed;
  needed.Add({{"状态"}, false});
  const absl::Status status = source_->Need(needed);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("状态"));
}

// An object may leave out what is null; a member that no object shows was renamed, or dropped.
TEST_F(FileSourceTest, AnObjectMayLackANeededMemberAFileMayNot) {
  Write("a.jsonl", "{\"k\":1}\n{\"op\":\"U\",\"k\":2,\"STATUS \":null}\n");
  Write("b.jsonl", "{\"k\":1,\"status\":\"x\"}\n");
  Write("c.jsonl", "{broken\n");
  Write("d.jsonl", "{\"k\":4,\"op\":\"U\",\"state\":\"x\"}\n{\"k\":5}\n");
  Write("e.jsonl", "");
  Write("f.jsonl", "{\"k\":6,\"op\":\"U\",\"status\":\"x\",\"more\":1}\n{\"k\":7,\"op\":\"U\"}\n");
  sdk::NeededColumns needed;
  needed.Add({{"op"}, true});
  needed.Add({{"status"}});
  needed.Add({{"more"}, false, true});
  for (const std::string columns : {"", ",\"columns\":[\"k\",\"op\",\"status\",\"more\"]"}) {
    notices_.clear();
    Open(",\"follow\":false,\"format\":\"jsonl\"" + columns);
    ASSERT_TRUE(source_->Need(needed).ok());
    std::string rows;
    for (auto polled = Poll(); !polled.empty(); polled = Poll()) {
      for (const std::string& row : polled)
        absl::StrAppend(&rows, row.substr(0, row.find_first_of("|@")), " ");
    }
    EXPECT_EQ(rows, "a.jsonl:1 a.jsonl:2 c.jsonl:1!json.invalid f.jsonl:1 f.jsonl:2 ");
    notices_.erase(std::remove_if(notices_.begin(), notices_.end(),
                                  [](const std::string& notice) {
                                    return notice.find("is not among the columns") !=
                                           std::string::npos;
                                  }),
                   notices_.end());
    ASSERT_EQ(notices_.size(), 2U);
    EXPECT_THAT(notices_[0],
                testing::AllOf(testing::StartsWith("b.jsonl: "), testing::HasSubstr("成员 op")));
    EXPECT_THAT(
        notices_[1],
        testing::AllOf(testing::StartsWith("d.jsonl: "), testing::HasSubstr("member(s) status"),
                       testing::HasSubstr("(it has 3)"), testing::Not(testing::HasSubstr("state,")),
                       testing::HasSubstr("optional: true")));
  }
  // Refused, not given up: it is looked at again when it changes.
  Write("d.jsonl", "{\"k\":8,\"status\":\"y\"}\n", true);
  EXPECT_EQ(Poll().size(), 3U);
  // What comes behind lines that say nothing is judged as well.
  Write("c.jsonl", "{\"k\":9,\"op\":\"U\"}\n", true);
  EXPECT_TRUE(Poll().empty());
  EXPECT_THAT(notices_.back(), testing::StartsWith("c.jsonl: "));
}

TEST_F(FileSourceTest, AColumnThatIsReadAndThereTwiceIsNamedAndTheFileNotRead) {
  Write("a.csv", "k,v,x,X\n1,first,2,3\n");
  Write("b.csv", "k,v,V \n1,first,second\n");
  Write("c.csv", "k,名称,名称\n1,first,second\n");
  Write("d.csv", "k,名称,v,w\n4,a,b,c\n");
  Open(",\"follow\":false");
  sdk::NeededColumns needed;
  needed.Add({{"k"}, true});
  needed.Add({{"V", "w"}, false, true});
  needed.Add({{"name", "名称"}, false, true, true});
  ASSERT_TRUE(source_->Need(needed).ok());
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|first|2|3"));
  // "V" is written as the mapping writes it: that one is meant.
  EXPECT_THAT(Poll(), ElementsAre("b.csv:2|1|first|second"));
  EXPECT_THAT(Poll(), ElementsAre("d.csv:2|4|a|b|c"));
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_THAT(notices_[0], testing::AllOf(testing::StartsWith("c.csv: 列 名称 出现不止一次"),
                                          testing::HasSubstr("more than once")));
  Open(",\"follow\":false,\"header\":[\"k\",\"名称\",\"名称\"]");
  EXPECT_THAT(std::string(source_->Need(needed).message()),
              testing::AllOf(testing::HasSubstr("option header"), testing::HasSubstr("名称")));
}

TEST_F(FileSourceTest, AnObjectWithAMemberTwiceIsAnErrorRow) {
  Write("a.jsonl",
        "{\"k\":1,\"v\":\"a\"}\n{\"k\":2,\"v\":\"a\",\"\\u0076\":\"b\"}\n"
        "{\"k\":3,\"v\":{\"k\":1,\"v\":2}}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  EXPECT_THAT(Poll(), ElementsAre("a.jsonl:1|1|a", "a.jsonl:2!json.duplicate@a.jsonl:2:1",
                                  "a.jsonl:3|3|{\"k\":1,\"v\":2}"));
}

TEST_F(FileSourceTest, AZeroByteInALineOfJsonHidesNothingBehindIt) {
  Write("a.jsonl",
        std::string("{\"k\":1,\"v\":\"a\"}\0{\"k\":2,\"v\":\"b\"}\n{\"k\":3,\"v\":\"c\"}\n", 48));
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  EXPECT_THAT(Poll(), ElementsAre("a.jsonl:1!json.invalid@a.jsonl:1:1", "a.jsonl:2|3|c"));
}

// A column that the mapping does not name, for it is called like its field.
TEST_F(FileSourceTest, AColumnReadByNameThatVanishesIsNamedOnce) {
  sdk::NeededColumns needed;
  needed.Add({{"k"}, true});
  needed.Add({{"v", "值"}, false, true, true});
  needed.Add({{"o"}, false, true});
  Write("a.csv", "k,值,o,x\n1,a,b,c\n");
  Open(",\"follow\":false");
  ASSERT_TRUE(source_->Need(needed).ok());
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|a|b|c"));
  EXPECT_TRUE(notices_.empty());
  // The same after a start anew.
  Open(",\"follow\":false", position_);
  ASSERT_TRUE(source_->Need(needed).ok());
  Write("b.csv", "k,v2\n2,a\n");
  Write("c.csv", "k,v2\n3,a\n");
  EXPECT_THAT(Poll(), ElementsAre("b.csv:2|2|a", "c.csv:2|3|a"));
  EXPECT_TRUE(Poll().empty());
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_THAT(notices_[0],
              testing::AllOf(testing::StartsWith("b.csv: 没有此前的文件有过的列 值，"),
                             testing::HasSubstr("lacks column(s) 值 that the file before it had")));
}

// A field that the contract requires: a file without it holds no whole record, and its rows would
// only wait for repair.
TEST_F(FileSourceTest, AFileThatLostARequiredColumnIsNotRead) {
  sdk::NeededColumns needed;
  needed.Add({{"k"}, true});
  needed.Add({{"name", "姓名"}, false, true, true, true});
  Write("a.csv", "k,姓名\n1,a\n");
  Write("b.csv", "k,名字\n2,b\n");
  Write("c.csv", "k,NAME\n3,c\n");
  Open(",\"follow\":false");
  ASSERT_TRUE(source_->Need(needed).ok());
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|a"));
  EXPECT_THAT(Poll(), ElementsAre("c.csv:2|3|c"));
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_THAT(notices_[0], testing::AllOf(testing::StartsWith("b.csv: "),
                                          testing::HasSubstr("必填列 姓名，不读取、不计数")));
  // It stays refused after a start anew, and is read when it is mended.
  Open(",\"follow\":false", position_);
  ASSERT_TRUE(source_->Need(needed).ok());
  EXPECT_TRUE(Poll().empty());
  Write("b.csv", "k,姓名\n2,bb\n");
  EXPECT_THAT(Poll(), ElementsAre("b.csv:2|2|bb"));
}

TEST_F(FileSourceTest, AMemberReadByNameThatVanishesIsNamedOrItsFileNotRead) {
  sdk::NeededColumns needed;
  needed.Add({{"k"}, true});
  needed.Add({{"name"}, false, true, true, true});
  needed.Add({{"end"}, false, true, true});
  const std::string whole = "{\"k\":1,\"name\":\"a\",\"end\":\"x\"}\n";
  for (const std::string columns : {"", ",\"columns\":[\"k\",\"name\",\"end\"]"}) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    notices_.clear();
    const std::string options = ",\"follow\":false,\"format\":\"jsonl\"" + columns;
    Write("a.jsonl", whole);
    Open(options);
    ASSERT_TRUE(source_->Need(needed).ok());
    EXPECT_EQ(Poll().size(), 1U);
    Open(options, position_);
    ASSERT_TRUE(source_->Need(needed).ok());
    // Renamed; and a few objects that leave out what is empty, twice.
    Write("b.jsonl", "{\"k\":2,\"full_name\":\"b\",\"end\":\"x\"}\n");
    Write("c.jsonl", "{\"k\":3,\"name\":\"c\"}\n");
    Write("d.jsonl", "{\"k\":4,\"name\":\"d\"}\n");
    std::string rows;
    for (auto polled = Poll(); !polled.empty(); polled = Poll()) {
      for (const std::string& row : polled)
        absl::StrAppend(&rows, row.substr(0, row.find('|')), " ");
    }
    EXPECT_EQ(rows, "c.jsonl:1 d.jsonl:1 ");
    ASSERT_EQ(notices_.size(), 2U);
    EXPECT_THAT(notices_[0], testing::AllOf(testing::StartsWith("b.jsonl: "),
                                            testing::HasSubstr("必填成员 name，不读取、不计数")));
    EXPECT_THAT(notices_[1], testing::AllOf(testing::StartsWith("c.jsonl: "),
                                            testing::HasSubstr("成员 end，按空值读取")));
    // What one file leaves out is not forgotten.
    EXPECT_NE(position_.find("\"end\""), std::string::npos);
  }
}

// A member's name comes out of the data: it may be anybody's number.
TEST_F(FileSourceTest, AMemberThatTheMappingDoesNotKnowIsCalledByItsPlace) {
  sdk::NeededColumns needed;
  needed.Add({{"k"}, true});
  Write("a.jsonl", "{\"k\":1,\"530102199001011237\":1,\"530102199001011237\":2}\n");
  Write("b.jsonl", "{\"k\":2,\"530102199001011237\":1}\n{\"k\":3,\"k\":4}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\",\"columns\":[\"k\"]");
  ASSERT_TRUE(source_->Need(needed).ok());
  auto polled = source_->Poll(10, 0);
  ASSERT_TRUE(polled.ok());
  std::string told;
  for (size_t i = 0; i < (*polled)->row_count; ++i)
    absl::StrAppend(&told, sdk::ToView((*polled)->rows[i].error_message), "\n");
  for (size_t i = 0; i < (*polled)->notice_count; ++i)
    absl::StrAppend(&told, sdk::ToView((*polled)->notices[i]), "\n");
  EXPECT_THAT(told, testing::AllOf(testing::Not(testing::HasSubstr("530102199001011237")),
                                   testing::HasSubstr("第 3 个成员出现不止一次"),
                                   testing::HasSubstr("member no. 2 is not among the columns"),
                                   testing::HasSubstr("成员 k 出现不止一次")));
}

TEST_F(FileSourceTest, MembersThatTheFirstObjectLacksAreColumnsToo) {
  Write("a.jsonl", "{\"k\":1}\n{\"k\":2,\"end\":\"x\"}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  EXPECT_THAT(Poll(), ElementsAre("a.jsonl:1|1|NULL", "a.jsonl:2|2|x"));
  Write("a.jsonl", "{\"later\":[1],\"k\":3}\n{\"k\":4}\n", true);
  EXPECT_THAT(Poll(), ElementsAre("a.jsonl:3|3|NULL|[1]", "a.jsonl:4|4|NULL|NULL"));
  EXPECT_TRUE(notices_.empty());
}

// A member that shows up in the middle of a batch ends it: a batch has one header.
TEST_F(FileSourceTest, ANewMemberBehindTheBeginningEndsTheBatch) {
  std::string content;
  for (int i = 0; i < 2000; ++i) content += "{\"k\":\"" + std::string(1000, 'x') + "\"}\n";
  Write("a.jsonl", content + "{\"k\":\"y\",\"late\":1}\n{\"late\":2}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  EXPECT_EQ(Poll(5000).size(), 2000U);
  const std::string before = position_;
  EXPECT_THAT(Poll(5000), ElementsAre("a.jsonl:2001|y|1", "a.jsonl:2002|NULL|2"));
  Open(",\"follow\":false,\"format\":\"jsonl\"", before);
  EXPECT_THAT(Poll(5000), ElementsAre("a.jsonl:2001|y|1", "a.jsonl:2002|NULL|2"));
  EXPECT_TRUE(Poll(5000).empty());
}

TEST_F(FileSourceTest, SymbolicLinksAreNamedAndNotFollowed) {
  fs::create_directories(folder_ + "-outside");
  std::ofstream(folder_ + "-outside/secret.csv") << "k,v\n1,secret\n";
  fs::create_symlink(folder_ + "-outside/secret.csv", folder_ + "/a.csv");
  Write("b.csv", "k,v\n2,b\n");
  Open(",\"follow\":false");
  EXPECT_THAT(Poll(), ElementsAre("b.csv:2|2|b"));
  EXPECT_THAT(notices_, ElementsAre(testing::AllOf(testing::StartsWith("a.csv: "),
                                                   testing::HasSubstr("symbolic link"))));
  // What the owner of the configuration names is read, whatever it is.
  auto plugin = sdk::LoadPlugin(BuildDir() + "/lib/huiliu_file.so");
  auto source = sdk::OpenSource::Open(
      **sdk::FindSource(**plugin, "file"), &kHost,
      absl::StrCat("{\"path\":\"", folder_, "/a.csv\",\"follow\":false}"), "");
  ASSERT_TRUE(source.ok()) << source.status();
  source_ = *std::move(source);
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|secret"));
  fs::remove_all(folder_ + "-outside");
}

TEST_F(FileSourceTest, Gb18030AndByteOrderMark) {
  Write("a.csv", "\xc3\xfb\xb3\xc6,v\n\xc0\xa5\xc3\xf7,1\n");
  Open(",\"follow\":false,\"charset\":\"gb18030\",\"header\":[\"名称\",\"v\"]");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|昆明|1"));
  Write("a.csv", "\xEF\xBB\xBF名称,v\n昆明,1\n");
  Open(",\"follow\":false,\"header\":[\"名称\",\"v\"]");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|昆明|1"));
}

// Peak resident memory since the last reset, in bytes.
size_t PeakMemory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib << 10;
  }
  return 0;
}
void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << 5; }

TEST_F(FileSourceTest, AHugeFieldIsAnErrorInBoundedMemory) {
  const std::string piece(1 << 20, 'x');
  for (const char* name : {"a.csv", "b.csv"}) {  // unquoted, quoted
    const std::string quote = name[0] == 'a' ? "" : "\"";
    Write(name, "k,v\n1,a\n2," + quote);
    for (int i = 0; i < 100; ++i) Write(name, piece, true);
    Write(name, quote + "\n3,c\n", true);
  }
  Open(",\"follow\":false");
  ResetPeakMemory();
  const size_t before = PeakMemory();
  std::vector<std::string> all;
  for (auto rows = Poll(); !rows.empty(); rows = Poll())
    all.insert(all.end(), rows.begin(), rows.end());
  EXPECT_THAT(all, ElementsAre("a.csv:2|1|a", "a.csv:3!csv.too_long@a.csv:3:1", "a.csv:4|3|c",
                               "b.csv:2|1|a", "b.csv:3!csv.too_long@b.csv:3:3", "b.csv:4|3|c"));
  EXPECT_LT(PeakMemory() - before, 64U << 20);
}

TEST_F(FileSourceTest, JsonLines) {
  Write("a.jsonl",
        "{\"id\":\"1\",\"n\":12.50,\"z\":null}\n{broken\n{\"id\":\"2\",\"other\":[1]}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\",\"header\":[\"id\",\"n\",\"z\"]");
  EXPECT_THAT(Poll(), ElementsAre("a.jsonl:1|1|12.50|NULL", "a.jsonl:2!json.invalid@a.jsonl:2:1",
                                  "a.jsonl:3|2|NULL|NULL"));
  EXPECT_THAT(notices_, ElementsAre(testing::HasSubstr("member no. 2")));
}

TEST_F(FileSourceTest, AGrowingLastLineWaits) {
  Write("a.csv", "k,v\n1,a\n2,b");
  Open(",\"settle_ms\":300");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|a"));
  Write("a.csv", "b\n", true);
  EXPECT_THAT(Poll(), ElementsAre("a.csv:3|2|bb"));
  Write("a.csv", "3,c", true);
  EXPECT_TRUE(Poll().empty());
  EXPECT_THAT(Poll(1000, 10000), ElementsAre("a.csv:4|3|c"));
}

TEST_F(FileSourceTest, AReplacedFileIsReadAgain) {
  Write("a.csv", "k,v\n1,a\n");
  Open(",\"follow\":false");
  EXPECT_EQ(Poll().size(), 1U);
  Write("a.csv", "k,v\n9,z\n8,y\n");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|9|z", "a.csv:3|8|y"));
  EXPECT_FALSE(notices_.empty());
}

TEST_F(FileSourceTest, AFileWrittenAgainIsReadAgainATouchedPartIsNot) {
  Write("a.csv", "k,v\n1,a\n2,b\n");
  Open(",\"follow\":false");
  EXPECT_EQ(Poll().size(), 2U);
  Write("a.csv", "k,v\n1,z\n2,b\n");  // as long as before
  fs::last_write_time(folder_ + "/a.csv", fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|z", "a.csv:3|2|b"));
  EXPECT_TRUE(Poll().empty());
  Open(",\"follow\":false", position_);
  EXPECT_TRUE(Poll().empty());
}

TEST_F(FileSourceTest, AReplacedFileWithTheSameBeginningIsFoundByItsEnd) {
  const std::string same(400, 's');
  Write("a.csv", "k,v\n1," + same + "\n2,b\n");
  Open(",\"follow\":false");
  EXPECT_EQ(Poll().size(), 2U);
  Write("a.csv", "k,v\n1," + same + "\n9,z\n8,y\n");
  EXPECT_EQ(Poll().size(), 3U);
  EXPECT_THAT(notices_, ElementsAre(testing::HasSubstr("was replaced")));
}

TEST_F(FileSourceTest, ABadRecordKeepsTheLineWhereItBegins) {
  Write("a.csv", "k,v\n\"1\n2\"x,a\n3,c\n");
  Open(",\"follow\":false");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2!csv.quote@a.csv:3:3", "a.csv:3|2\"x|a", "a.csv:4|3|c"));
}

TEST_F(FileSourceTest, APipeInsideAChineseCharacterIsNoDelimiter) {
  Write("a.csv", "k|v\n\x8b\x7c|1\r\n\xc0\xa5|\"2|3\"\r\n");
  Open(",\"follow\":false,\"charset\":\"gbk\",\"delimiter\":\"|\"");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|媩|1", "a.csv:3|昆|2|3"));
}

TEST_F(FileSourceTest, CharsetAutoAndMarksDecidePerFile) {
  Write("a.csv", "k,v\n\xc0\xa5\xc3\xf7,1\n");
  Write("b.csv", "k,v\n昆明,2\n");
  Write("c.csv", "\xEF\xBB\xBFk,v\n昆明,3\n");
  Write("d.csv", std::string("\xFF\xFEk\0,\0", 6));
  Open(",\"follow\":false,\"charset\":\"auto\"");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|昆明|1", "b.csv:2|昆明|2", "c.csv:2|昆明|3"));
  EXPECT_THAT(notices_, ElementsAre(testing::HasSubstr("is UTF-16")));
}

TEST_F(FileSourceTest, InvalidBytesAreNamedByLineAndColumn) {
  Write("a.csv", "k,v\n1,\"a\nb\xff\"\n\xc0\xa5,\xff\n");
  Open(",\"follow\":false,\"charset\":\"gb18030\"");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2!charset.invalid@a.csv:3:2",
                                  "a.csv:4!charset.invalid@a.csv:4:4"));
}

TEST_F(FileSourceTest, ForeignFilesAreNamedAtEveryStart) {
  Write("a.csv", "x,y\n1,a\n");
  Open(",\"follow\":false,\"header\":[\"k\",\"v\"]");
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(notices_.size(), 1U);
  Open(",\"follow\":false,\"header\":[\"k\",\"v\"]", position_);
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(notices_.size(), 2U);
  Open(",\"follow\":false,\"header\":[\"x\",\"y\"]", position_);  // the officer corrected it
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|a"));
}

TEST_F(FileSourceTest, AForeignFileThatIsPutRightIsReadOnce) {
  Write("a.csv", "x,y\n1,a\n");
  Open(",\"follow\":false,\"header\":[\"k\",\"v\"]");
  EXPECT_TRUE(Poll().empty());
  Write("a.csv", "k,v\n1,abc\n");
  EXPECT_THAT(Poll(), ElementsAre("a.csv:2|1|abc"));
  Open(",\"follow\":false,\"header\":[\"k\",\"v\"]", position_);
  EXPECT_TRUE(Poll().empty());
}

TEST_F(FileSourceTest, ADanglingLinkIsPassedOverAndNamesNeedNotBeUtf8) {
  Write("b.csv", "k,v\n1,a\n");
  Write("\xc0\xa5.csv", "k,v\n2,b\n");
  fs::create_symlink("/nonexistent", folder_ + "/a.csv");
  Open(",\"follow\":false");
  EXPECT_THAT(Poll(), ElementsAre("%c0%a5.csv:2|2|b", "b.csv:2|1|a"));
  Open(",\"follow\":false", position_);
  EXPECT_TRUE(Poll().empty());
}

TEST_F(FileSourceTest, JsonKeepsWhatWasWritten) {
  Write("a.jsonl",
        "\n{\"a\":1e400,\"b\":0}\n"
        "{ \"a\" : \"x\\u6606\\\"\" , \"b\\u0062\":[1, {\"c\":\"}\"}] }\r\n"
        "{\"bb\":-0.0,\"a\":123456789012345678901234567890}\n[1]\n{\"a\":true,\"a\":\"\\ud800\"}");
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  const auto rows = Poll();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[1], "a.jsonl:3|x昆\"|[1, {\"c\":\"}\"}]");
  EXPECT_EQ(rows[2], "a.jsonl:4|123456789012345678901234567890|-0.0");
  EXPECT_EQ(rows[3], "a.jsonl:5!json.invalid@a.jsonl:5:1");
  EXPECT_EQ(rows[4], "a.jsonl:6!json.invalid@a.jsonl:6:1");
}

TEST_F(FileSourceTest, ALongJsonLineIsAnError) {
  Write("a.jsonl", "{\"a\":1}\n{\"a\":\"" + std::string(100000, 'x') + "\"}\n{\"a\":2}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\",\"max_record_bytes\":2048,\"block_bytes\":1024");
  std::vector<std::string> rows;
  for (auto batch = Poll(); !batch.empty(); batch = Poll())
    rows.insert(rows.end(), batch.begin(), batch.end());
  EXPECT_THAT(rows,
              ElementsAre("a.jsonl:1|1", "a.jsonl:2!json.too_long@a.jsonl:2:1", "a.jsonl:3|2"));
}

// A batch is bounded in bytes too.
TEST_F(FileSourceTest, ABatchOfLargeRecordsIsSmall) {
  std::string content = "k,v\n";
  for (int i = 0; i < 40; ++i)
    content += std::to_string(i) + "," + std::string(1 << 20, 'x') + "\n";
  Write("a.csv", content);
  Open(",\"follow\":false");
  size_t rows = 0;
  for (auto batch = Poll(); !batch.empty(); batch = Poll()) {
    EXPECT_LE(batch.size(), 9U);
    rows += batch.size();
  }
  EXPECT_EQ(rows, 40U);
}

TEST_F(FileSourceTest, ThePositionOfManyFilesStaysSmall) {
  const auto name = [](int i) { return absl::StrCat(100000 + i, ".csv"); };
  for (int i = 0; i < 500; ++i) Write(name(i), absl::StrCat("k,v\n", i, ",a\n"));
  Open(",\"follow\":false");
  EXPECT_EQ(Poll().size(), 500U);
  absl::SleepFor(absl::Milliseconds(10500));  // what has just changed is not folded
  EXPECT_TRUE(Poll().empty());
  EXPECT_LT(position_.size(), 8000U);
  Open(",\"follow\":false", position_);
  EXPECT_TRUE(Poll().empty());
  Write(name(3), "777,b\n", true);       // a folded file grows
  Write("1000005.csv", "k,v\n888,c\n");  // one comes late, with an old date
  fs::last_write_time(folder_ + "/1000005.csv",
                      fs::file_time_type::clock::now() - std::chrono::hours(9999));
  Write(name(600), "k,v\n999,d\n");  // and one comes as expected
  Open(",\"follow\":false", position_);
  EXPECT_THAT(Poll(), ElementsAre("1000005.csv:2|888|c", "100003.csv:2|3|a", "100003.csv:3|777|b",
                                  "100600.csv:2|999|d"));
  EXPECT_TRUE(Poll().empty());
}

TEST_F(FileSourceTest, FilesThatAreTakenAwayLeaveThePosition) {
  Open(",\"follow\":false");
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) Write(absl::StrCat(round, "-", i, ".csv"), "k,v\n1,a\n");
    EXPECT_EQ(Poll().size(), 100U);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  Write("z.csv", "k,v\n1,a\n");
  EXPECT_EQ(Poll().size(), 1U);
  EXPECT_LT(position_.size(), 300U);
}

TEST_F(FileSourceTest, AFirstObjectLongerThanWhatAFileIsJudgedByIsReadAndSoIsWhatFollowsIt) {
  const std::string longer((size_t{1} << 20) + 5, 'x');
  Write("a.jsonl", absl::StrCat("{\"k\":\"", longer, "\"}\n{\"k\":\"b\"}\n"));
  Write("b.jsonl", absl::StrCat(longer, "\n{\"k\":\"c\",\"more\":\"d\"}\n"));
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  std::vector<std::string> rows;
  for (int i = 0; i < 6; ++i) {
    for (const std::string& row : Poll()) rows.push_back(row.substr(0, 24));
  }
  EXPECT_THAT(rows, ElementsAre("a.jsonl:1|xxxxxxxxxxxxxx", "a.jsonl:2|b",
                                testing::StartsWith("b.jsonl:1!json.invalid"),
                                testing::StartsWith("b.jsonl:2|c")));
  EXPECT_THAT(notices_, testing::IsEmpty());
}

TEST_F(FileSourceTest, OptionsAreCheckedByName) {
  const absl::Status status =
      FileSource::Open(sdk::Host(&kHost), "{\"path\":\"/\",\"charst\":\"x\"}", "").status();
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("文件数据源选项 charst 不认识"),
                             testing::HasSubstr("\"charst\" is unknown")));
  EXPECT_THAT(std::string(FileSource::Open(sdk::Host(&kHost), "{\"path\":\"/\",\"bogus\":1}", "")
                              .status()
                              .message()),
              testing::HasSubstr("\"bogus\" is unknown"));
  EXPECT_FALSE(FileSource::Open(sdk::Host(&kHost), "[]", "").ok());
  EXPECT_FALSE(FileSource::Open(sdk::Host(&kHost), "{\"path\":\"/nowhere\"}", "").ok());
}

TEST_F(FileSourceTest, EveryRealRegistrationComesOut) {
  const char* shared = std::getenv("HUILIU_SHARED");
  const char* root = std::getenv("HUILIU_ROOT");
  const std::string data =
      (shared != nullptr ? std::string(shared)
                         : absl::StrCat(root == nullptr ? "." : root, "/../shared")) +
      "/data/enterprise-registry-yunnan";
  if (!fs::exists(data)) {
    std::printf("NOT RUN: no real registrations at %s\n", data.c_str());
    return;
  }
  folder_ = data;
  Open(
      ",\"follow\":false,\"header\":[\"企业名称\",\"统一社会信用代码\",\"注册日期\",\"企业类型\","
      "\"法人代表\",\"注册资金\",\"经营范围\","
      "\"所在省份\",\"地区\",\"注册地址\"]");
  size_t rows = 0, errors = 0;
  for (auto batch = Poll(); !batch.empty(); batch = Poll()) {
    for (const std::string& row : batch)
      errors += absl::string_view(row).find('!') < row.find('|') ? 1 : 0;
    rows += batch.size();
  }
  EXPECT_EQ(rows, 97233U);
  EXPECT_EQ(errors, 0U);
  folder_ = "/nonexistent";
}

}  // namespace
}  // namespace huiliu::file
