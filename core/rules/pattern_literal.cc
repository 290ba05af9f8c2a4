#include "core/rules/pattern_literal.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/text/utf8.h"

namespace huiliu::rules {
namespace {

// Takes what stands before `end` off the front, and `end`; everything where it is not there.
void SkipBehind(char end, size_t from, absl::string_view* pattern) {
  const size_t at = pattern->find(end, from);
  pattern->remove_prefix(at == absl::string_view::npos ? pattern->size() : at + 1);
}

// `pattern` begins behind a backslash. True: the escape stands for one character, such as \.
bool TakeEscape(absl::string_view* pattern) {
  if (pattern->empty()) return false;
  const char c = (*pattern)[0];
  pattern->remove_prefix(1);
  if ((c == 'p' || c == 'P' || c == 'x') && absl::StartsWith(*pattern, "{"))
    SkipBehind('}', 0, pattern);
  return !absl::ascii_isalnum(c);
}

}  // namespace

size_t LiteralWeight(absl::string_view pattern) {
  size_t longest = 0, run = 0, last = 0;
  const auto end_run = [&](size_t absent) {
    longest = std::max(longest, run - absent);
    run = last = 0;
  };
  while (!pattern.empty()) {
    const char c = pattern[0];
    const size_t size = std::max<size_t>(text::CodePointPrefix(pattern, 1).size(), 1);
    pattern.remove_prefix(size);
    if (c == '*' || c == '?' || c == '{') {
      if (c == '{') SkipBehind('}', 0, &pattern);
      end_run(last);
    } else if (c == '[') {
      // A "]" right behind the bracket or its ^ stands for itself.
      SkipBehind(']', absl::StartsWith(pattern, "^") ? 2 : 1, &pattern);
      end_run(0);
    } else if (c == '\\' ? !TakeEscape(&pattern)
                         : absl::StrContains(".+()|^$", absl::string_view(&c, 1))) {
      end_run(0);
    } else {
      last = size > 1 ? 2 : 1;
      run += last;
    }
  }
  end_run(0);
  return longest;
}

}  // namespace huiliu::rules
