#include "core/cel/expression.h"

#include "core/cel/parser.h"

namespace huiliu::cel {

std::unique_ptr<const Expression> Expression::Compile(absl::string_view text, const Scope& scope,
                                                      const ExpressionOptions& options,
                                                      std::vector<Issue>* issues) {
  std::vector<Finding> findings(1);
  const auto report = [&]() -> std::unique_ptr<const Expression> {
    for (const Finding& finding : findings) issues->push_back(PlaceOf(text, finding));
    return nullptr;
  };
  const ExprPtr root = Parse(text, &findings[0]);
  if (root == nullptr) return report();
  findings.clear();
  if (!Check(root.get(), scope, options.typed, &findings)) return report();
  std::unique_ptr<Expression> expression(new Expression());
  expression->type_ = root->type;
  expression->plan_ = MakePlan(*root, options.contract, options.environment, options.strict,
                               &expression->constants_, &findings);
  if (!findings.empty()) return report();
  return expression;
}

}  // namespace huiliu::cel
