// Rule files from any text: findings have their place in the file; a file that is accepted
// compiles, decides every record the same way twice, and lets no value out that it drops or masks.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rules/return_engine.h"
#include "core/rules/rule_matcher.h"
#include "core/rules/rule_set.h"
#include "core/rules/utf8.h"
#include "core/schema/record_writer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

namespace huiliu::rules {
namespace {

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";
constexpr char kHidden[] = "契约之外";

// Values that show up nowhere else.
const std::vector<std::pair<std::string, std::string>>& Secrets() {
  static const auto& secrets = *new std::vector<std::pair<std::string, std::string>>{
      {"name", "甄士隐"}, {"phone", "13507241968"}, {"division", "530102"}};
  return secrets;
}

std::vector<std::string> Records() {
  const schema::Contract& contract = *fuzz::PersonContract();
  std::vector<std::string> records;
  for (const char* json :
       {R"({"id":"1","name":"甄士隐","phone":"13507241968","age":"41","division":"530102",
            "tags":["a","b"],"at":"2026-01-02T03:04:05Z","open":true,"amount":1.5,
            "state":"STATE_OPEN","serial":"7","marks":["1","2"],"photo":"AAEC"})",
        R"({"id":"2","name":"甄士隐","division":"530102"})", R"({"id":"3","division":"532901"})"})
    records.push_back(fuzz::Must(schema::RecordFromJson(contract, json)));
  // A field that the contract does not know, and a name that is no UTF-8.
  records[0] +=
      absl::StrCat("\xBA\x3E", std::string(1, static_cast<char>(sizeof kHidden - 1)), kHidden);
  records.push_back(records[1] + "\x12\x02\xD5\xC5");
  return records;
}

void CheckFindings(absl::string_view yaml, const std::vector<huiliu::v1::RuleError>& errors) {
  FUZZ_CHECK(!errors.empty());
  const auto lines =
      std::count(yaml.begin(), yaml.end(), '\n') + std::count(yaml.begin(), yaml.end(), '\r') + 1;
  for (const huiliu::v1::RuleError& error : errors) {
    FUZZ_CHECK_SAY(error.line() >= 1 && error.line() <= lines + 1 && error.column() >= 1,
                   error.DebugString());
    FUZZ_CHECK_SAY(IsUtf8(error.message()) && !error.message().empty(), error.DebugString());
    FUZZ_CHECK_SAY(IsUtf8(error.rule()) && IsUtf8(error.file()), error.DebugString());
  }
}

const huiliu::v1::Mask* MaskOf(const Rule& rule, const std::string& field) {
  for (const auto& [name, mask] : rule.masks)
    if (name == field) return &mask;
  return nullptr;
}

// Whether a value may come from what the rule itself writes: a constant, a fill, an expression.
bool MayWrite(const Rule& rule, absl::string_view value) {
  std::string written;
  for (const auto& [name, mask] : rule.masks)
    absl::StrAppend(&written, mask.constant(), mask.partial().fill());
  for (const DerivedField& derived : rule.derive) absl::StrAppend(&written, derived.expression);
  // Expressions put pieces together, and escapes stand for any of them.
  if (absl::StrContains(written, "\\") || absl::StrContains(written, "bytes")) return true;
  while (!value.empty()) {
    const size_t size = std::max<size_t>(CodePointLength(value), 1);
    if (!absl::StrContains(written, value.substr(0, size))) return false;
    value.remove_prefix(size);
  }
  return true;
}

// Whether the value of a field must not be in what leaves by a rule.
bool Hides(const Rule& rule, const std::string& field, const std::string& value) {
  const auto names = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), field) != list.end();
  };
  if (names(rule.discloses) || MayWrite(rule, value)) return false;
  if (const huiliu::v1::Mask* mask = MaskOf(rule, field)) return !mask->has_keep();
  if (names(rule.drop) || (!rule.keep.empty() && !names(rule.keep))) return true;
  for (const auto& [from, to] : rule.rename) {
    if (from == field) return false;
  }
  // What is made anew may be made of itself.
  const schema::Field* self = fuzz::PersonContract()->FindField(field);
  for (const DerivedField& derived : rule.derive) {
    if (derived.field != field) continue;
    return std::find(derived.reads.begin(), derived.reads.end(), self->index) ==
           derived.reads.end();
  }
  return std::any_of(rule.rename.begin(), rule.rename.end(),
                     [&](const auto& rename) { return rename.second == field; });
}

