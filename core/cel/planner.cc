#include "core/cel/planner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/cel/domain_functions.h"
#include "core/cel/message.h"

namespace huiliu::cel {
namespace {

class Planner {
 public:
  Planner(const schema::Contract* contract, const Environment* environment, bool strict,
          Arena* constants, std::vector<Finding>* findings)
      : contract_(contract),
        environment_(environment),
        strict_(strict),
        constants_(*constants),
        findings_(*findings) {}

  NodePtr Make(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return MakeConstant(LiteralValue(expr.literal));
      case ExprKind::kIdent:
      case ExprKind::kSelect:
        return Named(expr);
      case ExprKind::kCall:
        return Call(expr);
      case ExprKind::kList:
        return Fold(expr, MakeList(All(expr.args)));
      case ExprKind::kMap:
        return Fold(expr, MakeMap(All(expr.args)));
      case ExprKind::kComprehension:
        return MacroNode(expr);
      case ExprKind::kMessage:
        return Message(expr);
    }
    return Refuse(expr, "not supported (不支持)");
  }

  std::vector<int> TakeFields() {
    std::sort(fields_.begin(), fields_.end());
    fields_.erase(std::unique(fields_.begin(), fields_.end()), fields_.end());
    return std::move(fields_);
  }

 private:
  NodePtr Refuse(const Expr& expr, std::string why) {
    if (findings_.size() < kMaxIssues) findings_.push_back({expr.offset, std::move(why), true});
    return MakeConstant(Null());
  }

  Value LiteralValue(const Literal& literal) {
    switch (literal.index()) {
      case 1:
        return Bool(std::get<bool>(literal));
      case 2:
        return Int(std::get<int64_t>(literal));
      case 3:
        return Uint(std::get<uint64_t>(literal));
      case 4:
        return Double(std::get<double>(literal));
      case 5:
        return constants_.Copy(ValueKind::kString, std::get<std::string>(literal));
      case 6:
        return constants_.Copy(ValueKind::kBytes, std::get<Bytes>(literal).value);
      default:
        return Null();
    }
  }

  std::vector<NodePtr> All(const std::vector<ExprPtr>& exprs) {
    std::vector<NodePtr> nodes;
    nodes.reserve(exprs.size());
    for (const ExprPtr& expr : exprs) nodes.push_back(Make(*expr));
    return nodes;
  }

  NodePtr Named(const Expr& expr) {
    switch (expr.reference.kind) {
      case Reference::Kind::kField:
        return Field(expr);
      case Reference::Kind::kDivision:
        return MakeField(FieldAccess::Division());
      case Reference::Kind::kConflict:
        return MakeConflict();
      case Reference::Kind::kVariable:
        return MakeVariable(expr.reference.index);
      case Reference::Kind::kLocal:
        return MakeLocal(expr.reference.index);
      case Reference::Kind::kNumber:
        return MakeConstant(Int(expr.reference.number));
      case Reference::Kind::kTypeName:
        return MakeConstant(constants_.Copy(ValueKind::kType, expr.reference.text));
      case Reference::Kind::kUnresolved:
        return MakeConstant(Error("undeclared reference (名称未声明)"));
      case Reference::Kind::kNone:
        break;
    }
    const Value key = constants_.Copy(ValueKind::kString, expr.name);
    NodePtr operand = Make(*expr.args[0]);
    return expr.presence_test ? MakeHasKey(std::move(operand), key)
                              : MakeSelect(std::move(operand), key);
  }

  NodePtr Field(const Expr& expr) {
    const schema::Field& field = contract_->fields()[static_cast<size_t>(expr.reference.index)];
    const FieldAccess access = FieldAccess::Of(field);
    fields_.push_back(field.index);
    if (expr.presence_test) return MakeHasField(access);
    if (access.encoding == Encoding::kUnsupported) return MakeRecordField(field.descriptor);
    return MakeField(access);
  }

  NodePtr Message(const Expr& expr) {
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    for (const std::string& name : expr.names)
      fields.push_back(FindMessageField(*expr.reference.message, name));
    return MakeMessage(expr.reference.message, std::move(fields), All(expr.args));
  }

