#include "broker/lineage/words.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/clock.h"

namespace huiliu::lineage {

using absl::StrCat;

namespace {

std::string StepInWords(const huiliu::v1::LineageEntry& e, bool english) {
  const std::string when =
      absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMicros(e.time_us()), ShanghaiTimeZone());
  switch (e.step()) {
    case huiliu::v1::STEP_INTAKE:
      if (e.receiver().empty()) {
        return english
                   ? StrCat(when, " taken over from system ", e.system(), " (batch ", e.epoch(),
                            "/", e.sequence(), ", ", e.records(), " rows for the node to decide)")
                   : StrCat(when, " 自系统 ", e.system(), " 接收（批次 ", e.epoch(), "/",
                            e.sequence(), "，", e.records(), " 行待节点判定）");
      }
      return english ? StrCat(when, " taken over from system ", e.system(), " (batch ", e.epoch(),
                              "/", e.sequence(), ", ", e.records(), " rows returned, ",
                              e.rest_rows(), " stayed with the department)")
                     : StrCat(when, " 自系统 ", e.system(), " 接收（批次 ", e.epoch(), "/",
                              e.sequence(), "，回流 ", e.records(), " 行，未出部门 ", e.rest_rows(),
                              " 行）");
    case huiliu::v1::STEP_RETURN:
      return english ? StrCat(when, " decided by the node's return engine for receiver ",
                              e.receiver(), " (", e.records(), " rows returned)")
                     : StrCat(when, " 由节点回流引擎判定，接收方 ", e.receiver(), "（回流 ",
                              e.records(), " 行）");
    case huiliu::v1::STEP_APPLY:
      return english ? StrCat(when, " written to the catalog of ", e.receiver(), " (", e.records(),
                              " rows)")
                     : StrCat(when, " 写入 ", e.receiver(), " 回流库（", e.records(), " 行）");
    case huiliu::v1::STEP_READ:
      if (e.method() == "Audit.TraceRecord") {
        return english ? StrCat(when, " ", e.organisation(), " (", e.actor(),
                                ") asked where a record of dataset ", e.dataset(),
                                " came from and who has seen it")
                       : StrCat(when, " ", e.organisation(), "（", e.actor(), "）追溯数据集 ",
                                e.dataset(), " 的一条记录（来源与查看情况）");
      }
      return english ? StrCat(when, " read by ", e.organisation(), " (", e.actor(), "), purpose ",
                              e.purpose(), ", grant ", e.grant())
                     : StrCat(when, " ", e.organisation(), "（", e.actor(), "）查询，使用场景：",
                              e.purpose(), "，授权 ", e.grant());
    case huiliu::v1::STEP_DELIVER:
      return english ? StrCat(when, " delivered to ", e.organisation(), " (", e.actor(),
                              "), purpose ", e.purpose(), ", grant ", e.grant())
                     : StrCat(when, " 推送给 ", e.organisation(), "（", e.actor(), "），使用场景：",
                              e.purpose(), "，授权 ", e.grant());
    case huiliu::v1::STEP_REFUSED:
      return english
                 ? StrCat(when, " refused to ", e.organisation(), " (", e.actor(),
                          "): ", e.reason())
                 : StrCat(when, " 拒绝 ", e.organisation(), "（", e.actor(), "）：", e.reason());
    case huiliu::v1::STEP_GOVERN:
      return english ? StrCat(when, " ", e.actor(), ": ", e.method(), " ", e.detail())
                     : StrCat(when, " ", e.actor(), " 执行 ", e.method(), " ", e.detail());
    case huiliu::v1::STEP_REDRIVE:
      if (absl::StartsWith(e.detail(), "override:")) {
        const std::string ids = e.detail().substr(e.detail().find(':') + 1);
        return english ? StrCat(when, " pending rows of system ", e.system(),
                                " were decided by override, or its withdrawal: ", ids)
                       : StrCat(when, " 系统 ", e.system(),
                                " 的待认领记录按认领决定（或其撤回）判定：", ids);
      }
      return english ? StrCat(when, " corrected rows of system ", e.system(), " were decided again")
                     : StrCat(when, " 系统 ", e.system(), " 的问题数据更正后重新判定");
    default:
      return when;
  }
}

}  // namespace

std::string InWords(const huiliu::v1::LineageEntry& e, bool english) {
  std::string words = StepInWords(e, english);
  if (!e.reevaluation().empty())
    absl::StrAppend(&words,
                    english ? "; history decided again by rules " : "；规则生效后对历史重新判定：",
                    e.reevaluation());
  return words;
}

}  // namespace huiliu::lineage
