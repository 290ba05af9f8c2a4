#include "core/rules/rule_test.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/rules/return_engine.h"
#include "core/rules/rule_test_text.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

constexpr char kKey[] = "rule-test pseudonym key";

std::string OutcomeWord(huiliu::v1::Outcome outcome) {
  const std::string name = huiliu::v1::Outcome_Name(outcome);
  return absl::AsciiStrToLower(absl::StripPrefix(name, "OUTCOME_"));
}

absl::string_view NoveltyWord(Novelty novelty) {
  switch (novelty) {
    case Novelty::kNew:
      return "new";
    case Novelty::kUnchanged:
      return "unchanged";
    case Novelty::kSuperseded:
      return "superseded";
    case Novelty::kRepeat:
      return "repeat";
    case Novelty::kRedecided:
      return "redecided";
  }
  return "";
}

class Runner {
 public:
  Runner(absl::string_view file, const RuleTestWorld& world) : file_(file), world_(world) {}

  absl::StatusOr<RuleTestReport> Run(const std::vector<TestLine>& lines) {
    for (const TestLine& line : lines) {
      line_ = line.number;
      const bool head = line.word == "rules" || line.word == "area" || line.word == "columns";
      RETURN_IF_ERROR(head ? Head(line) : Body(line));
    }
    if (report_.cases == 0) return Wrong("没有 case / no case");
    RETURN_IF_ERROR(EndCase());
    return std::move(report_);
  }

