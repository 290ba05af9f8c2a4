#include "core/cel/macros.h"

#include "absl/strings/str_cat.h"

namespace huiliu::cel {
namespace {

struct Shape {
  const char* name;
  size_t args;  // with the receiver
  size_t variables;
  Macro macro;
};
constexpr Shape kShapes[] = {
    {"all", 3, 1, Macro::kAll},
    {"exists", 3, 1, Macro::kExists},
    {"exists_one", 3, 1, Macro::kExistsOne},
    {"existsOne", 3, 1, Macro::kExistsOne},
    {"map", 3, 1, Macro::kMap},
    {"map", 4, 1, Macro::kMapIf},
    {"filter", 3, 1, Macro::kFilter},
    // With index and element, or key and value.
    {"all", 4, 2, Macro::kAll},
    {"exists", 4, 2, Macro::kExists},
    {"exists_one", 4, 2, Macro::kExistsOne},
    {"existsOne", 4, 2, Macro::kExistsOne},
    {"transformList", 4, 2, Macro::kMap},
    {"transformList", 5, 2, Macro::kMapIf},
    {"transformMap", 4, 2, Macro::kToMap},
    {"transformMap", 5, 2, Macro::kToMapIf},
};

bool NamesVariable(const Expr& expr) {
  return expr.kind == ExprKind::kIdent && !expr.absolute && !expr.presence_test;
}

// cel.iterVar(0, 0): how the extension of cel.block names a variable.
bool OfBlock(const Expr& expr) {
  return expr.kind == ExprKind::kCall && expr.receiver && expr.name == "iterVar" &&
         expr.args[0]->kind == ExprKind::kIdent && expr.args[0]->name == "cel";
}

ExprPtr ExpandHas(ExprPtr call, Finding* finding) {
  Expr& tested = *call->args[0];
  const bool field = tested.kind == ExprKind::kSelect || tested.kind == ExprKind::kIdent;
  if (!field || tested.presence_test) {
    *finding = {tested.offset,
                "has() asks for one field: has(name) or has(value.name) (has 只接受字段)"};
    return nullptr;
  }
  tested.presence_test = true;
  return std::move(call->args[0]);
}

}  // namespace

ExprPtr ExpandMacro(ExprPtr call, Finding* finding) {
  if (!call->receiver) {
    return call->name == "has" && call->args.size() == 1 ? ExpandHas(std::move(call), finding)
                                                         : std::move(call);
  }
  for (const Shape& shape : kShapes) {
    if (call->name != shape.name || call->args.size() != shape.args) continue;
    for (size_t i = 1; i <= shape.variables; ++i) {
      const Expr& variable = *call->args[i];
      if (OfBlock(variable)) {
        *finding = {
            variable.offset,
            absl::StrCat("cel.", variable.name, " is not supported (不支持 cel.block 扩展)"), true};
        return nullptr;
      }
      if (!NamesVariable(variable)) {
        *finding = {variable.offset,
                    absl::StrCat(shape.name, "() names a variable first, as in list.", shape.name,
                                 shape.variables == 1 ? "(x, x > 0)" : "(i, x, x > i)",
                                 " (第一个参数应为变量名)")};
        return nullptr;
      }
      call->names.push_back(variable.name);
    }
    call->kind = ExprKind::kComprehension;
    call->macro = shape.macro;
    call->args.erase(call->args.begin() + 1,
                     call->args.begin() + 1 + static_cast<std::ptrdiff_t>(shape.variables));
    return call;
  }
  return call;
}

}  // namespace huiliu::cel
