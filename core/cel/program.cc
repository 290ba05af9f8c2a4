#include "core/cel/program.h"

#include "absl/strings/str_cat.h"
#include "core/cel/contract_scope.h"
#include "core/cel/expression.h"

namespace huiliu::cel {
namespace {

class CompiledPredicate : public Predicate {
 public:
  explicit CompiledPredicate(const Environment& environment) : environment_(environment) {}

  bool Open(absl::string_view text, const schema::Contract& contract, std::vector<Issue>* issues) {
    const ContractScope scope(contract, environment_.contains != nullptr,
                              environment_.resolve != nullptr);
    ExpressionOptions options;
    options.strict = true;
    options.contract = &contract;
    options.environment = &environment_;
    expression_ = Expression::Compile(text, scope, options, issues);
    if (expression_ == nullptr) return false;
    const TypeKind kind = expression_->type().kind;
    if (kind == TypeKind::kBool || kind == TypeKind::kDyn) return true;
    issues->push_back({1, 1,
                       absl::StrCat("a condition is true or false, this is a ",
                                    TypeName(expression_->type()), " (条件应为真假值)")});
    return false;
  }

  Truth Evaluate(const Activation& activation) const override {
    Frame frame;
    frame.activation = &activation;
    return expression_->Test(frame);
  }

  std::string ExplainError(const Activation& activation) const override {
    Frame frame;
    frame.activation = &activation;
    const Value value = expression_->Evaluate(frame);
    if (value.is_error()) return std::string(value.text());
    return value.kind == ValueKind::kBool ? std::string() : "the result is no bool";
  }

  absl::Span<const int> fields() const override { return expression_->plan().fields; }

  std::vector<Conjunct> IndexableConjuncts() const override {
    std::vector<Conjunct> conjuncts;
    expression_->plan().root->AppendConjuncts(&conjuncts);
    return conjuncts;
  }

 private:
  const Environment environment_;
  std::unique_ptr<const Expression> expression_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Predicate>> Predicate::Compile(
    absl::string_view expression, const schema::Contract& contract, const Environment& environment,
    std::vector<Issue>* issues) {
  auto predicate = std::make_unique<CompiledPredicate>(environment);
  std::vector<Issue> found;
  const bool ok = predicate->Open(expression, contract, &found);
  absl::Status status;
  if (!ok) {
    const Issue& first = found.front();
    status = absl::InvalidArgumentError(
        absl::StrCat(first.line, ":", first.column, ": ", first.message));
  }
  if (issues != nullptr) *issues = std::move(found);
  if (!ok) return status;
  return std::unique_ptr<const Predicate>(std::move(predicate));
}

}  // namespace huiliu::cel
