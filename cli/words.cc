#include "cli/words.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/proto_time.h"

namespace huiliu::cli {
namespace {

namespace v1 = huiliu::v1;

struct Word {
  int value;
  const char* typed;  // on the command line
  const char* chinese;
  const char* english;
};

constexpr Word kTiers[] = {
    {v1::TIER_STATE_VERTICAL, "state_vertical", "国垂系统", "state-vertical"},
    {v1::TIER_PROVINCIAL, "provincial", "省建系统", "provincial"},
    {v1::TIER_MUNICIPAL, "municipal", "市建系统", "municipal"}};
constexpr Word kStatuses[] = {{v1::SYSTEM_STATUS_CONFIRMED, "confirmed", "已确认", "confirmed"},
                              {v1::SYSTEM_STATUS_PRESUMED, "presumed", "推定", "presumed"},
                              {v1::SYSTEM_STATUS_OPEN, "open", "待查明", "open"}};
constexpr Word kRoles[] = {
    {v1::ROLE_SYSTEM_ADMINISTRATOR, "system_administrator", "系统管理员", "system administrator"},
    {v1::ROLE_SECURITY_ADMINISTRATOR, "security_administrator", "安全管理员",
     "security administrator"},
    {v1::ROLE_AUDIT_ADMINISTRATOR, "audit_administrator", "审计管理员", "audit administrator"},
    {v1::ROLE_AGENT, "agent", "采集程序", "agent"},
    {v1::ROLE_CONSUMER, "consumer", "需求部门", "consumer"},
    {v1::ROLE_DATA_OFFICER, "data_officer", "数据专员", "data officer"}};
constexpr Word kPlacements[] = {{v1::PLACEMENT_EDGE, "edge", "部门侧判定", "at the department"},
                                {v1::PLACEMENT_NODE, "node", "节点判定", "at the node"}};
constexpr Word kOutcomes[] = {{v1::OUTCOME_RETURNED, "returned", "已回流", "returned"},
                              {v1::OUTCOME_OUTSIDE_AREA, "outside_area", "域外", "outside area"},
                              {v1::OUTCOME_WITHHELD, "withheld", "规则不予回流", "withheld"},
                              {v1::OUTCOME_QUARANTINED, "quarantined", "问题数据", "quarantined"},
                              {v1::OUTCOME_PENDING, "pending", "待认领", "pending"}};

struct NamedWord {
  const char* name;
  const char* chinese;
  const char* english;
};
constexpr NamedWord kSharing[] = {{"SHARING_UNCONDITIONAL", "无条件共享", "unconditional"},
                                  {"SHARING_CONDITIONAL", "有条件共享", "conditional"},
                                  {"SHARING_NOT_SHARED", "不予共享", "not shared"}};
constexpr NamedWord kCycles[] = {
    {"UPDATE_CYCLE_REAL_TIME", "实时", "real time"},   {"UPDATE_CYCLE_DAILY", "每日", "daily"},
    {"UPDATE_CYCLE_WEEKLY", "每周", "weekly"},         {"UPDATE_CYCLE_MONTHLY", "每月", "monthly"},
    {"UPDATE_CYCLE_QUARTERLY", "每季度", "quarterly"}, {"UPDATE_CYCLE_YEARLY", "每年", "yearly"}};
constexpr NamedWord kGrades[] = {{"GRADE_UNSPECIFIED", "", ""},
                                 {"GRADE_GENERAL_1", "一般数据1级", "general 1"},
                                 {"GRADE_GENERAL_2", "一般数据2级", "general 2"},
                                 {"GRADE_GENERAL_3", "一般数据3级", "general 3"},
                                 {"GRADE_GENERAL_4", "一般数据4级", "general 4"},
                                 {"GRADE_IMPORTANT", "重要数据", "important"},
                                 {"GRADE_CORE", "核心数据", "core"}};

template <size_t N>
std::string SayName(const NamedWord (&words)[N], const std::string& name, bool english) {
  for (const NamedWord& word : words) {
    if (word.name == name) return english ? word.english : word.chinese;
  }
  return name;
}

template <size_t N>
std::string Say(const Word (&words)[N], int value, bool english) {
  for (const Word& word : words) {
    if (word.value == value) return english ? word.english : word.chinese;
  }
  return "";
}

template <typename T, size_t N>
absl::StatusOr<T> Parse(const Word (&words)[N], const std::string& text, absl::string_view what) {
  for (const Word& word : words) {
    if (text == word.typed || text == word.chinese) return static_cast<T>(word.value);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(what, " \"", text, "\" 不在可用的词中 / is none of ",
                   absl::StrJoin(words, ", ", [](std::string* out, const Word& word) {
                     absl::StrAppend(out, word.typed, " (", word.chinese, ")");
                   })));
}

struct CodeWord {
  absl::StatusCode code;
  ExitCode exit;
  const char* chinese;
  const char* english;
};
constexpr CodeWord kCodes[] = {
    {absl::StatusCode::kInvalidArgument, ExitCode::kUsage, "输入有误", "wrong input"},
    {absl::StatusCode::kOutOfRange, ExitCode::kUsage, "超出范围", "out of range"},
    {absl::StatusCode::kNotFound, ExitCode::kNotFound, "未找到", "not found"},
    {absl::StatusCode::kUnauthenticated, ExitCode::kRefused, "身份未识别", "not authenticated"},
    {absl::StatusCode::kPermissionDenied, ExitCode::kRefused, "未授权", "refused"},
    {absl::StatusCode::kAborted, ExitCode::kConflict, "与他人的更改冲突", "conflict"},
    {absl::StatusCode::kAlreadyExists, ExitCode::kConflict, "已存在", "exists already"},
    {absl::StatusCode::kFailedPrecondition, ExitCode::kConflict, "条件不满足",
     "not possible as things stand"},
    {absl::StatusCode::kUnavailable, ExitCode::kUnavailable, "暂不可用", "unavailable"},
    {absl::StatusCode::kDeadlineExceeded, ExitCode::kUnavailable, "超时", "timed out"},
    {absl::StatusCode::kResourceExhausted, ExitCode::kUnavailable, "资源不足", "out of resources"},
    {absl::StatusCode::kUnimplemented, ExitCode::kFailed, "节点不支持",
     "not supported by the node"},
    {absl::StatusCode::kDataLoss, ExitCode::kFailed, "数据损坏", "damaged data"},
};

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kDone;
  for (const CodeWord& word : kCodes) {
    if (word.code == status.code()) return word.exit;
  }
  return ExitCode::kFailed;
}

std::string CodeInWords(absl::StatusCode code, bool english) {
  for (const CodeWord& word : kCodes) {
    if (word.code == code) return english ? word.english : word.chinese;
  }
  return english ? "failed" : "出错";
}

std::string TierInWords(v1::Tier tier, bool english) { return Say(kTiers, tier, english); }
std::string StatusInWords(v1::SystemStatus status, bool english) {
  return Say(kStatuses, status, english);
}
std::string RoleInWords(v1::Role role, bool english) { return Say(kRoles, role, english); }
std::string PlacementInWords(v1::Placement placement, bool english) {
  return Say(kPlacements, placement, english);
}
std::string OutcomeInWords(v1::Outcome outcome, bool english) {
  return Say(kOutcomes, outcome, english);
}

std::string SharingInWords(const std::string& name, bool english) {
  return SayName(kSharing, name, english);
}
std::string UpdateCycleInWords(const std::string& name, bool english) {
  return SayName(kCycles, name, english);
}
std::string GradeInWords(const std::string& name, bool english) {
  return SayName(kGrades, name, english);
}

namespace {

struct Coarser {
  const char* word;
  const char* chinese;
  const char* english;
  v1::Mask::Generalise::Level level;
  v1::Mask::Generalise::Precision precision;
};
constexpr Coarser kCoarser[] = {
    {"province", "概化到省", "to the province", v1::Mask::Generalise::LEVEL_PROVINCE, {}},
    {"city", "概化到州市", "to the city", v1::Mask::Generalise::LEVEL_CITY, {}},
    {"county", "概化到县区", "to the county", v1::Mask::Generalise::LEVEL_COUNTY, {}},
    {"township", "概化到乡镇街道", "to the township", v1::Mask::Generalise::LEVEL_TOWNSHIP, {}},
    {"month", "概化到月", "to the month", {}, v1::Mask::Generalise::PRECISION_MONTH},
    {"year", "概化到年", "to the year", {}, v1::Mask::Generalise::PRECISION_YEAR},
};

std::string GeneraliseInWords(const v1::Mask::Generalise& to, bool english) {
  for (const Coarser& c : kCoarser) {
    const bool division = c.level != v1::Mask::Generalise::LEVEL_UNSPECIFIED;
    if (division ? to.has_division() && to.division() == c.level
                 : to.has_date() && to.date() == c.precision)
      return english ? c.english : c.chinese;
  }
  return absl::StrCat(english ? "in bands of " : "概化到区间，宽度 ", to.band());
}

void ReadGeneralise(const std::vector<std::string>& parts, v1::Mask* mask) {
  double width = 0;
  if (parts.size() == 3 && parts[1] == "band" && absl::SimpleAtod(parts[2], &width))
    mask->mutable_generalise()->set_band(width);
  if (parts.size() != 2) return;
  for (const Coarser& c : kCoarser) {
    if (parts[1] != c.word) continue;
    if (c.level != v1::Mask::Generalise::LEVEL_UNSPECIFIED)
      mask->mutable_generalise()->set_division(c.level);
    else
      mask->mutable_generalise()->set_date(c.precision);
  }
}

}  // namespace

std::string MaskInWords(const v1::Mask& mask, bool english) {
  switch (mask.kind_case()) {
    case v1::Mask::kKeep:
      return english ? "shown" : "明文";
    case v1::Mask::kDrop:
      return english ? "not given" : "不提供";
    case v1::Mask::kHash:
      return english ? "pseudonym" : "假名";
    case v1::Mask::kPartial:
      return english ? absl::StrCat("first ", mask.partial().keep_first(), ", last ",
                                    mask.partial().keep_last(), " shown")
                     : absl::StrCat("保留前", mask.partial().keep_first(), "后",
                                    mask.partial().keep_last());
    case v1::Mask::kHashSm3:
      return english ? "pseudonym (SM3)" : "假名（SM3）";
    case v1::Mask::kConstant:
      return absl::StrCat(english ? "always " : "固定为 ", mask.constant());
    case v1::Mask::kGeneralise:
      return GeneraliseInWords(mask.generalise(), english);
    default:
      return "";
  }
}

std::string TimeInWords(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, ShanghaiTimeZone());
}

