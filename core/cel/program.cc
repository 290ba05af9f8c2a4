#include "core/cel/program.h"

#include <algorithm>
#include <new>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "core/cel/contract_scope.h"
#include "core/cel/expression.h"
#include "core/cel/steps.h"

namespace huiliu::cel {
namespace {

std::unique_ptr<const Expression> CompileCondition(absl::string_view text,
                                                   const schema::Contract& contract,
                                                   const Environment& environment,
                                                   std::vector<Issue>* issues) {
  const ContractScope scope(contract, environment.contains != nullptr,
                            environment.resolve != nullptr);
  ExpressionOptions options;
  options.strict = true;
  options.contract = &contract;
  options.environment = &environment;
  auto expression = Expression::Compile(text, scope, options, issues);
  if (expression == nullptr) return nullptr;
  const TypeKind kind = expression->type().kind;
  if (kind == TypeKind::kBool || kind == TypeKind::kDyn) return expression;
  issues->push_back({1, 1,
                     absl::StrCat("a condition is true or false, this is a ",
                                  TypeName(expression->type()), " (条件应为真假值)")});
  return nullptr;
}

uint32_t CountTerms(absl::Span<const Step> steps) {
  uint32_t terms = 0;
  for (size_t i = 0; i < steps.size(); i += steps[i].span) ++terms;
  return terms;
}

// Where Make has put them.
absl::Span<const Step> StepsOf(const Predicate* predicate, size_t count) {
  return absl::Span<const Step>(reinterpret_cast<const Step*>(predicate + 1), count);
}

bool IsNode(const Step& step) { return step.op == StepOp::kNode; }

ABSL_ATTRIBUTE_NOINLINE Truth EvaluateWithFrame(absl::Span<const Step> terms, uint32_t proven,
                                                StepRun& run) {
  Frame frame;
  frame.activation = &run.activation;
  run.frame = &frame;
  return TestTerms(terms, proven, run);
}

}  // namespace

Predicate::Predicate(std::shared_ptr<const Environment> environment,
                     std::unique_ptr<const Expression> expression, absl::Span<const Step> steps)
    : fields_(expression->plan().fields),
      environment_(std::move(environment)),
      steps_(static_cast<uint32_t>(steps.size())),
      expression_(std::move(expression)) {
  const uint32_t terms = CountTerms(steps);
  terms_ = terms > Conjunct::kMaxProven ? ~uint32_t{0} : (uint32_t{1} << terms) - 1;
  CopySteps(steps, this + 1);
  if (std::none_of(steps.begin(), steps.end(), IsNode)) expression_ = nullptr;
}

Predicate::~Predicate() = default;

// In one piece of memory: a rule that is tested costs few looks at memory that is not near.
std::unique_ptr<const Predicate> Predicate::Make(std::shared_ptr<const Environment> environment,
                                                 std::unique_ptr<const Expression> expression) {
  static_assert(alignof(Predicate) >= alignof(Step) && sizeof(Predicate) % alignof(Step) == 0);
  const Node& root = *expression->plan().root;
  StepWriter writer;
  root.AppendSteps(&writer);
  if (writer.steps().size() > kMaxSteps) {
    writer = StepWriter();
    writer.AddNode(root);
  }
  void* const memory = ::operator new(sizeof(Predicate) + RowBytes(writer.steps()));
  return std::unique_ptr<const Predicate>(
      new (memory) Predicate(std::move(environment), std::move(expression), writer.steps()));
}

absl::Span<const Step> Predicate::steps() const { return StepsOf(this, steps_); }

Truth Predicate::EvaluateRest(const Activation& activation, uint32_t proven) const {
  StepRun run{activation};
  if (expression_ != nullptr) return EvaluateWithFrame(StepsOf(this, steps_), proven, run);
  return TestTerms(StepsOf(this, steps_), proven, run);
}

std::string Predicate::ExplainError(const Activation& activation) const {
  Frame frame;
  frame.activation = &activation;
  StepRun run{activation, 0, &frame};
  if (Evaluate(activation) != Truth::kError) return "";
  for (size_t i = 0; i < steps_; i += steps()[i].span) {
    std::string why = WhyError(steps()[i], run);
    if (!why.empty()) return why;
  }
  return std::string(kTooCostly);
}

std::vector<Conjunct> Predicate::IndexableConjuncts() const { return ConjunctsOf(steps()); }

absl::StatusOr<std::unique_ptr<const Predicate>> Predicate::Compile(
    absl::string_view expression, const schema::Contract& contract,
    std::shared_ptr<const Environment> environment, std::vector<Issue>* issues) {
  std::vector<Issue> found;
  auto compiled = CompileCondition(expression, contract, *environment, &found);
  absl::Status status;
  if (compiled == nullptr) {
    const Issue& first = found.front();
    status = absl::InvalidArgumentError(
        absl::StrCat(first.line, ":", first.column, ": ", first.message));
  }
  if (issues != nullptr) *issues = std::move(found);
  if (compiled == nullptr) return status;
  return Make(std::move(environment), std::move(compiled));
}

absl::StatusOr<std::unique_ptr<const Predicate>> Predicate::Compile(
    absl::string_view expression, const schema::Contract& contract, const Environment& environment,
    std::vector<Issue>* issues) {
  return Compile(expression, contract, std::make_shared<const Environment>(environment), issues);
}

}  // namespace huiliu::cel
