// Whatever is given as an expression or a record: it ends, soon, in a result or a finding.
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/cel/limits.h"
#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

std::string Times(absl::string_view text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&result, text);
  return result;
}

class HostileTest : public testing::Test {
 protected:
  Rows rows_;
};

TEST_F(HostileTest, DeepNestingIsRefused) {
  for (size_t depth : {size_t{1100}, size_t{10000}, size_t{60000}}) {
    const size_t n = std::min<size_t>(depth, 20000);
    for (const std::string& text :
         {Times("(", n) + "true" + Times(")", n), Times("[", n) + Times("]", n) + " == []",
          Times("!", depth) + "true", Times("-", depth) + "count == 1",
          "count" + Times("+1", n) + " == 1", "name" + Times(".x", n),
          "tags" + Times("[0", n) + Times("]", n) + " == ''", Times("true?true:", n / 2) + "true",
          Times("{1:", n / 2) + "1" + Times("}", n / 2) + " == {}",
          Times("size(", n / 2) + "1" + Times(")", n / 2) + " == 1", Times("(", depth),
          Times("[", depth), Times("{1:", n), Times("a.b(", n / 2), Times("[1].all(x,", n / 4),
          Times("m{a:", n / 2)}) {
      EXPECT_FALSE(rows_.Issues(text).empty()) << text.substr(0, 20);
    }
  }
}

TEST_F(HostileTest, NestingUpToTheLimitWorks) {
  EXPECT_EQ(rows_.Ask(Times("(", 200) + "true" + Times(")", 200), ""), Truth::kTrue);
  EXPECT_EQ(rows_.Ask(Times("!", 200) + "true", ""), Truth::kTrue);
  EXPECT_EQ(rows_.Ask("count" + Times("+1", 200) + " == 200", ""), Truth::kTrue);
}

TEST_F(HostileTest, LongChainsAndListsAreNoNesting) {
  EXPECT_EQ(rows_.Ask("count == 1" + Times(" || count == 0", 4000), ""), Truth::kTrue);
  EXPECT_EQ(rows_.Ask("true" + Times(" && true", 8000), ""), Truth::kTrue);
  std::vector<std::string> codes;
  for (int i = 0; i < 6000; ++i) codes.push_back(absl::StrCat("'", 530000 + i, "'"));
  const std::string in = absl::StrCat("code in [", absl::StrJoin(codes, ","), "]");
  EXPECT_EQ(rows_.Ask(in, "code: '535999'"), Truth::kTrue);
  EXPECT_EQ(rows_.Ask(in, "code: '536000'"), Truth::kFalse);
}

TEST_F(HostileTest, SizeIsLimited) {
  EXPECT_EQ(rows_.Ask("true" + std::string(kMaxExpressionBytes - 4, ' '), ""), Truth::kTrue);
  EXPECT_FALSE(rows_.Issues("true" + std::string(kMaxExpressionBytes, ' ')).empty());
  EXPECT_LE(rows_.Issues("a" + Times("&&zzzzzzzzz", 5000)).size(), kMaxIssues);
  EXPECT_FALSE(rows_.Issues("{" + Times("1:1,", 8000) + "} == {}").empty());
  EXPECT_FALSE(rows_.Issues("true" + Times("||name.matches('a')", 200)).empty());
}

TEST_F(HostileTest, ExpressionsThatAreNoTextAreRefusedWithTheirPlace) {
  const std::vector<Issue> issues = rows_.Issues("name == '昆\xff'");
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_EQ(issues[0].column, 11);
  EXPECT_FALSE(rows_.Issues(std::string("name\0", 5)).empty());
  EXPECT_FALSE(rows_.Issues("\xef\xbb\xbftrue").empty());
}

TEST_F(HostileTest, AMatchCostsWhatItsPatternMayTake) {
  const std::string text = absl::StrCat("name: '", std::string(1000000, 'x'), "'");
  EXPECT_EQ(rows_.Ask("name.matches('(?i)(x{1,100}){1,9}z')", text), Truth::kError);
  EXPECT_EQ(rows_.Ask("name.matches('(?i)(x{1,100}){1,9}' + 'z')", text), Truth::kError);
  EXPECT_EQ(rows_.Ask("name.matches('^x+$')", text), Truth::kTrue);
}