std::string TimeInWords(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return TimeInWords(absl::FromUnixSeconds(time.seconds()));
}

absl::StatusOr<v1::Tier> ParseTier(const std::string& text) {
  return Parse<v1::Tier>(kTiers, text, "tier");
}
absl::StatusOr<v1::SystemStatus> ParseSystemStatus(const std::string& text) {
  return Parse<v1::SystemStatus>(kStatuses, text, "status");
}
absl::StatusOr<v1::Role> ParseRole(const std::string& text) {
  return Parse<v1::Role>(kRoles, text, "role");
}
absl::StatusOr<v1::Placement> ParsePlacement(const std::string& text) {
  return Parse<v1::Placement>(kPlacements, text, "placement");
}

absl::StatusOr<v1::Mask> ParseMask(const std::string& text) {
  v1::Mask mask;
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (text == "keep") mask.set_keep(true);
  if (text == "drop") mask.set_drop(true);
  if (text == "hash") mask.set_hash(true);
  if (text == "hash:sm3") mask.set_hash_sm3(true);
  if (parts[0] == "constant" && parts.size() > 1)
    mask.set_constant(text.substr(text.find(':') + 1));
  if (parts[0] == "generalise") ReadGeneralise(parts, &mask);
  if (parts[0] == "partial" && (parts.size() == 3 || parts.size() == 4)) {
    uint32_t first = 0, last = 0;
    if (absl::SimpleAtoi(parts[1], &first) && absl::SimpleAtoi(parts[2], &last)) {
      mask.mutable_partial()->set_keep_first(first);
      mask.mutable_partial()->set_keep_last(last);
      if (parts.size() == 4) mask.mutable_partial()->set_fill(parts[3]);
    }
  }
  if (mask.kind_case() != v1::Mask::KIND_NOT_SET) return mask;
  return absl::InvalidArgumentError(absl::StrCat(
      "没有这种脱敏方式 / mask \"", text,
      "\" is none of keep, drop, hash, hash:sm3, partial:FIRST:LAST[:FILL], constant:TEXT, "
      "generalise:province|city|county|township|month|year, generalise:band:WIDTH, e.g. "
      "partial:6:4"));
}

