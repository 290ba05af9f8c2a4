#include <gmock/gmock.h>

#include "absl/strings/str_replace.h"
#include "core/cel/program.h"
#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

constexpr char kRow[] =
    R"(id: "1" name: "昆明市五华区" code: "530102" count: 42 small: -7 zigzag: -3 total: 9
  amount: 1.5 rate: 0.5 active: true kind: KIND_B raw: "\001\377" at {seconds: 1782835200} took {seconds: 90}
  note: "" tags: "a" tags: "bc" marks: 3 marks: 300 inner {x: "y"} fix: 8 sfix: -8 package: "p")";

class PredicateTest : public testing::Test {
 protected:
  void True(const std::string& text) { EXPECT_EQ(rows_.Ask(text, kRow), Truth::kTrue) << text; }
  void False(const std::string& text) { EXPECT_EQ(rows_.Ask(text, kRow), Truth::kFalse) << text; }
  void Fails(const std::string& text) { EXPECT_EQ(rows_.Ask(text, kRow), Truth::kError) << text; }
  Rows rows_;
};

TEST_F(PredicateTest, FieldsOfEveryKindAreCompared) {
  True("name == '昆明市五华区'");
  True("code >= '530102' && code < '530103' && 'a' < code != true");
  True("count == 42 && count > 41 && 43 > count && count <= 42 && count != 41");
  True("small == -7 && zigzag == -3 && sfix == -8");
  True("total == 9u && fix == 8u && fix > 7u");
  True("amount == 1.5 && rate == 0.5 && amount > 1");
  True("active && active == true && !(active == false)");
  True("kind == 2 && kind == Kind.KIND_B && kind != t.Kind.KIND_A");
  True(R"(raw == b'\x01\xff' && raw != b'')");
  True("at == timestamp('2026-07-01T00:00:00+08:00') && at < timestamp('2026-07-01T00:00:00Z')");
  True("took == duration('90s') && took <= duration('1m30s')");
  True("record.package == 'p' && record.name == name");
}

TEST_F(PredicateTest, SetsPrefixesAndParts) {
  True("code in ['530102', '530103'] && !(code in ['530103'])");
  True("code in ['1','2','3','4','5','6','7','530102']");
  True("count in [1, 42] && !(count in []) && total in [9u]");
  True(
      "code.startsWith('5301') && code.endsWith('02') && code.contains('010') && "
      "!code.startsWith('5302')");
  True("name.size() == 6 && size(name) == 6 && size(raw) == 2");
  True("name.matches('五.区$') && matches(code, '^[0-9]{6}$') && !code.matches('x')");
  True(
      "'bc' in tags && tags.exists(t, t.size() == 2) && !tags.all(t, t == 'a') && tags[1] == 'bc'");
  True(
      "300 in marks && size(marks) == 2 && marks.map(m, m * 2) == [6, 600] && marks.filter(m, m > "
      "3) == [300]");
}

TEST_F(PredicateTest, ArithmeticConversionsAndChoices) {
  True("count + 1 == 43 && count * 2 - 4 == 80 && count / 5 == 8 && count % 5 == 2 && -small == 7");
  True("int(code) == 530102 && string(count) == '42' && double(count) == 42.0 && bool('true')");
  True("name + '!' == '昆明市五华区!' && (active ? code : name) == '530102'");
  True(
      "at + duration('1h') > at && at - duration('24h') == timestamp('2026-06-30T00:00:00+08:00')");
  True(
      "at.getFullYear('Asia/Shanghai') == 2026 && at.getMonth() == 5 && at.getDate('+08:00') == 1");
  Fails("count + 9223372036854775807 > 0");
  Fails("count / (count - 42) == 1");
  Fails("int(name) == 1");
  Fails("tags[2] == 'x'");
}

