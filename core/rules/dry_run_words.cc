#include "core/rules/dry_run_words.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/clock.h"
#include "core/model/proto_time.h"
#include "core/rules/value_words.h"
#include "core/text/terminal_table.h"

namespace huiliu::rules {
namespace {

using namespace huiliu::v1;  // NOLINT: DRY_RUN_CATEGORY_*
using Counts = google::protobuf::RepeatedPtrField<DryRunCount>;

struct Words {
  DryRunCategory category;
  const char* name;
  const char* chinese;
  const char* english;
};
constexpr Words kWords[] = {
    {DRY_RUN_CATEGORY_NEWLY_RETURNED, "newly_returned", "新增回流", "newly returned"},
    {DRY_RUN_CATEGORY_NO_LONGER_RETURNED, "no_longer_returned", "不再回流", "no longer returned"},
    {DRY_RUN_CATEGORY_DIFFERENTLY_MASKED, "differently_masked", "内容有变", "differently masked"},
    {DRY_RUN_CATEGORY_NEWLY_PENDING, "newly_pending", "新增待认领", "newly pending"},
    {DRY_RUN_CATEGORY_NEWLY_QUARANTINED, "newly_quarantined", "新增问题数据", "newly quarantined"},
    {DRY_RUN_CATEGORY_DECIDED_OTHERWISE, "decided_otherwise", "判定不同", "decided otherwise"},
    {DRY_RUN_CATEGORY_UNCHANGED, "unchanged", "无变化", "unchanged"},
    {DRY_RUN_CATEGORY_NEWLY_IN_CONFLICT, "newly_in_conflict", "其中依据不一致",
     "of these in conflict"},
};

std::string Outcome(huiliu::v1::Outcome outcome, bool english) {
  switch (outcome) {
    case OUTCOME_RETURNED:
      return english ? "returned" : "已回流";
    case OUTCOME_OUTSIDE_AREA:
      return english ? "outside area" : "域外";
    case OUTCOME_WITHHELD:
      return english ? "withheld" : "规则不予回流";
    case OUTCOME_QUARANTINED:
      return english ? "quarantined" : "问题数据";
    case OUTCOME_PENDING:
      return english ? "pending" : "待认领";
    default:
      return english ? "not decided" : "未处理";
  }
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(time), ShanghaiTimeZone());
}

int64_t CountOf(const Counts& counts, DryRunCategory category) {
  for (const DryRunCount& count : counts) {
    if (count.category() == category) return count.records();
  }
  return 0;
}

class Report {
 public:
  Report(const DryRunReport& report, const PlaceName& place, bool english)
      : report_(report), place_(place), english_(english) {}

  std::string Write() {
    Head();
    Categories();
    Outcomes();
    Parts(Say("按县区", "by county"), report_.divisions(), true);
    Parts(Say("按系统", "by system"), report_.systems(), false);
    Parts(Say("按变化的字段", "by field that differs"), report_.fields(), false);
    Rules();
    for (const DryRunSample& sample : report_.samples()) Sample(sample);
    if (!report_.note().empty()) Line(Say("注意：", "note: "), report_.note());
    return std::move(out_);
  }

 private:
  const char* Say(const char* chinese, const char* english) const {
    return english_ ? english : chinese;
  }
  template <typename... Parts>
  void Line(const Parts&... parts) {
    out_ += text::Printable(absl::StrCat(parts...)) + "\n";
  }

  std::string VersionName() const {
    if (report_.draft_version() != 0)
      return absl::StrCat(Say("第 ", "version "), report_.draft_version(), Say(" 版", ""));
    return Say("草案", "the draft");
  }

