#include "core/cel/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace huiliu::cel {
namespace {

class NoNames : public Scope {
 public:
  bool Find(const std::string&, Declaration*) const override { return false; }
  const std::string& container() const override { return container_; }

 private:
  const std::string container_;
};

std::unique_ptr<const Expression> Compile(const std::string& text, bool typed = true) {
  ExpressionOptions options;
  options.typed = typed;
  std::vector<Issue> issues;
  auto expression = Expression::Compile(text, NoNames(), options, &issues);
  EXPECT_TRUE(expression != nullptr) << text << ": " << (issues.empty() ? "" : issues[0].message);
  return expression;
}

void IsTrue(const std::string& text, bool typed = true) {
  const auto expression = Compile(text, typed);
  if (expression == nullptr) return;
  Frame frame;
  const Value value = expression->Evaluate(frame);
  EXPECT_TRUE(value.kind == ValueKind::kBool && value.boolean)
      << text << ": " << (value.is_error() ? std::string(value.text()) : "false");
}

void IsError(const std::string& text, bool typed = true) {
  const auto expression = Compile(text, typed);
  if (expression == nullptr) return;
  Frame frame;
  EXPECT_TRUE(expression->Evaluate(frame).is_error()) << text;
}

bool Refused(const std::string& text) {
  std::vector<Issue> issues;
  return Expression::Compile(text, NoNames(), {}, &issues) == nullptr && !issues.empty();
}

TEST(ExpressionTest, TextLiterals) {
  IsTrue(R"('a"b' == "a\"b" && '''it's''' == "it's" && """a"b""" == 'a"b')");
  IsTrue(R"(r'\n' == '\\n' && R"\d" == '\\d' && size(r'''\''') == 1)");
  IsTrue(R"('\x41\101\u0041\U00000041' == 'AAAA' && '\a\b\f\v\?\`' == '\x07\x08\x0c\x0b?`')");
  IsTrue(R"(b'\xff\377' == b'\377\xFF' && size(b'昆') == 3 && size('昆') == 1)");
  IsTrue(R"(br'\x' == b'\\x' && rb'\x' == bR'\x')");
  IsTrue("'''a\nb''' == 'a\\nb'");
  for (const char* text : {R"('\q')", R"('\x4')", R"('\400')", R"('\uD800')", R"('\U00110000')",
                           R"(b'\u0041')", "'a\nb'", "'a", "'''a''", "\"\\"}) {
    EXPECT_TRUE(Refused(text)) << text;
  }
}

TEST(ExpressionTest, Numbers) {
  IsTrue(
      "0x10 == 16 && -0x10 == -16 && 0xFFu == 255u && 1e3 == 1000.0 && .5 == 0.5 && 1.5E-1 == "
      "0.15");
  IsTrue("-9223372036854775808 < 9223372036854775807 && 18446744073709551615u > 0u");
  IsTrue("--1 == 1 && !!true && 7 / -2 == -3 && 7 % -2 == 1 && -7 % 2 == -1");
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "18446744073709551616u",
                           "1e999", "0x", "1a", "1e", "0xG"}) {
    EXPECT_TRUE(Refused(text)) << text;
  }
  for (const char* text :
       {"9223372036854775807 + 1", "-9223372036854775808 - 1", "-9223372036854775808 / -1",
        "-9223372036854775808 % -1", "-(-9223372036854775808)", "1u - 2u", "1 / 0", "1 % 0",
        "1u / 0u", "4611686018427387904 * 2", "int(9.3e18)", "uint(-1)", "int('1.0')", "int(' 1')",
        "double('x')", "bool('yes')", "string(b'\\xff')"}) {
    IsError(text);
  }
}

TEST(ExpressionTest, Precedence) {
  IsTrue("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 10 - 3 - 2 == 5");
  IsTrue("true || false && false");
  IsTrue("(false ? 1 : true ? 2 : 3) == 2");
  IsTrue("1 < 2 == true && 2 in [1, 2,] && {'a': 1,}.a == 1");
  IsTrue("// a comment\n 1 == 1 // and another");
}

TEST(ExpressionTest, NumbersCompareAcrossTypes) {
  IsTrue("dyn(1) == 1.0 && dyn(1u) == 1 && dyn(-1) != 18446744073709551615u && 1 < 1.5 && 2u > 1");
  IsTrue("dyn(0.0/0.0) != dyn(0.0/0.0) && !(0.0/0.0 < 1.0) && [1, 2.0] == [1.0, 2]", false);
  IsTrue("dyn('1') != 1 && dyn([]) != {} && dyn(null) == null");
  IsError("'1' < 1", false);
  // An int to the checker, a double when it is run.
  IsTrue("(dyn([1.5]) + [1])[0] < 2 && [1, 2].exists(x, (dyn([1.5]) + [x])[0] < x + 1)");
}

