#include "core/cel/formula.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/cel/contract_scope.h"
#include "core/cel/expression.h"
#include "core/schema/text_value.h"

namespace huiliu::cel {
namespace {

using schema::FieldType;

bool Takes(FieldType field, TypeKind value) {
  if (value == TypeKind::kDyn) return true;
  switch (field) {
    case FieldType::kString:
      return value == TypeKind::kString;
    case FieldType::kBool:
      return value == TypeKind::kBool;
    case FieldType::kInt64:
    case FieldType::kUint64:
      return value == TypeKind::kInt || value == TypeKind::kUint;
    case FieldType::kEnum:
      return value == TypeKind::kInt;
    case FieldType::kDouble:
      return value == TypeKind::kInt || value == TypeKind::kUint || value == TypeKind::kDouble;
    case FieldType::kTimestamp:
      return value == TypeKind::kTimestamp;
    case FieldType::kBytes:
    case FieldType::kMessage:
      return false;
  }
  return false;
}

bool Takes(FieldType field, ValueKind value) {
  switch (value) {
    case ValueKind::kString:
      return Takes(field, TypeKind::kString);
    case ValueKind::kBool:
      return Takes(field, TypeKind::kBool);
    case ValueKind::kInt:
      return Takes(field, TypeKind::kInt);
    case ValueKind::kUint:
      return Takes(field, TypeKind::kUint);
    case ValueKind::kDouble:
      return Takes(field, TypeKind::kDouble);
    case ValueKind::kTimestamp:
      return Takes(field, TypeKind::kTimestamp);
    default:
      return false;
  }
}

class CompiledFormula : public Formula {
 public:
  CompiledFormula(const Environment& environment, FieldType target)
      : environment_(environment), target_(target) {}

  bool Open(absl::string_view text, const schema::Contract& contract, const schema::Field& target,
            std::vector<Issue>* issues) {
    const ContractScope scope(contract, environment_.contains != nullptr,
                              environment_.resolve != nullptr);
    ExpressionOptions options;
    options.strict = true;
    options.contract = &contract;
    options.environment = &environment_;
    expression_ = Expression::Compile(text, scope, options, issues);
    if (expression_ == nullptr) return false;
    if (!target.repeated && Takes(target_, expression_->type().kind)) return true;
    issues->push_back({1, 1,
                       absl::StrCat("字段 ", target.name, " 不能取此类型的值 / field ", target.name,
                                    target.repeated ? " is repeated and takes no value of type "
                                                    : " takes no value of type ",
                                    TypeName(expression_->type()))});
    return false;
  }

  bool AppendText(const Activation& activation, std::string* out) const override {
    Frame frame;
    frame.activation = &activation;
    const Value value = expression_->Evaluate(frame);
    if (value.kind == ValueKind::kNull) return true;
    if (!Takes(target_, value.kind)) return false;
    switch (value.kind) {
      case ValueKind::kString:
        if (!schema::IsUtf8(value.text())) return false;
        absl::StrAppend(out, value.text());
        return true;
      case ValueKind::kBool:
        absl::StrAppend(out, value.boolean ? "true" : "false");
        return true;
      case ValueKind::kInt:
        absl::StrAppend(out, value.integer);
        return true;
      case ValueKind::kUint:
        absl::StrAppend(out, value.natural);
        return true;
      case ValueKind::kDouble:
        absl::StrAppendFormat(out, "%.17g", value.number);
        return true;
      default:
        schema::AppendRfc3339(ToTime(value), out);
        return true;
    }
  }

  absl::Span<const int> fields() const override { return expression_->plan().fields; }

 private:
  const Environment environment_;
  const FieldType target_;
  std::unique_ptr<const Expression> expression_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Formula>> Formula::Compile(absl::string_view expression,
                                                                const schema::Contract& contract,
                                                                const schema::Field& target,
                                                                const Environment& environment,
                                                                std::vector<Issue>* issues) {
  auto formula = std::make_unique<CompiledFormula>(environment, target.type);
  std::vector<Issue> found;
  absl::Status status;
  if (!formula->Open(expression, contract, target, &found)) {
    const Issue& first = found.front();
    status = absl::InvalidArgumentError(
        absl::StrCat(first.line, ":", first.column, ": ", first.message));
  }
  if (issues != nullptr) *issues = std::move(found);
  if (!status.ok()) return status;
  return std::unique_ptr<const Formula>(std::move(formula));
}

}  // namespace huiliu::cel
