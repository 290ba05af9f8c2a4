#include "core/cel/clauses.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace huiliu::cel {
namespace {

// all[…; …], any[…; …], or the text.
std::string Shape(const Clause& clause) {
  if (clause.joint == Clause::Joint::kNone) return clause.text;
  std::string parts;
  for (const Clause& part : clause.parts)
    absl::StrAppend(&parts, parts.empty() ? "" : "; ", Shape(part));
  return absl::StrCat(clause.joint == Clause::Joint::kAll ? "all[" : "any[", parts, "]");
}

TEST(ClausesTest, JointsSplitByPrecedenceAndBrackets) {
  const std::pair<const char*, const char*> cases[] = {
      {"a == 1", "a == 1"},
      {" a == 1 &&\n  b == \"x && y\" ", "all[a == 1; b == \"x && y\"]"},
      {"a || b && c || d", "any[a; all[b; c]; d]"},
      {"(a || b) && !(c || d)", "all[any[a; b]; !(c || d)]"},
      {"((a && b))", "all[a; b]"},
      {"(a) && (b)", "all[a; b]"},
      {"a && b ? c : d", "a && b ? c : d"},
      {"f(a && b) && [c || d].exists(x, x || y) && {1: e && g}[1]",
       "all[f(a && b); [c || d].exists(x, x || y); {1: e && g}[1]]"},
      {"", ""},
      {"\"open", "\"open"},
  };
  for (const auto& [text, shape] : cases) EXPECT_EQ(Shape(ClausesOf(text)), shape) << text;
}

}  // namespace
}  // namespace huiliu::cel
