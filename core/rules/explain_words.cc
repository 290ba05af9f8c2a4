#include "core/rules/explain_words.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/clock.h"
#include "core/model/proto_time.h"
#include "core/rules/reason_words.h"
#include "core/rules/value_words.h"
#include "core/territory/finding_words.h"
#include "core/text/terminal_table.h"

namespace huiliu::rules {
namespace {

using Message = huiliu::v1::Explanation;
using huiliu::v1::DryRunSample;

class Speaker {
 public:
  Speaker(const Message& message, const ExplainLanguage& language)
      : message_(message), language_(language) {}

  std::string Speak() {
    if (message_.deleted()) {
      Line(Say("来源已删除此记录，无可判定 ",
               "the source has deleted this record, there is nothing to decide "),
           message_.place());
      return std::move(out_);
    }
    if (!message_.place().empty()) Origin();
    Line(Say("归属：", "belongs to: "),
         message_.division().empty() ? std::string(Say("无法判定", "not decided"))
                                     : Place(message_.division()),
         message_.territory_override().empty()
             ? std::string()
             : absl::StrCat(Say("（按认领决定 ", " (by override "), message_.territory_override(),
                            Say("）", ")")),
         message_.conflict() ? Say("（依据有矛盾）", " (evidence disagrees)") : "");
    if (language_.links) {
      County();
      for (const auto& link : message_.links()) Link(link);
    }
    for (const auto& rule : message_.rules()) Rule(rule);
    std::string reason;
    if (!message_.reason().empty()) {
      const std::string words = Reason();
      reason = absl::StrCat(Say("，", ", "), words);
      if (words != message_.reason()) absl::StrAppend(&reason, " [", message_.reason(), "]");
    }
    Line(Say("结果：", "outcome: "), Outcome(), reason);
    Fields(Say("不提供的字段：", "fields not given: "), message_.dropped());
    Fields(Say("脱敏或改写的字段：", "fields masked or replaced: "), message_.changed());
    Fields(Say("规则填写的字段：", "fields the rule fills: "), message_.filled());
    if (!message_.note().empty()) Line(Say("注意：", "note: "), OneLanguage(message_.note()));
    return std::move(out_);
  }

 private:
  const char* Say(const char* chinese, const char* english) const {
    return language_.english ? english : chinese;
  }
  template <typename... Parts>
  void Line(const Parts&... parts) {
    out_ += text::Printable(absl::StrCat(parts...)) + "\n";
  }
  std::string OneLanguage(const std::string& both) const {
    const size_t at = both.find(" / ");
    if (at == std::string::npos) return both;
    return language_.english ? both.substr(at + 3) : both.substr(0, at);
  }

  std::string Place(const std::string& code) const {
    const std::string name = language_.place ? language_.place(code) : "";
    return name.empty() ? code : absl::StrCat(code, " ", name);
  }
  std::string Title(absl::string_view field) const {
    std::string title = language_.title ? language_.title(std::string(field)) : "";
    return title.empty() ? std::string(field) : title;
  }
  std::string Value(const Message::Value& value) const {
    if (value.shown() == DryRunSample::SHOWN_WITHHELD) return language_.withheld;
    return value.text().empty() ? Say("（空）", "(empty)")
                                : ValueInWords(value.text(), language_.english);
  }
  const char* Truth(Message::Truth truth) const {
    switch (truth) {
      case Message::TRUTH_TRUE:
        return Say("成立", "holds");
      case Message::TRUTH_FALSE:
        return Say("不成立", "does not hold");
      case Message::TRUTH_ERROR:
        return Say("无法判断", "cannot be evaluated");
      default:
        return Say("不显示", "not told");
    }
  }
  const char* Outcome() const {
    switch (message_.outcome()) {
      case huiliu::v1::OUTCOME_RETURNED:
        return Say("已回流", "returned");
      case huiliu::v1::OUTCOME_OUTSIDE_AREA:
        return Say("域外", "outside area");
      case huiliu::v1::OUTCOME_WITHHELD:
        return Say("规则不予回流", "withheld");
      case huiliu::v1::OUTCOME_QUARANTINED:
        return Say("问题数据", "quarantined");
      case huiliu::v1::OUTCOME_PENDING:
        return Say("待认领", "pending");
      default:
        return Say("未处理", "not decided");
    }
  }

