#include "core/rules/expression_mentions.h"

#include <algorithm>

#include "core/cel/parser.h"

namespace huiliu::rules {
namespace {

using cel::Expr;
using cel::ExprKind;

constexpr absl::string_view kDivision = "division";

// Calls visit(expr) for the whole tree.
template <typename Visit>
void Walk(const Expr& expr, const Visit& visit) {
  visit(expr);
  for (const cel::ExprPtr& arg : expr.args) {
    if (arg != nullptr) Walk(*arg, visit);
  }
}

template <typename Visit>
void WalkText(absl::string_view expression, const Visit& visit) {
  cel::Finding finding;
  const cel::ExprPtr expr = cel::Parse(expression, &finding);
  if (expr != nullptr) Walk(*expr, visit);
}

bool IsDivision(const Expr& expr) {
  if (expr.kind == ExprKind::kCall) return expr.name == "divisionOf" && expr.args.size() == 1;
  return expr.kind == ExprKind::kIdent && expr.name == kDivision && !expr.presence_test;
}

void AddLiterals(const Expr& expr, std::vector<ComparedDivision>* out) {
  Walk(expr, [&](const Expr& part) {
    const auto* text = std::get_if<std::string>(&part.literal);
    if (part.kind == ExprKind::kLiteral && text != nullptr) out->push_back({*text, part.offset});
  });
}

void Keep(std::optional<size_t>* least, size_t offset) {
  if (!least->has_value() || offset < **least) *least = offset;
}

}  // namespace

std::optional<size_t> OffsetOfField(absl::string_view expression, absl::string_view field) {
  std::optional<size_t> found;
  WalkText(expression, [&](const Expr& expr) {
    const bool reads = expr.kind == ExprKind::kIdent || expr.kind == ExprKind::kSelect;
    if (!reads || expr.name != field) return;
    // has(name) points at the macro, a leading dot before the name.
    const size_t at = expression.find(field, expr.offset);
    if (at != absl::string_view::npos) Keep(&found, at);
  });
  return found;
}

std::optional<size_t> OffsetOfDivision(absl::string_view expression) {
  std::optional<size_t> found;
  WalkText(expression, [&](const Expr& expr) {
    const bool own =
        expr.kind == ExprKind::kCall && expr.name == "inDivision" && expr.args.size() == 1;
    if (own || (expr.kind == ExprKind::kIdent && IsDivision(expr))) Keep(&found, expr.offset);
  });
  return found;
}

std::vector<ComparedDivision> ComparedDivisions(absl::string_view expression) {
  std::vector<ComparedDivision> found;
  WalkText(expression, [&](const Expr& expr) {
    if (expr.kind != ExprKind::kCall || expr.args.size() != 2) return;
    const Expr &left = *expr.args[0], &right = *expr.args[1];
    const bool equal = expr.name == "_==_" || expr.name == "_!=_";
    if (IsDivision(left) && (expr.name == "@in" || equal)) {
      if (expr.name == "@in" ? right.kind == ExprKind::kList : right.kind == ExprKind::kLiteral)
        AddLiterals(right, &found);
    } else if (equal && IsDivision(right) && left.kind == ExprKind::kLiteral) {
      AddLiterals(left, &found);
    }
  });
  return found;
}

}  // namespace huiliu::rules
