#include "adapters/file/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/unit/file/file_source_fixture.h"

namespace huiliu::file {
namespace {

using testing::ElementsAre;

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
  EXPECT_EQ(rows[0], "a.jsonl:2!json.number@a.jsonl:2:6");
  EXPECT_EQ(rows[1], "a.jsonl:3|x昆\"|[1, {\"c\":\"}\"}]");
  EXPECT_EQ(rows[2], "a.jsonl:4|123456789012345678901234567890|-0.0");
  EXPECT_EQ(rows[3], "a.jsonl:5!json.invalid@a.jsonl:5:1");
  EXPECT_EQ(rows[4], "a.jsonl:6!json.invalid@a.jsonl:6:1");
}

TEST_F(FileSourceTest, ANumberOutOfRangeIsToldFromWhatIsNoJson) {
  Write("a.jsonl",
        "{\"a\":1}\n{\"a\":[{\"b\": -1.5E+999}]}\n{\"a\":1e400,}\n{\"a\":1e}\n{\"a\":\"1e400\",}\n"
        "{\"a\":\"1e400\"}\n");
  Open(",\"follow\":false,\"format\":\"jsonl\"");
  EXPECT_THAT(Poll(),
              ElementsAre("a.jsonl:1|1", "a.jsonl:2!json.number@a.jsonl:2:13",
                          "a.jsonl:3!json.number@a.jsonl:3:6", "a.jsonl:4!json.invalid@a.jsonl:4:1",
                          "a.jsonl:5!json.invalid@a.jsonl:5:1", "a.jsonl:6|1e400"));
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