absl::StatusOr<google::protobuf::Timestamp> ParseTime(const std::string& text, bool end_of_day) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime("%Y-%m-%d", text, ShanghaiTimeZone(), &time, &error))
    return ToProto(end_of_day ? time + absl::Hours(24) : time);
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return ToProto(time);
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text,
      "\" 不是时间 / is no time: a day such as 2027-06-30, or 2027-06-30T18:00:00+08:00"));
}

std::string WhyInWords(const std::string& reason, const std::string& rule_set, bool english) {
  if (reason.empty()) return "";
  struct Word {
    const char* code;
    const char* chinese;
    const char* english;
  };
  static constexpr Word kWords[] = {
      {"source.deleted", "来源已删除", "deleted at its source"},
      {"territory.outside", "不属于本接收方", "it belongs to another area"},
      {"territory.override", "按认领决定回流", "returned by a territory override"},
      {"territory.override_withdrawn", "认领决定已撤回",
       "the override that claimed it is withdrawn"},
      {"rules.changed", "规则变更后再次回流", "sent again by new rules"},
      {"grant.filter", "不在授权的行范围内", "the grant's row filter hides it"},
      {"rule.none", "没有规则予以回流", "no rule returns it"},
      {"rule.withheld", "规则不予回流", "a rule withholds it"},
      {"rule.error", "规则的条件无法判断", "a rule's condition cannot be evaluated"},
      {"mask.failed", "无法脱敏", "a field cannot be masked"},
      {"derive.failed", "字段无法计算", "a field cannot be derived"}};
  std::string words = reason;
  const std::string head = reason.substr(0, reason.find(':'));
  for (const Word& word : kWords) {
    if (head == word.code)
      words = absl::StrCat(english ? word.english : word.chinese, english ? " (" : "（", reason,
                           english ? ")" : "）");
  }
  if (!rule_set.empty()) absl::StrAppend(&words, english ? ", rules " : "，规则 ", rule_set);
  return words;
}

}  // namespace huiliu::cli