  NodePtr Call(const Expr& expr) {
    if (expr.reference.kind == Reference::Kind::kUnresolved)
      return MakeConstant(Error("unbound function (没有这个函数)"));
    if (expr.name == "inDivision") return InDivision(expr);
    std::vector<NodePtr> args = All(expr.args);
    if (AsksEnvironment(expr.name)) return EnvironmentCall(expr, std::move(args));
    if (expr.name == "_&&_") return MakeAnd(std::move(args));
    if (expr.name == "_||_") return MakeOr(std::move(args));
    const bool folds = std::all_of(args.begin(), args.end(),
                                   [](const NodePtr& arg) { return arg->constant() != nullptr; });
    NodePtr node = folds ? Plain(expr, std::move(args)) : Fused(expr, std::move(args));
    return folds ? Fold(expr, std::move(node)) : std::move(node);
  }

  NodePtr Fused(const Expr& expr, std::vector<NodePtr> args) {
    if (args.size() == 2) {
      if (NodePtr fused = FuseBinary(expr.name, *args[0], *args[1])) return fused;
      if (expr.name == "matches") return Matches(expr, std::move(args));
      const bool ints =
          expr.args[0]->type.kind == TypeKind::kInt && expr.args[1]->type.kind == TypeKind::kInt;
      if (NodePtr node = ints ? MakeIntBinary(expr.name, &args) : nullptr) return node;
    }
    if (expr.name == "!_" && args.size() == 1) return MakeNot(std::move(args[0]));
    return Plain(expr, std::move(args));
  }

  NodePtr Matches(const Expr& expr, std::vector<NodePtr> args) {
    const Value* pattern = args[1]->constant();
    if (pattern == nullptr || pattern->kind != ValueKind::kString)
      return Plain(expr, std::move(args));
    if (++patterns_ > kMaxPatterns)
      return Refuse(
          expr, absl::StrCat("more than ", kMaxPatterns, " regular expressions (正则表达式过多)"));
    if (NodePtr node = MakeMatches(std::move(args[0]), pattern->text())) return node;
    if (strict_)
      return Refuse(*expr.args[1], "this is no regular expression of RE2 (正则表达式有误)");
    return MakeConstant(Error("matches: no regular expression (不是有效的正则表达式)"));
  }

  NodePtr Plain(const Expr& expr, std::vector<NodePtr> args) {
    if (expr.name == "_?_:_" && args.size() == 3)
      return MakeConditional(std::move(args[0]), std::move(args[1]), std::move(args[2]));
    const Function function = FindFunction(expr.name);
    if (function == nullptr)
      return Refuse(expr, absl::StrCat("unknown function \"", expr.name, "\" (没有这个函数)"));
    return MakeCall(function, std::move(args));
  }

  NodePtr EnvironmentCall(const Expr& expr, std::vector<NodePtr> args) {
    if (NodePtr node = MakeEnvironmentCall(expr.name, environment_, std::move(args))) return node;
    return MakeConstant(Error(kNoOverload));
  }

  NodePtr InDivision(const Expr& expr) {
    if (expr.args.size() != 1 && expr.args.size() != 2)
      return Refuse(expr,
                    "inDivision takes an area, or a code and an area (inDivision "
                    "的参数为区划，或代码与区划)");
    NodePtr code = expr.args.size() == 2 ? Make(*expr.args[0]) : nullptr;
    NodePtr area = Make(*expr.args.back());
    const Value* constant = area->constant();
    if (strict_ && constant != nullptr && constant->kind == ValueKind::kString &&
        environment_ != nullptr && environment_->check_area != nullptr) {
      if (const absl::Status fits = environment_->check_area(constant->text()); !fits.ok())
        return Refuse(*expr.args.back(), std::string(fits.message()));
    }
    return MakeInDivision(environment_, std::move(code), std::move(area));
  }

  NodePtr MacroNode(const Expr& expr) {
    Comprehension c;
    c.local = depth_;
    c.range = Make(*expr.args[0]);
    c.cost = 1;
    for (size_t i = 1; i < expr.args.size(); ++i) c.cost += expr.args[i]->nodes;
    c.two = expr.names.size() == 2;
    depth_ += static_cast<int>(expr.names.size());
    switch (expr.macro) {
      case Macro::kAll:
        c.kind = Comprehension::Kind::kAll;
        break;
      case Macro::kExists:
        c.kind = Comprehension::Kind::kExists;
        break;
      case Macro::kExistsOne:
        c.kind = Comprehension::Kind::kExistsOne;
        break;
      case Macro::kMap:
      case Macro::kMapIf:
        c.kind = Comprehension::Kind::kMap;
        break;
      case Macro::kFilter:
        c.kind = Comprehension::Kind::kFilter;
        break;
      case Macro::kToMap:
      case Macro::kToMapIf:
        c.kind = Comprehension::Kind::kToMap;
        break;
    }
    if (expr.macro != Macro::kMap && expr.macro != Macro::kToMap) c.condition = Make(*expr.args[1]);
    if (c.kind == Comprehension::Kind::kMap || c.kind == Comprehension::Kind::kToMap)
      c.transform = Make(*expr.args.back());
    depth_ -= static_cast<int>(expr.names.size());
    return MakeComprehension(std::move(c));
  }

