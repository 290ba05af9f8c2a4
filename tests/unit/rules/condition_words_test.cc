#include "core/rules/condition_words.h"

#include <gtest/gtest.h>

#include "tests/unit/rules/engine_fixture.h"

namespace huiliu::rules {
namespace {

TEST(ConditionWordsTest, CommonShapesAreSaidInWords) {
  const EngineFixture fixture;
  const struct {
    const char* condition;
    const char* chinese;
    const char* english;
  } cases[] = {
      {"name == \"甲\"", "姓名为“甲”", "name is \"甲\""},
      {"\"甲\" != record.name", "姓名不为“甲”", "name is not \"甲\""},
      {"age < 18", "年龄小于 18", "age is below 18"},
      {"18 <= age", "年龄不小于 18", "age is at least 18"},
      {"name in [\"甲\", \"乙\"]", "姓名是其中之一：“甲”、“乙”", "name is one of \"甲\", \"乙\""},
      {"citizen_id.startsWith(\"5301\")", "身份证号开头为“5301”",
       "citizen_id begins with \"5301\""},
      {"inDivision(\"530100\")", "归属地在 530100 昆明市 范围内",
       "the place that it belongs to lies in 530100 昆明市"},
      {"inDivision(other_division, \"530102\")", "另一区划在 530102 五华区 范围内",
       "other_division lies in 530102 五华区"},
      {"has(phone)", "电话有值", "phone is there"},
      {"has(record.phone)", "电话有值", "phone is there"},
      {"!has(phone)", "并非：电话有值", "not: phone is there"},
      {"division == \"530102\"", "归属区划为“530102”", "its division is \"530102\""},
      {"size(name) > 2", "姓名的长度大于 2", "the length of name is above 2"},
      {"isCitizenId(citizen_id)", "身份证号是有效的公民身份号码",
       "citizen_id is a valid citizen number"},
      {"conflict", "归属依据有矛盾", "evidence of belonging disagrees"},
      // Texts have another order than numbers, and the words say so.
      {"name < \"100\"", "姓名按文字（不按数值）排在“100”之前",
       "name sorts as text (not as a number) before \"100\""},
      {"\"100\" <= name", "姓名按文字（不按数值）排在“100”之后或与之相同",
       "name sorts as text (not as a number) after \"100\", or is the same"},
      {"int(name) < 100", "姓名小于 100", "name is below 100"},
      {"string(age) > \"5\"", "年龄按文字（不按数值）排在“5”之后",
       "age sorts as text (not as a number) after \"5\""},
      // The officer's clock.
      {"timestamp(name) < timestamp(\"2026-01-01T00:00:00Z\")",
       "姓名早于 2026-01-01 08:00:00（北京时间）",
       "name is before 2026-01-01 08:00:00 (Asia/Shanghai)"},
      {"timestamp(name) >= timestamp(\"2026-01-01T00:00:00+08:00\")",
       "姓名不早于 2026-01-01 00:00:00（北京时间）",
       "name is not before 2026-01-01 00:00:00 (Asia/Shanghai)"},
      {"name == phone", "姓名与电话相同", "name is the same as phone"},
      {"name != record.phone", "姓名与电话不同", "name is not the same as phone"},
      {"name < phone", "姓名按文字（不按数值）排在电话之前",
       "name sorts as text (not as a number) before phone"},
      {"name == \"a\" ? age < 3 : has(phone)",
       "如果姓名为“a”，看是否年龄小于 3；否则看是否电话有值",
       "if name is \"a\": age is below 3; else: phone is there"},
      {"name == \"a\" ? true : (age < 3 && conflict)",
       "如果姓名为“a”，看是否成立；否则看是否（年龄小于 3，且归属依据有矛盾）",
       "if name is \"a\": it holds; else: (age is below 3, and evidence of belonging disagrees)"},
      {"!(age < 3 || has(phone))", "并非：年龄小于 3，或电话有值",
       "not: age is below 3, or phone is there"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(ConditionInWords(each.condition, *fixture.contract, *YunnanDivisions(), false),
              each.chinese);
    EXPECT_EQ(ConditionInWords(each.condition, *fixture.contract, *YunnanDivisions(), true),
              each.english);
  }
}

TEST(ConditionWordsTest, OtherShapesHaveNoWords) {
  const EngineFixture fixture;
  for (const char* condition :
       {"", "(((", "age + 1 < 3", "name in [phone]", "nobody == \"x\"", "[1].exists(x, x == age)",
        "name == \"a\" ? age + 1 : 2", "1 == 2", "name == \"a\" ? age + 1 > 2 : true"}) {
    EXPECT_EQ(ConditionInWords(condition, *fixture.contract, *YunnanDivisions(), false), "")
        << condition;
  }
}

}  // namespace
}  // namespace huiliu::rules
