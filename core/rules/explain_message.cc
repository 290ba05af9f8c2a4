#include "core/rules/explain_message.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/schema/record_writer.h"
#include "core/territory/finding_words.h"

namespace huiliu::rules {
namespace {

using Message = huiliu::v1::Explanation;
using huiliu::v1::DryRunSample;

constexpr Message::Truth kTruths[] = {Message::TRUTH_FALSE, Message::TRUTH_TRUE,
                                      Message::TRUTH_ERROR};

class Writer {
 public:
  Writer(const Explanation& explanation, const schema::Contract& contract, const RuleSet& rule_set,
         absl::string_view record, const ExplainViewer& viewer)
      : explanation_(explanation),
        contract_(contract),
        rule_set_(rule_set),
        record_(record),
        viewer_(viewer) {}

  absl::StatusOr<Message> Write() {
    const Decision& decision = explanation_.decision;
    Message out;
    out.set_dataset(contract_.id().value());
    out.set_receiver(rule_set_.receiver.value());
    out.set_version(rule_set_.version);
    out.set_outcome(decision.outcomes[0]);
    out.set_reason(decision.reasons[0]);
    const int rule = decision.rules[0];
    if (rule >= 0 && absl::StartsWith(decision.reasons[0], "rule.withheld:"))
      out.set_reason_words(rule_set_.rules[static_cast<size_t>(rule)].reason);
    out.set_division(decision.attribution.division);
    out.set_conflict(decision.attribution.conflict);
    if (!decision.overrides.empty()) out.set_territory_override(decision.overrides[0]);
    RETURN_IF_ERROR(AddLinks(&out));
    for (const ExplainedRule& explained : explanation_.rules) AddRule(explained, out.add_rules());
    if (!decision.outputs.empty() && !decision.outputs[0].tombstone)
      RETURN_IF_ERROR(AddFields(decision.outputs[0].payload, &out));
    return out;
  }

 private:
  Message::Value ValueOf(const schema::Field& field, const std::string& text) const {
    Message::Value value;
    value.set_field(field.name);
    value.set_title(field.options.title());
    auto [shown, words] = viewer_.show(field, text);
    value.set_shown(shown);
    if (shown == DryRunSample::SHOWN_CLEAR && field.type == schema::FieldType::kTimestamp)
      words = LocalTime(std::move(words));
    if (shown != DryRunSample::SHOWN_WITHHELD) value.set_text(std::move(words));
    return value;
  }

  // The same time (RFC 3339) with the offset of Asia/Shanghai.
  static std::string LocalTime(std::string text) {
    absl::Time time;
    return absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)
               ? absl::FormatTime("%Y-%m-%dT%H:%M:%E*S%Ez", time, ShanghaiTimeZone())
               : std::move(text);
  }
  bool Knows(const Message::Value& value) const {
    return viewer_.knows_all || value.shown() == DryRunSample::SHOWN_CLEAR;
  }

  // Whether all that it reads is known to the viewer.
  bool AddClause(const ExplainedClause& clause, Message::Clause* out) const {
    out->set_joint(clause.joint == cel::Clause::Joint::kAll   ? Message::Clause::JOINT_ALL
                   : clause.joint == cel::Clause::Joint::kAny ? Message::Clause::JOINT_ANY
                                                              : Message::Clause::JOINT_UNSPECIFIED);
    out->set_text(clause.text);
    out->set_words_chinese(clause.words_chinese);
    out->set_words_english(clause.words_english);
    bool known = true, clear = true;
    for (const auto& [field, text] : clause.fields) {
      *out->add_values() = ValueOf(*field, text);
      const Message::Value& value = out->values(out->values_size() - 1);
      known = known && Knows(value);
      clear = clear && value.shown() == DryRunSample::SHOWN_CLEAR;
    }
    for (const ExplainedClause& part : clause.parts)
      known = AddClause(part, out->add_parts()) && known;
    out->set_truth(known ? kTruths[static_cast<int>(clause.truth)] : Message::TRUTH_WITHHELD);
    // An error's words may quote a value.
    if (known && clear && clause.parts.empty()) out->set_error(clause.error);
    return known;
  }

  void AddRule(const ExplainedRule& explained, Message::Rule* out) const {
    out->set_id(explained.rule->id);
    out->set_title(explained.rule->title);
    out->set_in_force(explained.in_force);
    out->set_decides(explained.decides);
    out->set_always(explained.always);
    out->set_legal_basis(explained.rule->legal_basis);
    if (!explained.rule->returns) out->set_withholds(explained.rule->reason);
    if (!explained.in_force || explained.always) return;
    AddClause(explained.when, out->mutable_when());
    // The first rule that holds decides: whoever knows which did knows of each whether it holds.
    // Only that a condition could not be evaluated is told by the outcome's reason alone.
    if (out->when().truth() == Message::TRUTH_WITHHELD)
      out->mutable_when()->set_truth(kTruths[static_cast<int>(explained.when.truth)]);
    TellWhatFollows(out->mutable_when());
  }