  // The node's value where all its parts are constants. An error stays one: it is the expression's
  // value, and && or || may still absorb it.
  NodePtr Fold(const Expr& expr, NodePtr node) {
    for (const ExprPtr& arg : expr.args) {
      if (!IsConstant(*arg)) return node;
    }
    Frame frame;
    frame.cost = folding_cost_;
    Value value = node->Evaluate(frame);
    folding_cost_ = frame.cost;
    if (frame.cost > kMaxCost) return node;
    if (value.is_error() && strict_ && IsTextOf(expr, "timestamp"))
      return Refuse(*expr.args[0],
                    "this is no timestamp; write 2026-07-01T00:00:00+08:00 (时间格式有误)");
    if (value.is_error() && strict_ && IsTextOf(expr, "duration"))
      return Refuse(*expr.args[0], "this is no duration; write 36h or 90m (时长格式有误)");
    const bool room = constants_.used() <= kMaxEvaluationBytes;  // literals still need theirs
    return room && Keep(&value) ? MakeConstant(value) : std::move(node);
  }

  static bool IsTextOf(const Expr& expr, absl::string_view function) {
    return expr.kind == ExprKind::kCall && expr.name == function && expr.args.size() == 1 &&
           expr.args[0]->kind == ExprKind::kLiteral && expr.args[0]->literal.index() == 5;
  }

  // Moves a value from an evaluation's arena into the program's. False where there is no room.
  bool Keep(Value* value) {
    switch (value->kind) {
      case ValueKind::kString:
      case ValueKind::kBytes:
      case ValueKind::kType:
      case ValueKind::kError: {
        char* bytes = constants_.Bytes(value->size);
        if (bytes == nullptr) return false;
        std::copy(value->data, value->data + value->size, bytes);
        value->data = bytes;
        return true;
      }
      case ValueKind::kList:
      case ValueKind::kMap: {
        const size_t count = value->kind == ValueKind::kMap ? 2 * value->size : value->size;
        Value* items = constants_.Values(count);
        if (items == nullptr) return false;
        std::copy(value->items, value->items + count, items);
        value->items = items;
        return std::all_of(items, items + count, [this](Value& item) { return Keep(&item); });
      }
      default:
        return true;
    }
  }

  // Only what this planner folds; decided on the tree, for the nodes are already inside their
  // parent.
  static bool IsConstant(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return true;
      case ExprKind::kIdent:
      case ExprKind::kSelect:
        return expr.reference.kind == Reference::Kind::kNumber ||
               expr.reference.kind == Reference::Kind::kTypeName;
      case ExprKind::kCall:
        if (AsksEnvironment(expr.name)) return false;
        [[fallthrough]];
      case ExprKind::kList:
      case ExprKind::kMap:
        return std::all_of(expr.args.begin(), expr.args.end(),
                           [](const ExprPtr& arg) { return IsConstant(*arg); });
      default:
        return false;
    }
  }

  const schema::Contract* const contract_;
  const Environment* const environment_;
  const bool strict_;
  Arena& constants_;
  std::vector<Finding>& findings_;
  std::vector<int> fields_;
  int depth_ = 0;
  int patterns_ = 0;
  int64_t folding_cost_ = 0;
};

}  // namespace

Plan MakePlan(const Expr& root, const schema::Contract* contract, const Environment* environment,
              bool strict, Arena* constants, std::vector<Finding>* findings) {
  Planner planner(contract, environment, strict, constants, findings);
  Plan plan;
  plan.root = planner.Make(root);
  if (!findings->empty()) plan.root = nullptr;
  plan.fields = planner.TakeFields();
  return plan;
}

}  // namespace huiliu::cel