TEST(ExpressionTest, ListsAndMaps) {
  IsTrue("[1, 2] + [3] == [1, 2, 3] && [1, 2][1] == 2 && size({1: 2}) == 1 && 'a' in {'a': 1}");
  IsTrue("{'a': {'b': 1}}.a.b == 1 && has({'a': 1}.a) && !has({'a': 1}.b)");
  IsTrue("{1: 'x'}[1u] == 'x' && {'a': 1, 'b': 2} == {'b': 2, 'a': 1}", false);
  IsError("[1][1]");
  IsError("[1][-1]");
  IsError("{'a': 1}.b");
  IsError("{1: 1, 1u: 2}", false);
  IsError("{1.5: 1}", false);
}

TEST(ExpressionTest, Macros) {
  IsTrue("[1, 2].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x == 2)");
  IsTrue(
      "[1, 2].map(x, x * 2) == [2, 4] && [1, 2].map(x, x > 1, x * 2) == [4] && [1, 2].filter(x, x "
      "> 1) == [2]");
  IsTrue("[[1], [2, 3]].exists(l, l.exists(x, l.all(y, x >= y)) && size(l) == 2)");
  IsTrue("{'a': 1}.all(k, k == 'a') && [1].all(x, [2].all(x, x == 2) && x == 1)");
  IsTrue("[1, 0].exists(x, 1 / x == 1) && ![1, 0].all(x, 1 / x == 2)");
  IsError("[1, 0].exists_one(x, 1 / x == 1)");
  for (const char* text :
       {"[1].all(1, true)", "[1].all(x, 1)", "1.all(x, true)", "has(1)", "has(x)"}) {
    EXPECT_TRUE(Refused(text)) << text;
  }
}

TEST(ExpressionTest, MacrosOfTwoVariables) {
  IsTrue("[1, 2].all(i, v, v == i + 1) && [1, 2].exists(i, v, i == 1 && v == 2)");
  IsTrue("{'a': 1}.all(k, v, k == 'a' && v == 1) && [5, 7, 8].existsOne(i, v, v % 5 == i)");
  IsTrue("[2, 4].transformList(i, v, v / 2 + i) == [1, 3]");
  IsTrue("[2, 4].transformList(i, v, i > 0, v) == [4] && [].transformList(i, v, i) == []");
  IsTrue("{'a': 'b', 'c': 'd'}.transformMap(k, v, k != 'a', k + v) == {'c': 'cd'}");
  IsTrue("['x'].transformMap(i, v, v) == {0: 'x'}");
  IsTrue("[[1], [2]].all(i, v, v.all(j, w, w == i + 1 && j == 0))");
  IsError("[1, 0].transformList(i, v, 1 / v) == []");
  EXPECT_TRUE(Refused("[1].all(i, 2, true)"));
  EXPECT_TRUE(Refused("[1].transformMap(i, v, v + 'a') == {}"));
}

TEST(ExpressionTest, TimesAndDurations) {
  IsTrue("timestamp('2026-07-01T08:00:00+08:00') == timestamp('2026-07-01T00:00:00Z')");
  IsTrue("string(timestamp('2026-07-01T00:00:00.120Z')) == '2026-07-01T00:00:00.12Z'");
  IsTrue("duration('1h30m') == duration('90m') && duration('-1.5s') == duration('-1500ms')");
  IsTrue(
      "string(duration('90m')) == '5400s' && duration('90m').getHours() == 1 && duration('0') == "
      "duration('0s')");
  IsTrue("timestamp('2024-02-29T12:00:00Z').getDayOfYear() == 59");
  IsTrue("timestamp('2026-07-05T00:00:00Z').getDayOfWeek() == 0");
  IsTrue("timestamp('2026-07-01T17:00:00Z').getDate('Asia/Shanghai') == 2");
  for (const char* text :
       {"timestamp('2026-02-29T00:00:00Z')", "timestamp('2026-07-01')", "timestamp('')",
        "timestamp('2026-07-01T00:00:00')", "timestamp('2026-07-01T24:00:00Z')",
        "timestamp(253402300800)", "duration('1')", "duration('h')", "duration('1d')",
        "duration('9999999999h')", "timestamp(0).getDate('../../etc/passwd')",
        "timestamp(0).getDate('Mars/Olympus')",
        "timestamp('9999-12-31T23:59:59Z') + duration('1s')"}) {
    IsError(text);
  }
}

TEST(ExpressionTest, TypesAreDeduced) {
  const std::pair<const char*, const char*> cases[] = {{"1", "int"},
                                                       {"[]", "list(dyn)"},
                                                       {"[1, 2]", "list(int)"},
                                                       {"[1, 'a']", "list(dyn)"},
                                                       {"[[], [1]]", "list(list(int))"},
                                                       {"{'a': [1u]}", "map(string, list(uint))"},
                                                       {"[1].map(x, string(x))", "list(string)"},
                                                       {"true ? [] : [1.0]", "list(double)"},
                                                       {"type(1)", "type"},
                                                       {"timestamp(0) - timestamp(0)", "duration"},
                                                       {"dyn(1) + 1", "int"},
                                                       {"dyn(1) + dyn(1)", "dyn"}};
  for (const auto& [text, type] : cases) {
    const auto expression = Compile(text);
    ASSERT_TRUE(expression != nullptr);
    EXPECT_EQ(TypeName(expression->type()), type) << text;
  }
}

}  // namespace
}  // namespace huiliu::cel
