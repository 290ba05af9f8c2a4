#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/rule_life.h"
#include "cli/words.h"

namespace huiliu::cli {
namespace {

using rules::Rule;

struct Aspect {
  const char* chinese;
  const char* english;
  std::string (*of)(const Rule& rule, bool english);
};

std::string Validity(absl::Time from, absl::Time to) {
  if (from == absl::InfinitePast() && to == absl::InfiniteFuture()) return "";
  return absl::StrCat(from == absl::InfinitePast() ? "" : TimeInWords(from), " – ",
                      to == absl::InfiniteFuture() ? "" : TimeInWords(to));
}

const Aspect kAspects[] = {
    {"标题", "title", [](const Rule& r, bool) { return r.title; }},
    {"条件", "when", [](const Rule& r, bool) { return r.when; }},
    {"处理", "does",
     [](const Rule& r, bool english) {
       if (r.returns) return std::string(english ? "returns" : "回流");
       return absl::StrCat(english ? "withholds: " : "不予回流：", r.reason);
     }},
    {"只保留字段", "keeps", [](const Rule& r, bool) { return absl::StrJoin(r.keep, ", "); }},
    {"去掉字段", "drops", [](const Rule& r, bool) { return absl::StrJoin(r.drop, ", "); }},
    {"脱敏", "masks",
     [](const Rule& r, bool english) {
       auto masks = r.masks;
       std::sort(masks.begin(), masks.end(),
                 [](const auto& a, const auto& b) { return a.first < b.first; });
       return absl::StrJoin(masks, "; ", [&](std::string* out, const auto& mask) {
         absl::StrAppend(out, mask.first, " ", MaskInWords(mask.second, english));
       });
     }},
    {"改名", "renames",
     [](const Rule& r, bool) { return absl::StrJoin(r.rename, ", ", absl::PairFormatter(" → ")); }},
    {"计算字段", "derives",
     [](const Rule& r, bool) {
       return absl::StrJoin(r.derive, "; ", [](std::string* out, const rules::DerivedField& d) {
         absl::StrAppend(out, d.field, " = ", d.expression);
       });
     }},
    {"说出隐藏字段", "discloses",
     [](const Rule& r, bool) { return absl::StrJoin(r.discloses, ", "); }},
    {"依据", "legal basis", [](const Rule& r, bool) { return r.legal_basis; }},
    {"有效期", "valid", [](const Rule& r, bool) { return Validity(r.valid_from, r.valid_to); }},
};

const Rule* FindRule(const rules::RuleSet& set, const std::string& id) {
  for (const Rule& rule : set.rules) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

std::string Shown(const std::string& text, bool english) {
  return text.empty() ? (english ? "(none)" : "（无）") : text;
}

void Compare(const Rule& before, const Rule& after, bool english, std::vector<std::string>* lines) {
  bool named = false;
  for (const Aspect& aspect : kAspects) {
    const std::string old_text = aspect.of(before, english);
    const std::string new_text = aspect.of(after, english);
    if (old_text == new_text) continue;
    if (!named) lines->push_back(absl::StrCat("~ ", after.id, "  ", after.title));
    named = true;
    lines->push_back(absl::StrCat("    ", english ? aspect.english : aspect.chinese));
    lines->push_back(absl::StrCat("      - ", Shown(old_text, english)));
    lines->push_back(absl::StrCat("      + ", Shown(new_text, english)));
  }
}

std::vector<std::string> CommonOrder(const rules::RuleSet& of, const rules::RuleSet& with) {
  std::vector<std::string> ids;
  for (const Rule& rule : of.rules) {
    if (FindRule(with, rule.id) != nullptr) ids.push_back(rule.id);
  }
  return ids;
}

}  // namespace

std::vector<std::string> RuleChanges(const rules::RuleSet* before, const rules::RuleSet& after,
                                     bool english) {
  static const rules::RuleSet kNone;
  const rules::RuleSet& old_set = before == nullptr ? kNone : *before;
  std::vector<std::string> lines;
  for (const Rule& rule : after.rules) {
    if (const Rule* old_rule = FindRule(old_set, rule.id)) {
      Compare(*old_rule, rule, english, &lines);
      continue;
    }
    lines.push_back(absl::StrCat("+ ", rule.id, "  ", rule.title));
    for (const Aspect& aspect : kAspects) {
      const std::string text = aspect.of(rule, english);
      if (aspect.of != kAspects[0].of && !text.empty())
        lines.push_back(absl::StrCat("    ", english ? aspect.english : aspect.chinese,
                                     english ? ": " : "：", text));
    }
  }
  for (const Rule& rule : old_set.rules) {
    if (FindRule(after, rule.id) == nullptr)
      lines.push_back(absl::StrCat("- ", rule.id, "  ", rule.title));
  }
  // The first rule that holds decides: their order is part of what they mean.
  const std::vector<std::string> order = CommonOrder(after, old_set);
  if (order != CommonOrder(old_set, after)) {
    lines.push_back(
        absl::StrCat(english ? "~ order: " : "~ 先后次序：", absl::StrJoin(order, " → ")));
  }
  return lines;
}

}  // namespace huiliu::cli