  void Head() {
    Line(report_.dataset(), " → ", report_.receiver(), Say("，试运行", ", dry run of "),
         VersionName(), Say("，对比", " beside "),
         report_.active_version() == 0
             ? std::string(Say("：尚无现行规则", "no rules: none are in force"))
             : absl::StrCat(Say("现行第 ", "version "), report_.active_version(),
                            Say(" 版", ", in force")));
    const bool arrival = report_.time() == DRY_RUN_TIME_ARRIVAL;
    if (report_.has_from() || report_.has_to()) {
      Line(arrival ? Say("接收时间：", "taken over: ") : Say("来源时间：", "source time: "),
           report_.has_from() ? TimeText(report_.from()) : "", " – ",
           report_.has_to() ? TimeText(report_.to()) : "");
    }
    if (report_.has_log_from())
      Line(Say("日志最早到：", "the log goes back to: "), TimeText(report_.log_from()));
    Line(Say("数据源：", "sources: "), absl::StrJoin(report_.sources(), ", "));
    std::string counts =
        absl::StrCat(Say("读取变更 ", "changes read: "), report_.changes(),
                     Say("，比对记录 ", ", records compared: "), report_.records());
    const auto add = [&](const char* chinese, const char* english, int64_t count) {
      if (count > 0) absl::StrAppend(&counts, Say(chinese, english), count);
    };
    add("，旧版本 ", ", older versions: ", report_.superseded());
    add("，已删除 ", ", deleted: ", report_.deleted());
    add("，无法映射 ", ", not mapped: ", report_.unmapped());
    add("，无来源时间未计入 ", ", left out without a source time: ", report_.undated());
    Line(counts);
  }

  void Categories() {
    text::Table table({Say("变化", "change"), Say("记录", "records")});
    for (const Words& words : kWords) {
      const int64_t count = CountOf(report_.counts(), words.category);
      if (words.category == DRY_RUN_CATEGORY_NEWLY_IN_CONFLICT && count == 0) continue;
      table.Add({Say(words.chinese, words.english), std::to_string(count)});
    }
    out_ += "\n" + table.Render();
  }

  void Outcomes() {
    text::Table table({Say("判定", "outcome"), Say("现行", "in force"), Say("草案", "draft")});
    for (const auto& line : report_.outcomes()) {
      table.Add({Outcome(line.outcome(), english_), std::to_string(line.active()),
                 std::to_string(line.draft())});
    }
    out_ += "\n" + table.Render();
  }

