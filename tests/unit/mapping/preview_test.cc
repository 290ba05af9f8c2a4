#include "adapters/mapping/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mapping/rows.h"

namespace huiliu::mapping {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<Mapping> Insurance() {
  return *Mapping::Parse(
      "insurance_participation.yaml",
      *ReadFile(Root() + "/deploy/samples/mappings/insurance_participation.yaml"),
      Shipped("population/insurance_participation.proto"));
}

const std::vector<std::string> kHeader = {
    "个人编号", "身份证号", "姓名",     "参保地区划", "参保地",   "单位统一社会信用代码",
    "险种",     "参保状态", "参保日期", "操作",       "更新时间", "柜员"};

TEST(PreviewTest, ShowsRowsWithFindingsAndHidesPersons) {
  const Rows rows(kHeader, {{"P1", "330921************", "王小明", "530102", "昆明市五华区", "x",
                             "养老", "1", "2099-12-31", "I", "2026-01-11 08:00:00", "李"},
                            {"N/A", "11010519491231002X", "张三", "530102", "", "", "养老", "参保",
                             "", "I", "", ""},
                            {"P3", "11010519491231002X", "欧阳震华", "530102", "", "", "养老",
                             "参保", "", "D", "", ""}});
  auto mapping = Insurance();
  auto preview = MakePreview(rows.view(), mapping.get());
  ASSERT_TRUE(preview.ok()) << preview.status();
  ASSERT_EQ(preview->rows.size(), 3U);
  EXPECT_THAT(preview->rows[0].findings,
              ElementsAre("citizen_id:masked_at_source", "employer_uscc:length",
                          "insured_since:without_end"));
  EXPECT_EQ(preview->rows[1].error_code, "key.missing");
  EXPECT_THAT(preview->unused_columns, ElementsAre("柜员"));
  const std::string text = FormatPreview(*preview, Language::kChinese);
  for (const char* shown :
       {"王**", "姓名 name", "来源已脱敏", "长期有效", "问题数据: key.missing a.csv:3",
        "没有字段取用的列: 柜员", "删除", "2026-01-11 08:00:00"}) {
    EXPECT_THAT(text, HasSubstr(shown));
  }
  for (const char* hidden : {"王小明", "欧阳震华", "19491231"})
    EXPECT_THAT(text, Not(HasSubstr(hidden)));
  EXPECT_THAT(FormatPreview(*preview, Language::kEnglish), HasSubstr("masked at its source"));
}

// U+2067 and its like turn what follows on the screen; U+009B begins an escape.
TEST(PreviewTest, MarksOfTheSourceDrawNothing) {
  std::vector<std::string> header = kHeader;
  header.back() = "柜\u2067员\u009b";
  const Rows rows(header,
                  {{"P1\u2066", "330921************", "王小明", "530102", "昆\u2069明\u202e市", "x",
                    "养老", "1", "2099-12-31", "I", "2026-01-11 08:00:00", "李"}});
  auto mapping = Insurance();
  auto preview = MakePreview(rows.view(), mapping.get());
  ASSERT_TRUE(preview.ok()) << preview.status();
  const std::string text = FormatPreview(*preview, Language::kChinese);
  EXPECT_THAT(text,
              testing::AllOf(HasSubstr("昆   明   市"), HasSubstr("P1 "), HasSubstr("柜   员")));
  for (const char* mark : {"\u2066", "\u2067", "\u2069", "\u202e", "\u009b"})
    EXPECT_THAT(text, Not(HasSubstr(mark)));
}

TEST(PreviewTest, ACitizenNumberInAnotherFieldIsHiddenToo) {
  const Rows rows(kHeader,
                  {{"P1", "11010519491231002X", "王小明", "530102", "昆明市330102199001011237",
                    "530102199001011237", "养老", "1", "", "I", "", ""}});
  auto mapping = Insurance();
  auto preview = MakePreview(rows.view(), mapping.get());
  ASSERT_TRUE(preview.ok()) << preview.status();
  const std::string text = FormatPreview(*preview, Language::kChinese);
  EXPECT_THAT(text, HasSubstr("530102********1237"));
  EXPECT_THAT(text, Not(HasSubstr("19900101")));
}

TEST(PreviewTest, FiveRowsAndNoTerminalTricks) {
  std::vector<Rows::Cells> cells(9, Rows::Cells(kHeader.size(), "x"));
  for (auto& row : cells) row[9] = "I";
  cells[0][4] = "昆明\x1b[2J\n" + std::string(5000, 'y');
  const Rows rows(kHeader, cells);
  auto mapping = Insurance();
  auto preview = MakePreview(rows.view(), mapping.get());
  ASSERT_TRUE(preview.ok());
  EXPECT_EQ(preview->rows.size(), 5U);
  const std::string text = FormatPreview(*preview, Language::kChinese);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_LT(text.size(), 5000U);
}

TEST(PreviewTest, AHeaderWithoutTheKeyIsSaid) {
  const Rows rows({"姓名"}, {});
  auto mapping = Insurance();
  EXPECT_EQ(MakePreview(rows.view(), mapping.get()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace huiliu::mapping