TEST_F(HostileTest, EvaluationIsBounded) {
  const std::string list = "[" + Times("1,", 200) + "1]";
  std::string text = "true";
  for (const char* v : {"a", "b", "c", "d"}) text = absl::StrCat(list, ".all(", v, ", ", text, ")");
  EXPECT_EQ(rows_.Ask(text, ""), Truth::kError);
  EXPECT_EQ(
      rows_.Ask(
          "[1,2,3,4,5,6,7,8].map(a, [1,2,3,4,5,6,7,8].map(b, name + name + name)).size() == 8",
          absl::StrCat("name: '", std::string(1 << 20, 'x'), "'")),
      Truth::kError);
  const std::string big = absl::StrCat("name: '", std::string(8 << 20, 'a'), "'");
  EXPECT_EQ(rows_.Ask("name.contains('b')" + Times(" || name.contains('b')", 1000), big),
            Truth::kError);
  EXPECT_EQ(
      rows_.Ask("name.matches('(a*)*b')", absl::StrCat("name: '", std::string(100000, 'a'), "'")),
      Truth::kFalse);
}

// Would take 2^100 steps if an error were looked for once more on each level.
TEST_F(HostileTest, NestedErrorsAreEvaluatedOnce) {
  for (const char* level : {"dyn(@ && active)", "dyn(!(@ || !active))",
                            "dyn(string(@).matches('a'))", "dyn((@ ? 1 : 2) + count == count)",
                            "dyn(inDivision(string(@), '5'))", "dyn([@].exists(x, x))"}) {
    std::string text = "1 / (count - count) == 1";
    for (int i = 0; i < 40; ++i) text = absl::StrReplaceAll(level, {{"@", text}});
    EXPECT_EQ(rows_.Ask(text, "active: true"), Truth::kError) << level;
    EXPECT_EQ(rows_.Explain(*rows_.Compile(text), rows_.Wire("active: true")),
              "division by zero (除数为零)");
  }
}

TEST_F(HostileTest, TextThatIsNotUtf8IsComparedButNotCounted) {
  const std::string wire("\x12\x02\xff\xfe", 4);  // name
  EXPECT_EQ(rows_.Evaluate(
                *rows_.Compile("name == 'a' || name.startsWith('a') || name.contains('b')"), wire),
            Truth::kFalse);
  EXPECT_EQ(rows_.Evaluate(*rows_.Compile("size(name) == 2"), wire), Truth::kError);
}

TEST_F(HostileTest, TornTimesAndListsAreErrors) {
  EXPECT_EQ(rows_.Evaluate(*rows_.Compile("at > timestamp(0)"), std::string("\x6a\x01\x08", 3)),
            Truth::kError);
  EXPECT_EQ(rows_.Evaluate(*rows_.Compile("at > timestamp(0)"),
                           std::string("\x6a\x08\x08\xff\xff\xff\xff\xff\xff\x7f", 10)),
            Truth::kError);  // the year 17 million
  EXPECT_EQ(rows_.Evaluate(*rows_.Compile("size(marks) == 0"), std::string("\x8a\x01\x01\xff", 4)),
            Truth::kError);
}

TEST_F(HostileTest, ScrambledExpressionsNeverCrash) {
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"name",
                                           "count",
                                           "at",
                                           "tags",
                                           "active",
                                           ".",
                                           "(",
                                           ")",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           ",",
                                           "?",
                                           ":",
                                           "&&",
                                           "||",
                                           "!",
                                           "-",
                                           "+",
                                           "*",
                                           "/",
                                           "%",
                                           "==",
                                           "<",
                                           "in",
                                           "'a'",
                                           "b'\\xff'",
                                           "r'\\'",
                                           "\"",
                                           "'",
                                           "'''",
                                           "1",
                                           "2u",
                                           "0x",
                                           "1e9",
                                           "1.5",
                                           "true",
                                           "null",
                                           "has",
                                           "all",
                                           "exists",
                                           "map",
                                           "filter",
                                           "x",
                                           "matches",
                                           "size",
                                           "timestamp",
                                           "'2026-07-01T00:00:00Z'",
                                           "duration",
                                           "'1h'",
                                           "inDivision",
                                           "type",
                                           "dyn",
                                           "int",
                                           "昆",
                                           "\xff",
                                           "\\",
                                           "`a`",
                                           "//",
                                           "\n",
                                           " ",
                                           "record",
                                           "t.Kind.KIND_A"};
  const std::string wire = rows_.Wire("name: 'a' count: 2 active: true tags: 'a' at {seconds: 5}");
  int compiled = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string text;
    for (size_t n = random() % 14; n-- > 0;) text += pieces[random() % pieces.size()];
    auto predicate = Predicate::Compile(text, rows_.contract(), rows_.environment(), nullptr);
    if (!predicate.ok()) continue;
    ++compiled;
    const Truth truth = rows_.Evaluate(**predicate, wire);
    EXPECT_EQ(rows_.Explain(**predicate, wire).empty(), truth != Truth::kError) << text;
  }
  EXPECT_GT(compiled, 100);
}

}  // namespace
}  // namespace huiliu::cel
