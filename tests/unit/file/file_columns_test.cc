// Which files and columns a source reads: headers, members of objects, what the mapping needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/unit/file/file_source_fixture.h"

namespace huiliu::file {
namespace {

using testing::ElementsAre;

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

}  // namespace
}  // namespace huiliu::file
