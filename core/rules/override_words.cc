#include "core/rules/override_words.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

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

std::string ReachInWords(const TerritoryOverride& given, bool english) {
  if (!given.has_reach()) return "";
  const huiliu::v1::OverrideReach& reach = given.reach();
  std::string words =
      english ? absl::StrCat("would decide ", reach.pending_matched(), " of ", reach.pending_read(),
                             " pending records at the node; matches ", reach.known_matched(),
                             " of ", reach.known_read(), " that it holds")
              : absl::StrCat("本节点待认领 ", reach.pending_read(), " 条中会认领 ",
                             reach.pending_matched(), " 条；所存 ", reach.known_read(),
                             " 条中符合 ", reach.known_matched(), " 条");
  if (reach.partial()) absl::StrAppend(&words, english ? " (not all were read)" : "（未读完全部）");
  if (reach.edge_sources_size() > 0) {
    absl::StrAppend(&words,
                    english ? "; not counted, decided at the edge: " : "；部门侧判定未计入：",
                    absl::StrJoin(reach.edge_sources(), english ? ", " : "、"));
  }
  return words;
}

}  // namespace huiliu::rules
