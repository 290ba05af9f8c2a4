// Expressions from any text over records of any bytes: compiling and evaluating end, give the same
// twice, the two ways to evaluate agree, and an index may believe the conjuncts. The record follows
// a line
// "----"; without it some fixed ones are looked at.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/cel/contract_scope.h"
#include "core/cel/expression.h"
#include "core/cel/program.h"
#include "core/schema/record_writer.h"
#include "core/schema/text_value.h"
#include "core/schema/wire_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

namespace huiliu::cel {
namespace {

struct World {
  const schema::Contract& contract = *fuzz::PersonContract();
  fuzz::PrefixDivisions divisions;
  Environment environment;
  std::unique_ptr<schema::FieldPlan> plan;
  std::vector<std::string> records;
  World() {
    environment.contains = [this](absl::string_view area, absl::string_view code) {
      return divisions.Contains(area, code);
    };
    environment.resolve = [this](absl::string_view code) { return divisions.Resolve(code); };
    std::vector<uint32_t> numbers;
    for (const schema::Field& field : contract.fields()) numbers.push_back(field.number);
    plan = std::make_unique<schema::FieldPlan>(numbers);
    for (const char* json :
         {R"({"id":"1","name":"甄士隐","phone":"13507241968","age":"41","division":"530102",
              "tags":["a","b"],"at":"2026-01-02T03:04:05Z","open":true,"amount":1.5,
              "state":"STATE_OPEN","serial":"7","marks":["1","2"],"photo":"AAEC"})",
          "{}"})
      records.push_back(fuzz::Must(schema::RecordFromJson(contract, json)));
  }
};

// A field's value as one of the constants; nullopt where it is none.
std::optional<Constant> ValueOf(const schema::Field& field, const schema::FieldSlot& slot) {
  std::string text;
  if (slot.present && !schema::AppendText(field, slot.type, slot.number, slot.bytes, &text).ok())
    return std::nullopt;
  switch (field.type) {
    case schema::FieldType::kString:
    case schema::FieldType::kBytes:
      return Constant(text);
    case schema::FieldType::kBool:
      return Constant(text == "true");
    case schema::FieldType::kInt64:
    case schema::FieldType::kEnum:
      return Constant(static_cast<int64_t>(slot.present ? std::stoll(text) : 0));
    case schema::FieldType::kUint64:
      return Constant(static_cast<uint64_t>(slot.present ? std::stoull(text) : 0));
    default:
      return std::nullopt;
  }
}

// Whether the record may be skipped by this condition, told apart from the evaluation.
bool Refutes(const World& world, const Conjunct& conjunct, const Activation& activation) {
  if (conjunct.kind == Conjunct::Kind::kInDivision) {
    if (conjunct.field != Conjunct::kAttributedDivision) return false;
    return !world.divisions.Contains(std::get<std::string>(conjunct.values[0]),
                                     activation.division);
  }
  if (conjunct.field == Conjunct::kAttributedDivision) {
    return std::find(conjunct.values.begin(), conjunct.values.end(),
                     Constant(std::string(activation.division))) == conjunct.values.end();
  }
  const schema::Field& field = world.contract.fields()[static_cast<size_t>(conjunct.field)];
  const schema::FieldSlot& slot = activation.slots[static_cast<size_t>(conjunct.field)];
  FUZZ_CHECK(!field.repeated);
  if (conjunct.kind == Conjunct::Kind::kHas) return !slot.present;
  const std::optional<Constant> value = ValueOf(field, slot);
  if (!value.has_value()) return false;
  switch (conjunct.kind) {
    case Conjunct::Kind::kEquals:
      return *value != conjunct.values[0];
    case Conjunct::Kind::kIn:
      return std::find(conjunct.values.begin(), conjunct.values.end(), *value) ==
             conjunct.values.end();
    case Conjunct::Kind::kPrefix:
      return !absl::StartsWith(std::get<std::string>(*value),
                               std::get<std::string>(conjunct.values[0]));
    case Conjunct::Kind::kRange: {
      const auto& [lower, upper] = std::tie(conjunct.lower, conjunct.upper);
      if (lower && (*value < lower->value || (!lower->inclusive && *value == lower->value)))
        return true;
      return upper && (upper->value < *value || (!upper->inclusive && *value == upper->value));
    }
    default:
      return false;
  }
}

void CheckRecord(const World& world, const Predicate& predicate, const Predicate& again,
                 const Expression& expression, absl::string_view record) {
  std::vector<schema::FieldSlot> slots(world.contract.fields().size());
  if (!world.plan->Scan(record, absl::MakeSpan(slots)).ok()) return;
  Activation activation;
  activation.slots = slots;
  activation.division = "530102";
  activation.record = record;
  const Truth truth = predicate.Evaluate(activation);
  FUZZ_CHECK(predicate.Evaluate(activation) == truth);
  FUZZ_CHECK(again.Evaluate(activation) == truth);
  FUZZ_CHECK(predicate.ExplainError(activation).empty() == (truth != Truth::kError));
  Frame frame;
  frame.activation = &activation;
  const Value value = expression.Evaluate(frame);
  const bool is_bool = value.kind == ValueKind::kBool;
  FUZZ_CHECK(is_bool == (truth != Truth::kError));
  if (is_bool) FUZZ_CHECK(value.boolean == (truth == Truth::kTrue));
  if (truth != Truth::kTrue) return;
  for (const Conjunct& conjunct : predicate.IndexableConjuncts())
    FUZZ_CHECK(!Refutes(world, conjunct, activation));
}

void CheckIssues(absl::string_view text, const std::vector<Issue>& issues) {
  FUZZ_CHECK(!issues.empty());
  const auto lines =
      1 + std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r');
  for (const Issue& issue : issues) {
    FUZZ_CHECK(issue.line >= 1 && issue.line <= lines && issue.column >= 1);
    FUZZ_CHECK(!issue.message.empty());
    FUZZ_CHECK_SAY(schema::IsUtf8(issue.message), issue.message);
  }
}

void CheckInput(absl::string_view input) {
  static const World& world = *new World;
  fuzz::Parts parts(input);
  const absl::string_view text = parts.Section();
  std::vector<Issue> issues, issues_again;
  const auto predicate = Predicate::Compile(text, world.contract, world.environment, &issues);
  const auto again = Predicate::Compile(text, world.contract, world.environment, &issues_again);
  FUZZ_CHECK(predicate.status() == again.status() && issues.size() == issues_again.size());
  if (!predicate.ok()) return CheckIssues(text, issues);
  FUZZ_CHECK(issues.empty());
  const ContractScope scope(world.contract, true, true);
  ExpressionOptions options;
  options.strict = true;
  options.contract = &world.contract;
  options.environment = &world.environment;
  const auto expression = Expression::Compile(text, scope, options, &issues);
  FUZZ_CHECK(expression != nullptr);
  for (const std::string& record : world.records)
    CheckRecord(world, **predicate, **again, *expression, record);
  CheckRecord(world, **predicate, **again, *expression, parts.rest());
}

}  // namespace
}  // namespace huiliu::cel

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::cel::CheckInput(huiliu::fuzz::AsText(data, size));
  return 0;
}
