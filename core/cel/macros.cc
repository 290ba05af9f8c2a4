#include "core/cel/macros.h"

#include "absl/strings/str_cat.h"

namespace huiliu::cel {
namespace {

struct Shape {
  const char* name;
  size_t args;  // with the receiver
  Macro macro;
};
constexpr Shape kShapes[] = {
    {"all", 3, Macro::kAll},
    {"exists", 3, Macro::kExists},
    {"exists_one", 3, Macro::kExistsOne},
    {"existsOne", 3, Macro::kExistsOne},
    {"map", 3, Macro::kMap},
    {"map", 4, Macro::kMapIf},
    {"filter", 3, Macro::kFilter},
};

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
    const Expr& variable = *call->args[1];
    if (variable.kind != ExprKind::kIdent || variable.absolute || variable.presence_test) {
      *finding = {variable.offset,
                  absl::StrCat(shape.name, "() names a variable first, as in list.", shape.name,
                               "(x, x > 0) (第一个参数应为变量名)")};
      return nullptr;
    }
    call->kind = ExprKind::kComprehension;
    call->macro = shape.macro;
    call->names = {variable.name};
    call->args.erase(call->args.begin() + 1);
    return call;
  }
  return call;
}

}  // namespace huiliu::cel
