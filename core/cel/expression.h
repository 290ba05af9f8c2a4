// A compiled expression of any type over any scope: what Predicate and the conformance runner
// share.
#ifndef HUILIU_CORE_CEL_EXPRESSION_H_
#define HUILIU_CORE_CEL_EXPRESSION_H_

#include <memory>
#include <vector>

#include "core/cel/checker.h"
#include "core/cel/node.h"
#include "core/cel/planner.h"

namespace huiliu::cel {

struct ExpressionOptions {
  bool typed = true;    // false: names are resolved, types left to the evaluation
  bool strict = false;  // literals that can only fail are issues
  const schema::Contract* contract = nullptr;
  const Environment* environment = nullptr;
};

// Immutable and thread-safe. What the options point to must outlive it, and the scope's pool.
class Expression {
 public:
  // Null where there are issues.
  static std::unique_ptr<const Expression> Compile(absl::string_view text, const Scope& scope,
                                                   const ExpressionOptions& options,
                                                   std::vector<Issue>* issues);

  // The result lives as long as the frame, the record and this expression.
  Value Evaluate(Frame& frame) const { return plan_.root->Evaluate(frame); }
  Truth Test(Frame& frame) const { return plan_.root->Test(frame); }
  const Type& type() const { return type_; }
  const Plan& plan() const { return plan_; }

 private:
  static constexpr size_t kFewBytes = 128;  // most expressions have few constants
  Expression() : constants_(4 * kMaxEvaluationBytes, kFewBytes) {}

  Arena constants_;
  Plan plan_;
  Type type_;
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_EXPRESSION_H_