  void Origin() {
    std::string line = absl::StrCat(message_.system(), "  ", message_.place());
    const auto time = [&](const char* words, const google::protobuf::Timestamp& at) {
      absl::StrAppend(&line, words,
                      absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(at), ShanghaiTimeZone()));
    };
    if (message_.has_source_time())
      time(Say("  来源时间 ", "  source time "), message_.source_time());
    if (message_.has_arrival_time())
      time(Say("  接收时间 ", "  taken over "), message_.arrival_time());
    Line(line);
  }

  void Link(const Message::Link& link) {
    std::string line = absl::StrCat("  ", Title(link.value().field()), " = ", Value(link.value()));
    if (link.withheld()) {
      absl::StrAppend(&line, Say("：所示不显示", ": what it says is not told"));
    } else if (const std::string says = Says(link); !says.empty()) {
      absl::StrAppend(&line, Say("：", ": "), says);
    }
    if (link.decided() || link.decided_county())
      absl::StrAppend(&line, Say("（由它判定）", " (it decides)"));
    if (!link.disagrees().empty()) {
      absl::StrAppend(
          &line, Say("（与判定", " (disagrees: "),
          territory::InWords(territory::DisagreementNamed(link.disagrees()), language_.english),
          Say("）", ")"));
    }
    Line(line);
  }

  // As `territory explain` says it.
  static territory::Finding FindingOf(const Message::Link& link) {
    territory::Finding finding;
    finding.division = link.division();
    finding.ambiguous = link.ambiguous();
    finding.unread = link.unread();
    finding.also = link.also();
    finding.candidates = absl::StrJoin(link.candidates(), "/");
    return finding;
  }
  std::string Says(const Message::Link& link) const {
    return territory::InWords(
        FindingOf(link), [this](const std::string& code) { return Place(code); },
        language_.english);
  }

  // How the county was told, or why it was not; nothing where a link is not told, or where a person
  // decided.
  void County() {
    if (message_.division().empty() || !message_.territory_override().empty()) return;
    territory::Attribution attribution;
    attribution.division = message_.division();
    for (const auto& link : message_.links()) {
      if (link.withheld()) return;
      if (link.decided_county()) attribution.county_by = 0;
      attribution.findings.push_back(FindingOf(link));
    }
    const char* means =
        territory::InWords(territory::CountyMeansNamed(message_.county_means()), language_.english);
    const char* why_not = territory::WhyNoCounty(attribution, language_.english);
    if (*means != '\0') Line(Say("  县区凭：", "  county by: "), means);
    if (*why_not != '\0') Line(Say("  县区未定：", "  county not decided: "), why_not);
  }

  void Rule(const Message::Rule& rule) {
    std::string line =
        absl::StrCat(Say("规则 ", "rule "), rule.id(), "  ", rule.title(), Say("：", ": "));
    if (!rule.in_force()) {
      absl::StrAppend(&line, Say("不在有效期内", "not valid at that time"));
    } else if (rule.always()) {
      absl::StrAppend(&line, Say("没有条件，总是成立", "no condition, always holds"));
    } else {
      absl::StrAppend(&line, Truth(rule.when().truth()));
    }
    if (rule.decides())
      absl::StrAppend(&line, Say("，由它决定；依据：", ", it decides; legal basis: "),
                      rule.legal_basis());
    Line(line);
    if (!rule.has_when()) return;
    Clause(rule.when(), 2);
    UntoldReason(rule.when());
  }

  // An officer reads the words first, whoever reads English the condition.
  std::string Condition(const Message::Clause& clause) const {
    const std::string& words = language_.english ? clause.words_english() : clause.words_chinese();
    if (words.empty()) return clause.text();
    return language_.english ? absl::StrCat(clause.text(), " (", words, ")")
                             : absl::StrCat(words, "（", clause.text(), "）");
  }