TEST_F(PredicateTest, AnErrorLosesToWhatDecides) {
  False("1 / (count - 42) == 1 && count == 0");
  False("count == 0 && 1 / (count - 42) == 1");
  True("1 / (count - 42) == 1 || count == 42");
  True("count == 42 || 1 / (count - 42) == 1");
  Fails("1 / (count - 42) == 1 && count == 42");
  Fails("1 / (count - 42) == 1 || count == 0");
  False("false && 1 / 0 == 1");
  True("[0, 42].exists(d, count / d == 1)");
  Fails("[0, 1].all(d, count / d == 42)");
  EXPECT_EQ(rows_.Explain(*rows_.Compile("1 / (count - 42) == 1"), rows_.Wire(kRow)),
            "division by zero (除数为零)");
  EXPECT_EQ(rows_.Explain(*rows_.Compile("count == 42"), rows_.Wire(kRow)), "");
}

TEST_F(PredicateTest, AbsentFieldsAreDefaults) {
  const char* row = "id: '1'";
  for (const char* text : {"name == ''",
                           "count == 0",
                           "total == 0u",
                           "amount == 0.0",
                           "!active",
                           "kind == 0",
                           "at == timestamp(0)",
                           "took == duration('0s')",
                           "size(tags) == 0",
                           "raw == b''",
                           "!has(name)",
                           "!has(count)",
                           "!has(note)",
                           "!has(at)",
                           "!has(tags)",
                           "!has(inner)",
                           "note == ''",
                           "tags.all(t, false)",
                           "!(code in ['530102'])",
                           "count in [0, 1]"}) {
    EXPECT_EQ(rows_.Ask(text, row), Truth::kTrue) << text;
  }
  for (const char* text :
       {"has(name)", "has(record.count)", "has(note)", "has(at)", "has(tags)", "has(inner)"}) {
    EXPECT_EQ(rows_.Ask(text, kRow), Truth::kTrue) << text;
  }
}

TEST_F(PredicateTest, WrittenDefaultsAreAbsentWherePresenceIsNotTracked) {
  const std::string wire("\x12\x00\x20\x00", 4);  // name: "", count: 0
  EXPECT_EQ(rows_.Evaluate(*rows_.Compile("has(name) || has(count)"), wire), Truth::kFalse);
}

TEST_F(PredicateTest, AFieldOfAnotherWireTypeIsUnknownToIt) {
  const std::string wire("\x10\x05\x22\x01z", 5);  // name as a varint, count as bytes
  EXPECT_EQ(rows_.Evaluate(*rows_.Compile("name == '' && count == 0"), wire), Truth::kTrue);
}

TEST_F(PredicateTest, DivisionsAreAskedOfTheEnvironment) {
  EXPECT_EQ(rows_.Ask("inDivision('5301')", kRow, "530102"), Truth::kTrue);
  EXPECT_EQ(rows_.Ask("inDivision('5302')", kRow, "530102"), Truth::kFalse);
  EXPECT_EQ(rows_.Ask("inDivision(code, '530102') && division == '530103'", kRow, "530103"),
            Truth::kTrue);
  std::vector<Issue> issues;
  EXPECT_FALSE(
      Predicate::Compile("inDivision('5301')", rows_.contract(), Environment(), &issues).ok());
}

TEST_F(PredicateTest, AnAreaThatIsNoneIsRefusedWhereItIsWritten) {
  Environment environment = rows_.environment();
  environment.check_area = [](absl::string_view area) {
    return area == "530102" ? absl::OkStatus()
                            : absl::InvalidArgumentError(absl::StrCat("no area ", area));
  };
  const auto compile = [&](const char* text, std::vector<Issue>* issues) {
    return Predicate::Compile(text, rows_.contract(), environment, issues).ok();
  };
  std::vector<Issue> issues;
  EXPECT_TRUE(compile("inDivision('530102') && inDivision(code, '53' + '0102')", &issues));
  EXPECT_TRUE(compile("inDivision(code, name)", &issues)) << "only constants can be looked up";
  EXPECT_FALSE(compile("inDivision('530102') ||\n inDivision(code, '530199')", &issues));
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_EQ(issues[0].message, "no area 530199");
  EXPECT_EQ(issues[0].line, 2);
  EXPECT_EQ(issues[0].column, 19);
  EXPECT_FALSE(compile("name == 'x' && !inDivision('53' + '0199')", &issues));
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_EQ(issues[0].message, "no area 530199");
}

