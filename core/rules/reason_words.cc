#include "core/rules/reason_words.h"

#include "absl/strings/str_cat.h"

namespace huiliu::rules {
namespace {

struct Words {
  absl::string_view code;
  absl::string_view chinese;
  absl::string_view english;
};
constexpr Words kWords[] = {
    {"territory.no_evidence", "没有任何归属依据", "nothing says where it belongs"},
    {"territory.ambiguous", "依据指向多个地方", "the evidence names several places"},
    {"territory.too_coarse", "只知州市，不知县区", "only the city is known, not the county"},
    {"territory.conflict", "归属依据相互矛盾", "evidence of belonging disagrees"},
    {"territory.override_conflict", "认领决定相互矛盾", "overrides contradict each other"},
    {"delete.unknown_key", "删除的记录从未来过", "the deleted record never came"},
    {"delete.undecided_version", "删除了一条未判定的记录", "an undecided record was deleted"},
    {"required.empty", "必填项为空", "required, but empty"},
    {"field.invalid", "值无效", "not valid"},
    {"record.torn", "记录无法读取", "the record cannot be read"},
    {"rule.none", "没有规则成立", "no rule holds"},
    {"rule.error", "规则的条件无法判断", "the rule's condition cannot be evaluated"},
    {"rule.withheld", "规则不予回流", "withheld by a rule"},
    {"mask.failed", "无法脱敏", "cannot be masked"},
    {"derive.failed", "无法计算", "cannot be derived"}};

}  // namespace

std::string ReasonInWords(absl::string_view code, bool english) {
  const size_t colon = code.find(':');
  for (const Words& words : kWords) {
    if (words.code != code.substr(0, colon)) continue;
    const absl::string_view said = english ? words.english : words.chinese;
    if (colon == absl::string_view::npos) return std::string(said.data(), said.size());
    return absl::StrCat(said, english ? ": " : "：", code.substr(colon + 1));
  }
  return std::string(code.data(), code.size());
}

}  // namespace huiliu::rules
