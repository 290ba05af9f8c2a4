#include "core/rules/override_words.h"

#include "absl/strings/str_cat.h"

namespace huiliu::rules {

using huiliu::v1::TerritoryOverride;

std::string MatchInWords(const TerritoryOverride& given, bool english) {
  switch (given.match_case()) {
    case TerritoryOverride::kRecord:
      return absl::StrCat(english ? "record " : "记录 ", given.record());
    case TerritoryOverride::kName:
      return absl::StrCat(english ? "name " : "名称 ", given.name().field(), "=",
                          given.name().text());
    case TerritoryOverride::kPattern:
      return absl::StrCat(english ? "pattern " : "模式 ", given.pattern().field(), "~",
                          given.pattern().text());
    case TerritoryOverride::kCondition:
      return absl::StrCat(english ? "condition " : "条件 ", given.condition());
    case TerritoryOverride::MATCH_NOT_SET:
      break;
  }
  return "";
}

std::string StateInWords(huiliu::v1::OverrideState state, bool english) {
  switch (state) {
    case huiliu::v1::OVERRIDE_STATE_PROPOSED:
      return english ? "proposed" : "待审批";
    case huiliu::v1::OVERRIDE_STATE_APPROVED:
      return english ? "holds" : "生效";
    case huiliu::v1::OVERRIDE_STATE_REJECTED:
      return english ? "rejected" : "已退回";
    case huiliu::v1::OVERRIDE_STATE_WITHDRAWN:
      return english ? "withdrawn" : "已撤回";
    default:
      return "";
  }
}

std::string DivisionInWords(const TerritoryOverride& given, bool english) {
  if (!given.outside()) return given.division();
  return absl::StrCat(given.division(), english ? " (not ours)" : "（非本地）");
}

}  // namespace huiliu::rules