  // What the truth of a condition says of its parts by itself is told of them, too, never with a
  // value: of all that hold, each does; where one part fails and all others are told to hold, it is
  // the one.
  static void TellWhatFollows(Message::Clause* clause) {
    const bool all = clause->joint() == Message::Clause::JOINT_ALL;
    if (clause->joint() == Message::Clause::JOINT_UNSPECIFIED ||
        (clause->truth() != Message::TRUTH_TRUE && clause->truth() != Message::TRUTH_FALSE))
      return;
    // What each part is unless the whole is otherwise: true of `all`, false of `any`.
    const Message::Truth usual = all ? Message::TRUTH_TRUE : Message::TRUTH_FALSE;
    int withheld = 0;
    bool explained = false;  // a part that is told makes the whole what it is
    for (const Message::Clause& part : clause->parts()) {
      withheld += part.truth() == Message::TRUTH_WITHHELD;
      explained = explained || (part.truth() != Message::TRUTH_WITHHELD && part.truth() != usual);
    }
    const bool follows = clause->truth() == usual || (withheld == 1 && !explained);
    for (Message::Clause& part : *clause->mutable_parts()) {
      if (follows && part.truth() == Message::TRUTH_WITHHELD) part.set_truth(clause->truth());
      TellWhatFollows(&part);
    }
  }

  absl::Status AddLinks(Message* out) const {
    const territory::Attribution& attribution = explanation_.decision.attribution;
    const auto& evidence = contract_.options().territory().evidence();
    bool knows_all = true;  // that says something
    for (int i = 0; i < evidence.size(); ++i) {
      const schema::Field* field = contract_.FindField(evidence[i].field());
      if (field == nullptr) continue;
      Message::Link* link = out->add_links();
      ASSIGN_OR_RETURN(const std::string text, schema::FieldToText(contract_, *field, record_));
      *link->mutable_value() = ValueOf(*field, text);
      link->set_basis(huiliu::v1::EvidenceKind_Name(evidence[i].kind()));
      link->set_decided(attribution.decided_by == i);
      link->set_decided_county(attribution.county_by == i);
      for (const territory::Finding& finding : attribution.findings) {
        if (finding.link != i) continue;
        knows_all = knows_all && Knows(link->value());
        AddFinding(finding, link);
      }
    }
    if (knows_all) out->set_county_means(territory::NameOf(attribution.county_means));
    return absl::OkStatus();
  }

  void AddFinding(const territory::Finding& finding, Message::Link* link) const {
    // What agrees says no more than the division that is told anyway.
    const bool more = finding.division != explanation_.decision.attribution.division ||
                      !finding.also.empty() || !finding.candidates.empty() || finding.unread;
    if (!Knows(link->value()) && more) return link->set_withheld(true);
    link->set_division(finding.division);
    link->set_ambiguous(finding.ambiguous);
    link->set_unread(finding.unread);
    link->set_also(finding.also);
    if (!finding.candidates.empty()) {
      for (absl::string_view code : absl::StrSplit(finding.candidates, '/'))
        link->add_candidates(std::string(code));
    }
    link->set_disagrees(territory::NameOf(finding.disagreement));
  }

  // How each field leaves: only what is not as it came, and only of fields that he sees at all.
  absl::Status AddFields(absl::string_view payload, Message* out) const {
    for (const schema::Field& field : contract_.fields()) {
      ASSIGN_OR_RETURN(const std::string came, schema::FieldToText(contract_, field, record_));
      ASSIGN_OR_RETURN(const std::string leaves, schema::FieldToText(contract_, field, payload));
      if (came == leaves) continue;
      if (!viewer_.knows_all && viewer_.show(field, came).first == DryRunSample::SHOWN_WITHHELD)
        continue;
      auto* names = leaves.empty() ? out->mutable_dropped()
                    : came.empty() ? out->mutable_filled()
                                   : out->mutable_changed();
      *names->Add() = field.name;
    }
    return absl::OkStatus();
  }

  const Explanation& explanation_;
  const schema::Contract& contract_;
  const RuleSet& rule_set_;
  const absl::string_view record_;
  const ExplainViewer& viewer_;
};

}  // namespace

absl::StatusOr<Message> ToMessage(const Explanation& explanation, const schema::Contract& contract,
                                  const RuleSet& rule_set, absl::string_view record,
                                  const ExplainViewer& viewer) {
  return Writer(explanation, contract, rule_set, record, viewer).Write();
}

}  // namespace huiliu::rules