  // The fields of the conditions that are not told.
  void Untold(const Message::Clause& clause, std::vector<std::string>* titles) const {
    for (const Message::Value& value : clause.values()) {
      std::string title = Title(value.field());
      const bool untold =
          clause.truth() == Message::TRUTH_WITHHELD && value.shown() != DryRunSample::SHOWN_CLEAR;
      if (untold && std::find(titles->begin(), titles->end(), title) == titles->end())
        titles->push_back(std::move(title));
    }
    for (const Message::Clause& part : clause.parts()) Untold(part, titles);
  }
  static bool HasFailed(const Message::Clause& clause) {
    if (clause.joint() == Message::Clause::JOINT_UNSPECIFIED)
      return clause.truth() == Message::TRUTH_FALSE;
    return std::any_of(clause.parts().begin(), clause.parts().end(), HasFailed);
  }

  // Of a rule that does not hold, where no condition that is told failed: the one that did is on a
  // field whose value he does not see.
  void UntoldReason(const Message::Clause& when) {
    std::vector<std::string> titles;
    if (when.truth() == Message::TRUTH_FALSE && !HasFailed(when)) Untold(when, &titles);
    if (titles.empty()) return;
    Line(Say("  未满足的是对这些字段的条件（值不显示）：",
             "  not met is a condition on (values are not shown): "),
         absl::StrJoin(titles, Say("、", ", ")));
  }

  void Clause(const Message::Clause& clause, int indent) {
    std::string line(static_cast<size_t>(indent), ' ');
    absl::StrAppend(&line, clause.truth() == Message::TRUTH_TRUE    ? "✓ "
                           : clause.truth() == Message::TRUTH_FALSE ? "✗ "
                           : clause.truth() == Message::TRUTH_ERROR ? "! "
                                                                    : "? ");
    if (clause.joint() == Message::Clause::JOINT_ALL) {
      absl::StrAppend(&line, Say("全部成立才成立：", "all of: "));
    } else if (clause.joint() == Message::Clause::JOINT_ANY) {
      absl::StrAppend(&line, Say("有一条成立即成立：", "any of: "));
    } else {
      absl::StrAppend(&line, Condition(clause));
    }
    for (const Message::Value& value : clause.values())
      absl::StrAppend(&line, "   ", Title(value.field()), " = ", Value(value));
    if (!clause.error().empty()) absl::StrAppend(&line, "   ", OneLanguage(clause.error()));
    Line(line);
    for (const Message::Clause& part : clause.parts()) Clause(part, indent + 2);
  }

  std::string Reason() const {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(absl::string_view(message_.reason()), absl::MaxSplits(':', 1));
    if (parts.first == "rule.none") return Say("没有规则成立", "no rule holds");
    if (parts.first == "rule.withheld" && !message_.reason_words().empty())
      return message_.reason_words();
    if (parts.first == "rule.error")
      return Say("规则的条件无法判断", "the rule's condition cannot be evaluated");
    const std::pair<const char*, const char*> of_fields[] = {
        {"mask.failed", Say("无法脱敏：", "cannot be masked: ")},
        {"derive.failed", Say("无法计算：", "cannot be derived: ")},
        {"required.empty", Say("必填项为空：", "required, but empty: ")},
        {"field.invalid", Say("值无效：", "not valid: ")}};
    for (const auto& [code, words] : of_fields) {
      if (parts.first == code) return absl::StrCat(words, Title(parts.second));
    }
    return ReasonInWords(message_.reason(), language_.english);
  }

  void Fields(const char* words, const google::protobuf::RepeatedPtrField<std::string>& names) {
    if (names.empty()) return;
    Line(words, absl::StrJoin(names, ", ", [&](std::string* out, const std::string& name) {
           out->append(Title(name));
         }));
  }

  const Message& message_;
  const ExplainLanguage& language_;
  std::string out_;
};

}  // namespace

std::string ExplanationInWords(const Message& explanation, const ExplainLanguage& language) {
  return Speaker(explanation, language).Speak();
}

}  // namespace huiliu::rules