TEST_F(PredicateTest, AFieldNamedDivisionMustBeSaidApart) {
  Rows rows(absl::StrReplaceAll(kRowSource, {{"string name = 2", "string division = 2"}}));
  EXPECT_THAT(rows.Issues("division == '1'")[0].message, testing::HasSubstr("record.division"));
  EXPECT_EQ(rows.Ask("record.division == '1' && inDivision('5301')", "division: '1'"),
            Truth::kTrue);
}

TEST_F(PredicateTest, UnsupportedIsToldFromWrong) {
  EXPECT_TRUE(rows_.Issues("math.abs(count) == 1")[0].unsupported);
  EXPECT_TRUE(rows_.Issues("count.?x == 1")[0].unsupported);
  EXPECT_FALSE(rows_.Issues("count == 'a'")[0].unsupported);
}

TEST_F(PredicateTest, FieldsReadAreNamed) {
  const auto predicate = rows_.Compile("name == 'a' && (count > 1 || has(note)) && name != 'b'");
  std::vector<int> expected;
  for (const char* name : {"name", "count", "note"})
    expected.push_back(rows_.contract().FindField(name)->index);
  EXPECT_THAT(predicate->fields(), testing::ElementsAreArray(expected));
}

TEST_F(PredicateTest, ErrorsStandAtLineAndColumn) {
  struct Case {
    const char* text;
    int line, column;
    const char* words;
  };
  for (const Case& c : std::vector<Case>{
           {"code == '530102'~", 1, 17, "unexpected character"},
           {"code == '1' &&  nme == 'x'", 1, 17, "did you mean \"name\""},
           {"name == '昆明' && cnt == 1", 1, 17, "unknown name"},
           {"count == 1 &&\n  name == 5", 2, 8, "string()"},
           {"count == 1.5", 1, 7, "no \"==\" for (int, double)"},
           {"at > '2026-07-01'", 1, 4, "write timestamp("},
           {"count == 99999999999999999999", 1, 10, "does not fit"},
           {"name.matches('(')", 1, 14, "regular expression"},
           {"at > timestamp('1 July')", 1, 16, "timestamp"},
           {"took > duration('soon')", 1, 17, "duration"},
           {"name", 1, 1, "this is a string"},
           {"name == 'a", 1, 9, "not closed"},
           {"name = 'a'", 1, 6, "=="},
           {"(name == 'a'", 1, 13, "\")\""},
           {"inner.y == 'a'", 1, 7, "t.Inner has no field"},
           {"t.Inner{y: 'a'} == inner", 1, 12, "has no field"},
           {"name.?x == 'a'", 1, 5, "optional"},
           {"math.abs(count) == 1", 1, 6, "unknown function"},
           {"count in tags", 1, 7, "no \"in\""},
           {"count ? active : active", 1, 7, "? :"},
           {"name && active", 1, 1, "joins bools"},
           {"package == 'p'", 1, 1, "reserved"},
           {"name == '\\q'", 1, 10, "escape"},
           {"", 1, 1, "ends here"},
       }) {
    const std::vector<Issue> issues = rows_.Issues(c.text);
    ASSERT_FALSE(issues.empty()) << c.text;
    EXPECT_EQ(issues[0].line, c.line) << c.text << ": " << issues[0].message;
    EXPECT_EQ(issues[0].column, c.column) << c.text << ": " << issues[0].message;
    EXPECT_THAT(issues[0].message, testing::HasSubstr(c.words)) << c.text;
  }
}

TEST_F(PredicateTest, EveryFindingIsListed) {
  EXPECT_EQ(rows_.Issues("nope == 1 && nada == 2 && count == 'x'").size(), 3U);
}

}  // namespace
}  // namespace huiliu::cel
