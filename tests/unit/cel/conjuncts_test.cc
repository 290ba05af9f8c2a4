#include "core/cel/conjuncts.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

std::string Show(const Constant& constant) {
  struct Shower {
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(int64_t i) const { return absl::StrCat(i); }
    std::string operator()(uint64_t u) const { return absl::StrCat(u, "u"); }
    std::string operator()(double d) const { return absl::StrCat(d, "d"); }
    std::string operator()(const std::string& s) const { return absl::StrCat("'", s, "'"); }
    std::string operator()(absl::Time t) const { return absl::StrCat("@", absl::ToUnixSeconds(t)); }
  };
  return std::visit(Shower(), constant);
}

class ConjunctsTest : public testing::Test {
 protected:
  // One word per conjunct: name=value, name in a|b, name^prefix, name:[lower,upper), name?,
  // name~area.
  std::string Of(const std::string& text) {
    std::vector<std::string> words;
    for (const Conjunct& c : rows_.Compile(text)->IndexableConjuncts()) words.push_back(Word(c));
    return absl::StrJoin(words, " ");
  }

 private:
  std::string Word(const Conjunct& c) {
    const std::string name = c.field == Conjunct::kAttributedDivision
                                 ? "division"
                                 : rows_.contract().fields()[static_cast<size_t>(c.field)].name;
    const std::string values = absl::StrJoin(
        c.values, "|", [](std::string* out, const Constant& v) { absl::StrAppend(out, Show(v)); });
    switch (c.kind) {
      case Conjunct::Kind::kEquals:
        return absl::StrCat(name, "=", values);
      case Conjunct::Kind::kIn:
        return absl::StrCat(name, ":{", values, "}");
      case Conjunct::Kind::kPrefix:
        return absl::StrCat(name, "^", values);
      case Conjunct::Kind::kHas:
        return absl::StrCat(name, "?");
      case Conjunct::Kind::kInDivision:
        return absl::StrCat(name, "~", values);
      case Conjunct::Kind::kRange:
        break;
    }
    return absl::StrCat(
        name, ":", c.lower ? (c.lower->inclusive ? "[" : "(") + Show(c.lower->value) : "(", ",",
        c.upper ? Show(c.upper->value) + (c.upper->inclusive ? "]" : ")") : ")");
  }
  Rows rows_;
};

TEST_F(ConjunctsTest, OneFieldAgainstConstants) {
  EXPECT_EQ(Of("code == '530102'"), "code='530102'");
  EXPECT_EQ(Of("'530102' == code"), "code='530102'");
  EXPECT_EQ(Of("code in ['a', 'b', 'a']"), "code:{'a'|'b'}");
  EXPECT_EQ(Of("code in []"), "code:{}");
  EXPECT_EQ(Of("code.startsWith('5301')"), "code^'5301'");
  EXPECT_EQ(Of("count > 3"), "count:(3,)");
  EXPECT_EQ(Of("3 >= count"), "count:(,3]");
  EXPECT_EQ(Of("total < 3u"), "total:(,3u)");
  EXPECT_EQ(Of("at >= timestamp('1970-01-02T00:00:00Z')"), "at:[@86400,)");
  EXPECT_EQ(Of("kind == Kind.KIND_B"), "kind=2");
  EXPECT_EQ(Of("code == '53' + '0102'"), "code='530102'");
  EXPECT_EQ(Of("has(note)"), "note?");
  EXPECT_EQ(Of("active"), "active=true");
  EXPECT_EQ(Of("!active"), "active=false");
  EXPECT_EQ(Of("inDivision('5301')"), "division~'5301'");
  EXPECT_EQ(Of("division == '530102' && count > 3"), "division='530102' count:(3,)");
  EXPECT_EQ(Of("division in ['530102', '530103']"), "division:{'530102'|'530103'}");
  EXPECT_EQ(Of("division == '530102' || division == '530103'"), "division:{'530102'|'530103'}");
  EXPECT_EQ(Of("inDivision(code, '5301')"), "code~'5301'");
}

TEST_F(ConjunctsTest, ConjunctionsGiveAllAndAlternativesOfOneFieldASet) {
  EXPECT_EQ(Of("code == 'a' && (count > 3 && name.contains('x')) && has(at)"),
            "code='a' count:(3,) at?");
  EXPECT_EQ(Of("code == 'a' || code == 'b' || code in ['c', 'a']"), "code:{'a'|'b'|'c'}");
}

TEST_F(ConjunctsTest, WhatIsNotNecessaryGivesNone) {
  for (const char* text : {"code == 'a' || count == 3", "!(code == 'a')", "code != 'a'",
                           "code == name", "true ? code == 'a' : false", "code == 'a' || true",
                           "name.endsWith('x')", "count + 1 == 3", "'a' in tags", "count < 1.5",
                           "division != '5301'", "division > '5301'", "division.startsWith('53')",
                           "division == '1' || code == '2'", "code == 'a' || code.startsWith('b')",
                           "(code == 'a' && count == 1) || code == 'b'", "size(tags) == 1"}) {
    EXPECT_EQ(Of(text), "") << text;
  }
}

}  // namespace
}  // namespace huiliu::cel
