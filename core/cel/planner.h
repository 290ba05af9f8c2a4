// Checked tree → closures: constants are folded, frequent conditions fused.
#ifndef HUILIU_CORE_CEL_PLANNER_H_
#define HUILIU_CORE_CEL_PLANNER_H_

#include <vector>

#include "core/cel/ast.h"
#include "core/cel/lexer.h"
#include "core/cel/node.h"

namespace huiliu::cel {

struct Plan {
  NodePtr root;
  std::vector<int> fields;  // Field::index of those read, ascending
};

// `contract` may be null where the scope has no fields. `constants` and `environment` must outlive
// the plan. With `strict`, a literal that can only fail (a pattern, timestamp or duration that is
// none) is a finding, not an error at each evaluation. No root where there are findings.
Plan MakePlan(const Expr& root, const schema::Contract* contract, const Environment* environment,
              bool strict, Arena* constants, std::vector<Finding>* findings);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_PLANNER_H_
