#include "core/rules/rule_test_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"

namespace huiliu::rules {
namespace {

// Of several Chinese words for one English the first is the users' own (DOMAIN.md section 5).
constexpr std::pair<absl::string_view, absl::string_view> kWords[] = {{"规则", "rules"},
                                                                      {"范围", "area"},
                                                                      {"列", "columns"},
                                                                      {"用例", "case"},
                                                                      {"来源行", "row"},
                                                                      {"时间", "time"},
                                                                      {"接收日", "day"},
                                                                      {"给定", "given"},
                                                                      {"删除", "delete"},
                                                                      {"期望", "expect"},
                                                                      {"新旧", "novelty"},
                                                                      {"命中规则", "rule"},
                                                                      {"原因", "reason"},
                                                                      {"区划", "division"},
                                                                      {"冲突", "conflict"},
                                                                      {"字段", "field"},
                                                                      {"没有", "absent"},
                                                                      {"脱敏", "masked"},
                                                                      {"原样", "kept"},
                                                                      {"已回流", "returned"},
                                                                      {"回流", "returned"},
                                                                      {"域外", "outside_area"},
                                                                      {"规则不予回流", "withheld"},
                                                                      {"不予回流", "withheld"},
                                                                      {"问题数据", "quarantined"},
                                                                      {"待认领", "pending"},
                                                                      {"撤回", "tombstone"},
                                                                      {"有", "yes"},
                                                                      {"无", "no"}};

// `line` at its first colon, a Chinese one too; false where it has none.
bool AtColon(absl::string_view line, absl::string_view* before, absl::string_view* after) {
  constexpr absl::string_view kWide = "：";
  const size_t narrow = line.find(':');
  const size_t wide = line.find(kWide);
  const size_t at = std::min(narrow, wide);
  if (at == absl::string_view::npos) return false;
  *before = absl::StripAsciiWhitespace(line.substr(0, at));
  *after = absl::StripAsciiWhitespace(line.substr(at + (at == wide ? kWide.size() : 1)));
  return true;
}

}  // namespace

std::string Plain(absl::string_view word) {
  for (const auto& [chinese, english] : kWords) {
    if (word == chinese) return std::string(english);
  }
  return std::string(word);
}

std::string InChinese(absl::string_view words) {
  std::vector<absl::string_view> out = absl::StrSplit(words, ' ');
  for (absl::string_view& word : out) {
    for (const auto& [chinese, english] : kWords) {
      if (word != english) continue;
      word = chinese;
      break;
    }
  }
  return absl::StrJoin(out, " ");
}

bool SplitCsv(absl::string_view row, std::vector<std::string>* cells) {
  cells->assign(1, "");
  bool quoted = false;
  for (size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    if (quoted) {
      if (c != '"') {
        cells->back().push_back(c);
      } else if (i + 1 < row.size() && row[i + 1] == '"') {
        cells->back().push_back(row[++i]);
      } else {
        quoted = false;
        if (i + 1 < row.size() && row[i + 1] != ',') return false;
      }
    } else if (c == '"') {
      if (!cells->back().empty()) return false;
      quoted = true;
    } else if (c == ',') {
      cells->emplace_back();
    } else {
      cells->back().push_back(c);
    }
  }
  return !quoted;
}

std::vector<std::string> Names(absl::string_view list) {
  std::vector<std::string> names;
  std::string text = absl::StrReplaceAll(list, {{"，", ","}, {"、", ","}});
  for (absl::string_view name : absl::StrSplit(text, ',')) {
    name = absl::StripAsciiWhitespace(name);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

absl::StatusOr<std::vector<TestLine>> SplitRuleTest(absl::string_view file,
                                                    absl::string_view text) {
  std::vector<TestLine> lines;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    if (number == 1) absl::ConsumePrefix(&raw, "\xEF\xBB\xBF");
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || raw[0] == '#') continue;
    if (absl::StartsWith(raw, "  ")) {
      if (lines.empty())
        return absl::InvalidArgumentError(
            absl::StrCat(file, ":", number, ": 续行之前没有内容 / nothing to continue"));
      absl::StrAppend(&lines.back().value, " ", line);
      continue;
    }
    absl::string_view before, after;
    if (!AtColon(line, &before, &after)) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ":", number, ": 应为“词: 值” / expected word: value"));
    }
    const std::pair<absl::string_view, absl::string_view> word =
        absl::StrSplit(before, absl::MaxSplits(' ', 1));
    lines.push_back({number, Plain(word.first),
                     std::string(absl::StripAsciiWhitespace(word.second)), std::string(after)});
  }
  return lines;
}

}  // namespace huiliu::rules
