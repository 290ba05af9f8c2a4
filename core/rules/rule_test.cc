#include "core/rules/rule_test.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "core/base/status.h"
#include "core/rules/return_engine.h"
#include "core/schema/record_writer.h"

namespace huiliu::rules {
namespace {

constexpr char kKey[] = "rule-test pseudonym key";

struct Line {
  int number = 0;
  std::string word;   // expect, field, …
  std::string name;   // of a field
  std::string value;  // without surrounding space
};

absl::StatusOr<std::vector<Line>> Split(absl::string_view file, absl::string_view text) {
  std::vector<Line> lines;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    if (number == 1) absl::ConsumePrefix(&raw, "\xEF\xBB\xBF");
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || raw[0] == '#') continue;
    if (absl::StartsWith(raw, "  ")) {
      if (lines.empty())
        return absl::InvalidArgumentError(
            absl::StrCat(file, ":", number, ": 续行之前没有内容 / nothing to continue"));
      absl::StrAppend(&lines.back().value, " ", line);
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (parts.first.size() == line.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ":", number, ": 应为“词: 值” / expected word: value"));
    }
    const std::pair<absl::string_view, absl::string_view> word =
        absl::StrSplit(absl::StripAsciiWhitespace(parts.first), absl::MaxSplits(' ', 1));
    lines.push_back({number, std::string(word.first),
                     std::string(absl::StripAsciiWhitespace(word.second)),
                     std::string(absl::StripAsciiWhitespace(parts.second))});
  }
  return lines;
}

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

  absl::StatusOr<RuleTestReport> Run(const std::vector<Line>& lines) {
    for (const Line& line : lines) {
      line_ = line.number;
      RETURN_IF_ERROR(line.word == "rules" || line.word == "area" ? Head(line) : Body(line));
    }
    if (report_.cases == 0) return Wrong("没有 case / no case");
    return std::move(report_);
  }

 private:
  absl::Status Wrong(absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ":", line_, ": ", message));
  }

  absl::Status Head(const Line& line) {
    if (line.word == "area") {
      areas_ = absl::StrSplit(line.value, absl::ByAnyChar(", "), absl::SkipEmpty());
      return rules_ == nullptr ? absl::OkStatus() : MakeEngine();
    }
    ASSIGN_OR_RETURN(const std::string yaml, world_.read_file(line.value));
    ASSIGN_OR_RETURN(const RuleSetHead head, ParseRuleSetHead(line.value, yaml));
    ASSIGN_OR_RETURN(contract_, world_.contract(head.dataset));
    ASSIGN_OR_RETURN(rules_, ParseRuleSet(line.value, yaml, *contract_, nullptr));
    return MakeEngine();
  }

  absl::Status MakeEngine() {
    Receiver receiver{rules_->receiver, rules_->receiver.value(), areas_, kKey};
    if (areas_.empty()) receiver.divisions = {receiver.id.value()};
    ASSIGN_OR_RETURN(engine_,
                     ReturnEngine::Create({{receiver}}, contract_, {rules_}, world_.divisions));
    return absl::OkStatus();
  }

  absl::Status Body(const Line& line) {
    if (line.word == "case") {
      ++report_.cases;
      case_ = line.value;
      memory_.reset();
      decided_ = false;
      change_ = SourceChange();
      row_ = "1";
      return absl::OkStatus();
    }
    if (case_.empty() || engine_ == nullptr)
      return Wrong("先写 rules 与 case / rules and case come first");
    if (line.word == "given" || line.word == "delete") return Change(line);
    if (line.word == "row" || line.word == "time" || line.word == "day") return Circumstance(line);
    if (!decided_) return Wrong("期望之前没有 given / nothing is given yet");
    ++report_.expectations;
    return Expectation(line);
  }

  absl::Status Circumstance(const Line& line) {
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

  absl::Status Change(const Line& line) {
    payload_.clear();
    change_.operation = huiliu::v1::OPERATION_DELETE;
    if (line.word == "given") {
      auto record = schema::RecordFromJson(*contract_, line.value);
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

  void Compare(absl::string_view what, absl::string_view expected, absl::string_view got) {
    if (expected == got) return;
    report_.failures.push_back(absl::StrCat(file_, ":", line_, ": ", case_, ": ", what, " 应为 ",
                                            expected, "，实为 ",
                                            got.empty() ? absl::string_view("（空）") : got));
  }

  // What the receiver gets of a field; nullopt where it gets no record.
  absl::StatusOr<std::optional<std::string>> Shown(const std::string& name) {
    const schema::Field* field = contract_->FindField(name);
    if (field == nullptr) return Wrong(absl::StrCat("没有字段 / unknown field ", name));
    for (const Output& output : decision_.outputs) {
      if (output.tombstone) continue;
      ASSIGN_OR_RETURN(std::string text, schema::FieldToText(*contract_, *field, output.payload));
      return std::optional<std::string>(std::move(text));
    }
    return std::optional<std::string>();
  }

  absl::Status Expectation(const Line& line) {
    const absl::string_view word = line.word;
    if (word == "expect") {
      std::string got = OutcomeWord(decision_.outcomes[0]);
      if (!decision_.outputs.empty() && decision_.outputs[0].tombstone)
        absl::StrAppend(&got, " tombstone");
      Compare(word, line.value, got);
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
      Compare(word, line.value, decision_.attribution.conflict ? "yes" : "no");
    } else if (word == "field") {
      ASSIGN_OR_RETURN(const auto shown, Shown(line.name));
      Compare(absl::StrCat("field ", line.name), line.value,
              shown.value_or("（没有记录 / no record）"));
    } else if (word == "absent") {
      for (const absl::string_view name :
           absl::StrSplit(line.value, absl::ByAnyChar(", "), absl::SkipEmpty())) {
        ASSIGN_OR_RETURN(const auto shown, Shown(std::string(name)));
        Compare(absl::StrCat("absent ", name), "", shown.value_or(""));
      }
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
  int line_ = 0;
  std::string case_;
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
  ASSIGN_OR_RETURN(const std::vector<Line> lines, Split(file, text));
  return Runner(file, world).Run(lines);
}

}  // namespace huiliu::rules