 private:
  absl::Status Wrong(absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ":", line_, ": ", message));
  }

  // A case that expects nothing would pass whatever the rules are.
  absl::Status EndCase() {
    if (case_line_ == 0 || expects_) return absl::OkStatus();
    line_ = case_line_;
    return Wrong(absl::StrCat("用例“", case_,
                              "”没有写期望，什么也没有检查；请写 期望、字段、脱敏 等 / "
                              "case \"",
                              case_,
                              "\" expects nothing, so nothing is checked; write "
                              "expect, field, masked or the like"));
  }

  absl::Status Head(const TestLine& line) {
    if (line.word == "area") {
      areas_ = Names(line.value);
      for (const std::string& area : areas_) {
        if (const absl::Status fits = territory::CheckArea(*world_.divisions, area); !fits.ok())
          return Wrong(fits.message());
      }
      return rules_ == nullptr ? absl::OkStatus() : MakeEngine();
    }
    if (line.word == "columns") {
      if (contract_ == nullptr) return Wrong("先写 rules / rules comes first");
      columns_.clear();
      for (const std::string& name : Names(line.value)) {
        ASSIGN_OR_RETURN(const schema::Field* const field, Named(name));
        columns_.push_back(field);
      }
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string yaml, world_.read_file(line.value));
    ASSIGN_OR_RETURN(const RuleSetHead head, ParseRuleSetHead(line.value, yaml));
    columns_.clear();
    ASSIGN_OR_RETURN(contract_, world_.contract(head.dataset));
    ASSIGN_OR_RETURN(rules_,
                     ParseRuleSet(line.value, yaml, *contract_, nullptr, world_.divisions.get()));
    return MakeEngine();
  }

  absl::Status MakeEngine() {
    Receiver receiver{rules_->receiver, rules_->receiver.value(), areas_, kKey};
    if (areas_.empty()) receiver.divisions = {receiver.id.value()};
    ASSIGN_OR_RETURN(engine_,
                     ReturnEngine::Create({{receiver}}, contract_, {rules_}, world_.divisions));
    return absl::OkStatus();
  }

  absl::Status Body(const TestLine& line) {
    if (line.word == "case") {
      RETURN_IF_ERROR(EndCase());
      line_ = case_line_ = line.number;
      expects_ = false;
      ++report_.cases;
      case_ = line.value;
      memory_.reset();
      decided_ = false;
      change_ = SourceChange();
      change_.now_us = absl::ToUnixMicros(absl::FromCivil(Today(), ShanghaiTimeZone()));
      states_day_ = false;
      row_ = "1";
      return absl::OkStatus();
    }
    if (case_.empty() || engine_ == nullptr)
      return Wrong("先写 rules 与 case / rules and case come first");
    if (line.word == "given" || line.word == "delete") return Change(line);
    if (line.word == "row" || line.word == "time" || line.word == "day") return Circumstance(line);
    if (!decided_) return Wrong("期望之前没有 given / nothing is given yet");
    ++report_.expectations;
    expects_ = true;
    return Expectation(line);
  }

  absl::CivilDay Today() const { return absl::ToCivilDay(world_.today, ShanghaiTimeZone()); }

  // Which of the rules are in force depends on the day.
  bool HasDates() const {
    return std::any_of(rules_->rules.begin(), rules_->rules.end(), [](const Rule& rule) {
      return rule.valid_from != absl::InfinitePast() || rule.valid_to != absl::InfiniteFuture();
    });
  }

  absl::Status Circumstance(const TestLine& line) {
    states_day_ = states_day_ || line.word == "day";
    if (line.word == "row") {
      row_ = line.value;
      return absl::OkStatus();
    }
    absl::Time time;
    std::string error;
    const std::string text =
        line.word == "day" ? absl::StrCat(line.value, "T00:00:00+08:00") : line.value;
    if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error))
      return Wrong(absl::StrCat(line.word, ": ", error));
    (line.word == "day" ? change_.now_us : change_.source_time_us) = absl::ToUnixMicros(time);
    return absl::OkStatus();
  }

  absl::Status Change(const TestLine& line) {
    if (!states_day_ && HasDates()) report_.today = absl::FormatCivilTime(Today());
    payload_.clear();
    change_.operation = huiliu::v1::OPERATION_DELETE;
    if (line.word == "given") {
      auto record =
          line.name == "csv" ? FromCsv(line.value) : schema::RecordFromJson(*contract_, line.value);
      if (!record.ok()) return Wrong(record.status().message());
      payload_ = *std::move(record);
      change_.operation = huiliu::v1::OPERATION_UPSERT;
    }
    change_.payload = payload_;
    change_.row_id = row_;
    engine_->Decide(change_, memory_.has_value() ? &*memory_ : nullptr, &decision_);
    if (decision_.store) {
      ASSIGN_OR_RETURN(memory_, DecodeDecision(EncodeDecision(decision_.next)));
    }
    decided_ = true;
    return absl::OkStatus();
  }

  // By name or Chinese title.
  absl::StatusOr<const schema::Field*> Named(const std::string& name) const {
    const schema::Field* found = contract_->FindField(name);
    for (const schema::Field& field : contract_->fields()) {
      if (found == nullptr && field.options.title() == name) found = &field;
    }
    if (found == nullptr) return Wrong(absl::StrCat("没有字段 / unknown field ", name));
    return found;
  }

  // An empty cell is a field that is not there.
  absl::StatusOr<std::string> FromCsv(absl::string_view row) const {
    std::vector<std::string> cells;
    if (!SplitCsv(row, &cells))
      return absl::InvalidArgumentError("引号未闭合 / a quote is not closed");
    if (cells.size() != columns_.size()) {
      return absl::InvalidArgumentError(absl::StrCat("columns ", columns_.size(), " 列，这一行 ",
                                                     cells.size(), " 格 / cells in this row"));
    }
    schema::RecordWriter writer(*contract_);
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].empty()) continue;
      RETURN_IF_ERROR(writer.SetText(*columns_[i], cells[i]));
    }
    return writer.Finish();
  }

  void Compare(absl::string_view what, absl::string_view expected, absl::string_view got) {
    if (expected == got) return;
    const absl::string_view empty = world_.english ? "(empty)" : "（空）";
    // Behind the word stands a field's name, which stays.
    const std::string word(what.substr(0, what.find(' ')));
    report_.failures.push_back(
        absl::StrCat(file_, ":", line_, ": ", case_, ": ", world_.english ? word : InChinese(word),
                     what.substr(word.size()), world_.english ? " expected " : " 应为 ",
                     expected.empty() ? empty : expected, world_.english ? ", actual " : "，实为 ",
                     got.empty() ? empty : got));
  }
  // Of values that have a word in either language.
  void CompareWords(absl::string_view what, absl::string_view expected, absl::string_view got) {
    if (world_.english || expected == got) return Compare(what, expected, got);
    Compare(what, InChinese(expected), InChinese(got));
  }

  // What the receiver gets of a field; nullopt where it gets no record.
  absl::StatusOr<std::optional<std::string>> Shown(const schema::Field& field) {
    for (const Output& output : decision_.outputs) {
      if (output.tombstone) continue;
      ASSIGN_OR_RETURN(std::string text, schema::FieldToText(*contract_, field, output.payload));
      return std::optional<std::string>(std::move(text));
    }
    return std::optional<std::string>();
  }

  // A value as FieldToText gives it: people write a time in their own zone, or only its day.
  std::string AsShown(const schema::Field& field, const std::string& value) const {
    if (value.empty() || field.type == schema::FieldType::kString) return value;
    schema::RecordWriter writer(*contract_);
    if (!writer.SetText(field, value).ok()) return value;
    return schema::FieldToText(*contract_, field, writer.Finish()).value_or(value);
  }

  // absent, masked, kept: of each field in the list.
  absl::Status Fields(const TestLine& line) {
    const std::vector<std::string> names = Names(line.value);
    if (names.empty()) return Wrong("没有写字段 / no field named");
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(const schema::Field* const field, Named(name));
      ASSIGN_OR_RETURN(const auto shown, Shown(*field));
      const std::string what = absl::StrCat(line.word, " ", name);
      if (line.word == "absent") {
        Compare(what, "", shown.value_or(""));
        continue;
      }
      ASSIGN_OR_RETURN(const std::string given, schema::FieldToText(*contract_, *field, payload_));
      if (given.empty())
        return Wrong(absl::StrCat("给定的记录没有这个字段 / not in what is given: ", name));
      if (line.word == "kept") {
        Compare(what, given, shown.value_or(NoRecord()));
      } else if (!shown.has_value()) {
        Compare(what, world_.english ? "masked" : "脱敏", NoRecord());
      } else if (shown->empty()) {
        // What is not there is not masked: absent says that.
        Compare(what, world_.english ? "masked" : "脱敏", "");
      } else if (*shown == given) {
        Compare(what, world_.english ? "masked" : "脱敏", given);
      }
    }
    return absl::OkStatus();
  }

  std::string NoRecord() const { return world_.english ? "(no record)" : "（没有记录）"; }

  absl::Status Expectation(const TestLine& line) {
    const absl::string_view word = line.word;
    if (word == "expect") {
      std::string got = OutcomeWord(decision_.outcomes[0]);
      if (!decision_.outputs.empty() && decision_.outputs[0].tombstone)
        absl::StrAppend(&got, " tombstone");
      std::vector<std::string> expected = absl::StrSplit(line.value, ' ', absl::SkipEmpty());
      for (std::string& each : expected) each = Plain(each);
      CompareWords(word, absl::StrJoin(expected, " "), got);
    } else if (word == "novelty") {
      Compare(word, line.value, NoveltyWord(decision_.novelty));
    } else if (word == "rule") {
      const int rule = decision_.rules[0];
      Compare(word, line.value,
              rule < 0 ? absl::string_view() : absl::string_view(rules_->rules[rule].id));
    } else if (word == "reason") {
      Compare(word, line.value, decision_.reasons[0]);
    } else if (word == "division") {
      Compare(word, line.value, decision_.attribution.division);
    } else if (word == "conflict") {
      CompareWords(word, Plain(line.value), decision_.attribution.conflict ? "yes" : "no");
    } else if (word == "field") {
      ASSIGN_OR_RETURN(const schema::Field* const field, Named(line.name));
      ASSIGN_OR_RETURN(const auto shown, Shown(*field));
      Compare(absl::StrCat("field ", line.name), AsShown(*field, line.value),
              shown.value_or(NoRecord()));
    } else if (word == "absent" || word == "masked" || word == "kept") {
      return Fields(line);
    } else {
      return Wrong(absl::StrCat("未知的词 / unknown word ", word));
    }
    return absl::OkStatus();
  }

  const std::string file_;
  const RuleTestWorld& world_;
  RuleTestReport report_;
  std::shared_ptr<const schema::Contract> contract_;
  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<ReturnEngine> engine_;
  std::vector<std::string> areas_;
  std::vector<const schema::Field*> columns_;  // of `given csv`
  int line_ = 0;
  std::string case_;
  int case_line_ = 0;     // 0: none has begun
  bool expects_ = false;  // the case has an expectation
  bool states_day_ = false;
  std::string row_;
  std::string payload_;
  SourceChange change_;
  Decision decision_;
  std::optional<PriorDecision> memory_;
  bool decided_ = false;
};

}  // namespace

absl::StatusOr<RuleTestReport> RunRuleTest(absl::string_view file, absl::string_view text,
                                           const RuleTestWorld& world) {
  ASSIGN_OR_RETURN(const std::vector<TestLine> lines, SplitRuleTest(file, text));
  return Runner(file, world).Run(lines);
}

}  // namespace huiliu::rules