  // Parts of which nothing changes are told by their number alone.
  void Parts(const char* title, const google::protobuf::RepeatedPtrField<DryRunReport::Part>& parts,
             bool divisions) {
    std::vector<const Words*> columns;
    for (const Words& words : kWords) {
      const bool any = std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
        return CountOf(part.counts(), words.category) > 0;
      });
      if (any && words.category != DRY_RUN_CATEGORY_UNCHANGED) columns.push_back(&words);
    }
    if (columns.empty()) return;
    std::vector<std::string> header = {title};
    for (const Words* words : columns) header.push_back(Say(words->chinese, words->english));
    text::Table table(header);
    int same = 0;
    for (const auto& part : parts) {
      std::vector<std::string> cells = {divisions ? Division(part.name()) : part.name()};
      if (part.elsewhere())
        cells[0] = Say("其他（接收方区划以外）", "others (outside the receiver's area)");
      bool changes = false;
      for (const Words* words : columns) {
        const int64_t count = CountOf(part.counts(), words->category);
        changes = changes || count > 0;
        cells.push_back(std::to_string(count));
      }
      same += changes ? 0 : 1;
      if (changes) table.Add(std::move(cells));
    }
    out_ += "\n" + table.Render();
    if (same > 0) Line(Say("其余无变化：", "the others are unchanged: "), same);
  }

  std::string Division(const std::string& code) const {
    if (code.empty()) return Say("（未判定）", "(not decided)");
    const std::string name = place_ ? place_(code) : "";
    return name.empty() ? code : absl::StrCat(code, " ", name);
  }
  std::string RuleName(const std::string& id) const { return id.empty() ? "-" : id; }

  void Rules() {
    if (report_.rules_size() == 0) return;
    text::Table table({Say("变化", "change"), Say("现行规则", "rule in force"),
                       Say("草案规则", "draft's rule"), Say("草案判定", "draft's outcome"),
                       Say("原因", "reason"), Say("记录", "records")});
    for (const auto& line : report_.rules()) {
      table.Add({InWords(line.category(), english_), RuleName(line.active_rule()),
                 RuleName(line.draft_rule()), Outcome(line.draft_outcome(), english_),
                 line.draft_reason(), std::to_string(line.records())});
    }
    out_ += "\n" + table.Render();
    if (report_.rules_left_out() > 0)
      Line(Say("另有行数：", "further lines left out: "), report_.rules_left_out());
  }

  void Sample(const DryRunSample& sample) {
    out_ += "\n";
    Line(Say("样例 ", "sample "), InWords(sample.category(), english_), "  ", sample.system(), "  ",
         Division(sample.division()),
         sample.conflict() ? Say("（依据不一致）", " (evidence disagrees)") : "");
    Line("  ", sample.place(),
         sample.key_digest().empty()
             ? ""
             : absl::StrCat(Say("  主键摘要 ", "  key digest "),
                            absl::BytesToHexString(sample.key_digest().substr(0, 8))));
    const auto side = [&](huiliu::v1::Outcome outcome, const std::string& rule,
                          const std::string& reason) {
      return absl::StrCat(Outcome(outcome, english_), rule.empty() ? "" : absl::StrCat(" ", rule),
                          reason.empty() ? "" : absl::StrCat(" [", reason, "]"));
    };
    Line(Say("  现行：", "  in force: "),
         side(sample.active_outcome(), sample.active_rule(), sample.active_reason()),
         Say("；草案：", "; draft: "),
         side(sample.draft_outcome(), sample.draft_rule(), sample.draft_reason()));
    if (sample.fields_size() > 0)
      Line(Say("  变化的字段：", "  fields that differ: "), absl::StrJoin(sample.fields(), ", "));
    for (const auto& value : sample.values()) {
      Line("    ", value.field(), ": ", Side(value, value.active(), false), " → ",
           Side(value, value.draft(), value.draft_withheld()));
    }
    if (!sample.why_no_values().empty()) Line("  ", OneLanguage(sample.why_no_values()));
  }
  std::string Side(const DryRunSample::Value& value, const std::string& text, bool withheld) const {
    if (withheld || value.shown() == DryRunSample::SHOWN_WITHHELD)
      return Say("（不显示）", "(not shown)");
    return text.empty() ? Say("（空）", "(empty)") : ValueInWords(text, english_);
  }
  // "中文 / English"
  std::string OneLanguage(const std::string& both) const {
    const size_t at = both.find(" / ");
    if (at == std::string::npos) return both;
    return english_ ? both.substr(at + 3) : both.substr(0, at);
  }

  const DryRunReport& report_;
  const PlaceName& place_;
  const bool english_;
  std::string out_;
};

}  // namespace

std::string InWords(DryRunCategory category, bool english) {
  for (const Words& words : kWords) {
    if (words.category == category) return english ? words.english : words.chinese;
  }
  return "";
}

std::string NameOf(DryRunCategory category) {
  for (const Words& words : kWords) {
    if (words.category == category) return words.name;
  }
  return "";
}

std::string ReportInWords(const DryRunReport& report, const PlaceName& place, bool english) {
  return Report(report, place, english).Write();
}

std::string SummaryInWords(const DryRunSummary& summary, bool english) {
  std::string out = TimeText(summary.time());
  absl::StrAppend(
      &out, "  ", summary.account(), "  ",
      summary.source().empty() ? (english ? "at the node" : "在节点") : summary.source());
  if (summary.has_from() || summary.has_to()) {
    absl::StrAppend(&out, "  ", summary.has_from() ? TimeText(summary.from()) : "", " – ",
                    summary.has_to() ? TimeText(summary.to()) : "");
  }
  absl::StrAppend(&out, english ? "  beside version " : "  对比第 ", summary.active_version(),
                  english ? ": " : " 版：");
  std::vector<std::string> parts;
  for (const Words& words : kWords) {
    const int64_t count = CountOf(summary.counts(), words.category);
    if (count > 0)
      parts.push_back(absl::StrCat(english ? words.english : words.chinese, " ", count));
  }
  absl::StrAppend(&out, absl::StrJoin(parts, english ? ", " : "，"),
                  english ? "; records: " : "；比对记录 ", summary.records());
  return out;
}

}  // namespace huiliu::rules