void CheckOutput(const RuleSet& set, const Decision& decision) {
  for (const Output& output : decision.outputs) {
    if (output.tombstone) continue;
    FUZZ_CHECK(!absl::StrContains(output.payload, kHidden));
    const int index = decision.rules[static_cast<size_t>(output.receiver)];
    FUZZ_CHECK(index >= 0 && index < static_cast<int>(set.rules.size()));
    const Rule& rule = set.rules[static_cast<size_t>(index)];
    FUZZ_CHECK(rule.returns && absl::StartsWith(output.rule, rule.id));
    for (const auto& [field, value] : Secrets())
      if (Hides(rule, field, value))
        FUZZ_CHECK_SAY(!absl::StrContains(output.payload, value), field);
  }
}

std::shared_ptr<const territory::Divisions> Divisions() {
  const char* root = std::getenv("HUILIU_ROOT");
  return fuzz::Must(
      territory::Divisions::Load(absl::StrCat(root == nullptr ? "." : root, "/schemas/divisions")));
}

void CheckDecisions(const std::shared_ptr<const RuleSet>& set) {
  static const auto& divisions = *new auto(Divisions());
  static const auto& records = *new auto(Records());
  ReturnEngine::Options options;
  options.receivers = {{set->receiver, "市", {"530100"}, kKey}};
  const auto engine =
      fuzz::Must(ReturnEngine::Create(options, fuzz::PersonContract(), {set}, divisions));
  for (const std::string& record : records) {
    SourceChange change;
    change.key = "k";
    change.payload = record;
    change.row_id = "f:1";
    change.now_us = 1767225600000000;
    Decision decision, again;
    engine->Decide(change, nullptr, &decision);
    engine->Decide(change, nullptr, &again);
    FUZZ_CHECK(decision.outcomes.size() == 1 && decision.outcomes == again.outcomes);
    FUZZ_CHECK(decision.reason == again.reason && decision.rules == again.rules);
    FUZZ_CHECK(decision.outputs.size() == again.outputs.size());
    const bool returned = decision.outcomes[0] == huiliu::v1::OUTCOME_RETURNED;
    FUZZ_CHECK(returned == !decision.outputs.empty());
    FUZZ_CHECK(returned == decision.reasons[0].empty() ||
               decision.outcomes[0] == huiliu::v1::OUTCOME_OUTSIDE_AREA);
    CheckOutput(*set, decision);
    // A re-read is neither sent nor counted again.
    engine->Decide(change, &decision.next, &again);
    FUZZ_CHECK(again.novelty == Novelty::kUnchanged && again.outputs.empty());
    const auto stored = DecodeDecision(EncodeDecision(decision.next));
    FUZZ_CHECK(stored.ok() && EncodeDecision(*stored) == EncodeDecision(decision.next));
  }
}

void Check(absl::string_view yaml) {
  std::vector<huiliu::v1::RuleError> errors;
  const auto set = ParseRuleSet("fuzz.yaml", yaml, *fuzz::PersonContract(), &errors);
  const auto head = ParseRuleSetHead("fuzz.yaml", yaml);
  if (!set.ok()) return CheckFindings(yaml, errors);
  FUZZ_CHECK(errors.empty());
  FUZZ_CHECK(head.ok() && head->dataset == (*set)->dataset && head->receiver == (*set)->receiver);
  FUZZ_CHECK((*set)->digest == Sha256(yaml));
  CheckDecisions(*set);
}

}  // namespace
}  // namespace huiliu::rules

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::rules::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
