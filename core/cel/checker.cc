#include "core/cel/checker.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/cel/grammar.h"
#include "core/cel/limits.h"
#include "core/cel/message.h"
#include "core/cel/message_types.h"
#include "core/cel/overloads.h"
#include "core/cel/type_words.h"

namespace huiliu::cel {
namespace {

constexpr size_t kMaxMapEntries = 1000;  // a literal's keys are compared with one another

struct LocalVariable {
  std::string name;
  Type type;
};

Type LiteralType(const Literal& literal) {
  static constexpr TypeKind kKinds[] = {TypeKind::kNull, TypeKind::kBool,   TypeKind::kInt,
                                        TypeKind::kUint, TypeKind::kDouble, TypeKind::kString,
                                        TypeKind::kBytes};
  return Simple(kKinds[literal.index()]);
}

class Checker {
 public:
  Checker(const Scope& scope, bool typed, std::vector<Finding>* findings)
      : scope_(scope), typed_(typed), findings_(*findings) {}

  void Visit(Expr& expr) {
    expr.type = TypeOf(expr);
    if (!typed_) expr.type = Simple(TypeKind::kDyn);
  }

 private:
  Type Report(const Expr& expr, std::string message) {
    if (findings_.size() < kMaxIssues) findings_.push_back({expr.offset, std::move(message)});
    return Simple(TypeKind::kDyn);
  }
  Type Unsupported(const Expr& expr, std::string message) {
    Report(expr, std::move(message));
    findings_.back().unsupported = true;
    return Simple(TypeKind::kDyn);
  }
  Type Mistyped(const Expr& expr, std::string message) {
    return typed_ ? Report(expr, std::move(message)) : Simple(TypeKind::kDyn);
  }

  Type TypeOf(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return LiteralType(expr.literal);
      case ExprKind::kIdent:
        return IdentType(expr);
      case ExprKind::kSelect:
        return SelectType(expr);
      case ExprKind::kCall:
        return CallType(expr);
      case ExprKind::kList:
        return ListType(expr);
      case ExprKind::kMap:
        return MapType(expr);
      case ExprKind::kMessage:
        return MessageType(expr);
      case ExprKind::kComprehension:
        return ComprehensionType(expr);
    }
    return Simple(TypeKind::kDyn);
  }

  int FindLocal(const std::string& name) const {
    for (size_t i = locals_.size(); i-- > 0;) {
      if (locals_[i].name == name) return static_cast<int>(i);
    }
    return -1;
  }

  // By the container's rules: a.b.name, a.name, name.
  template <typename Try>
  bool InContainers(const std::string& name, bool absolute, Try found) const {
    std::string container = absolute ? std::string() : scope_.container();
    while (true) {
      if (found(container.empty() ? name : absl::StrCat(container, ".", name))) return true;
      if (container.empty()) return false;
      const size_t dot = container.rfind('.');
      container = dot == std::string::npos ? std::string() : container.substr(0, dot);
    }
  }

  // What the scope declares comes before the types and enums of the pool.
  bool Resolve(const std::string& name, bool absolute, Declaration* declaration) const {
    const auto declared = [&](const std::string& full) { return scope_.Find(full, declaration); };
    const auto in_pool = [&](const std::string& full) {
      return FindInPool(*scope_.pool(), full, declaration);
    };
    if (InContainers(name, absolute, declared)) return true;
    if (scope_.pool() != nullptr && InContainers(name, absolute, in_pool)) return true;
    for (const TypeWord& type : kTypeWords) {
      if (type.word != name) continue;
      declaration->reference = {Reference::Kind::kTypeName, 0, 0, std::string(type.name)};
      declaration->type = Simple(TypeKind::kType);
      return true;
    }
    return false;
  }

  Type Named(Expr& expr, Declaration declaration) {
    expr.reference = std::move(declaration.reference);
    if (!expr.presence_test) return declaration.type;
    if (expr.reference.kind != Reference::Kind::kField)
      return Report(expr, "has() asks for a field (has 只接受字段)");
    return Simple(TypeKind::kBool);
  }

  Type IdentType(Expr& expr) {
    const int local = expr.absolute ? -1 : FindLocal(expr.name);
    if (local >= 0) {
      expr.reference = {Reference::Kind::kLocal, local, 0, {}};
      if (expr.presence_test) return Report(expr, "has() asks for a field (has 只接受字段)");
      return locals_[static_cast<size_t>(local)].type;
    }
    Declaration declaration;
    if (Resolve(expr.name, expr.absolute, &declaration)) return Named(expr, std::move(declaration));
    expr.reference = {Reference::Kind::kUnresolved, 0, 0, {}};
    if (expr.presence_test) return Report(expr, Unknown(expr.name));
    return typed_ ? Report(expr, Unknown(expr.name)) : Simple(TypeKind::kDyn);
  }

  std::string Unknown(const std::string& name) const {
    const bool listed = findings_.size() < kMaxIssues;  // proposing a name costs
    const std::string suggestion = listed ? scope_.Suggest(name) : std::string();
    return absl::StrCat(
        "unknown name \"", name, "\" (没有这个字段或变量)",
        suggestion.empty() ? "" : absl::StrCat("; did you mean \"", suggestion, "\"?"));
  }

  // a.b.c as one name; empty where it is none, or where its first part is a comprehension's
  // variable.
  std::string QualifiedName(const Expr& expr, bool* absolute) const {
    if (expr.kind == ExprKind::kIdent && !expr.presence_test) {
      *absolute = expr.absolute;
      return expr.absolute || FindLocal(expr.name) < 0 ? expr.name : std::string();
    }
    if (expr.kind != ExprKind::kSelect || expr.args[0]->presence_test) return {};
    const std::string operand = QualifiedName(*expr.args[0], absolute);
    return operand.empty() ? operand : absl::StrCat(operand, ".", expr.name);
  }

  Type SelectType(Expr& expr) {
    bool absolute = false;
    const std::string name = QualifiedName(expr, &absolute);
    Declaration declaration;
    if (!name.empty() && Resolve(name, absolute, &declaration))
      return Named(expr, std::move(declaration));
    Visit(*expr.args[0]);
    const Type& operand = expr.args[0]->type;
    const Type selected =
        operand.kind == TypeKind::kMap ? operand.params[1] : Simple(TypeKind::kDyn);
    if (operand.kind == TypeKind::kMessage) return FieldType(expr, operand.name);
    if (operand.kind != TypeKind::kMap && operand.kind != TypeKind::kDyn &&
        operand.kind != TypeKind::kUnbound)
      return Mistyped(expr, absl::StrCat("a ", TypeName(operand), " has no field \"", expr.name,
                                         "\" (类型不符)"));
    return expr.presence_test ? Simple(TypeKind::kBool) : selected;
  }

  Type FieldType(const Expr& expr, const std::string& message) {
    const auto* type =
        scope_.pool() == nullptr ? nullptr : scope_.pool()->FindMessageTypeByName(message);
    const auto* field = type == nullptr ? nullptr : FindMessageField(*type, expr.name);
    if (field == nullptr)
      return Report(
          expr, absl::StrCat("a ", message, " has no field \"", expr.name, "\" (没有这个字段)"));
    return expr.presence_test ? Simple(TypeKind::kBool) : TypeOfField(*field);
  }

  // name{field: value, …}
  Type MessageType(Expr& expr) {
    for (const ExprPtr& value : expr.args) Visit(*value);
    const google::protobuf::Descriptor* type = nullptr;
    const auto found = [&](const std::string& full) {
      return (type = scope_.pool()->FindMessageTypeByName(full)) != nullptr;
    };
    if (scope_.pool() == nullptr || !InContainers(expr.name, expr.absolute, found))
      return Report(expr, absl::StrCat("unknown message \"", expr.name, "\" (没有这个消息类型)"));
    expr.reference.message = type;
    for (size_t i = 0; i < expr.args.size(); ++i)
      CheckFieldValue(*type, expr.names[i], *expr.args[i]);
    return TypeOfMessage(*type);
  }

  void CheckFieldValue(const google::protobuf::Descriptor& type, const std::string& name,
                       const Expr& value) {
    const auto* field = FindMessageField(type, name);
    if (field == nullptr) {
      Report(value,
             absl::StrCat("a ", type.full_name(), " has no field \"", name, "\" (没有这个字段)"));
      return;
    }
    Type wanted = TypeOfField(*field);
    // NullValue.NULL_VALUE is a number where enums are numbers.
    if (wanted.kind == TypeKind::kNull) wanted = Simple(TypeKind::kDyn);
    Bindings bindings;
    if (!bindings.Assign(wanted, value.type))
      Mistyped(value, absl::StrCat("field \"", name, "\" is a ", TypeName(wanted), ", this is a ",
                                   TypeName(value.type), " (类型不符)"));
  }

  static std::string ArgumentTypes(const Expr& call) {
    std::vector<std::string> names;
    for (const ExprPtr& arg : call.args) names.push_back(TypeName(arg->type));
    if (!call.receiver) return absl::StrCat("(", absl::StrJoin(names, ", "), ")");
    return absl::StrCat(names[0], ".(", absl::StrJoin(names.begin() + 1, names.end(), ", "), ")");
  }

  Type CallType(Expr& expr) {
    if (expr.receiver && FindOverloads(expr.name) == nullptr && IsNamespace(*expr.args[0]) &&
        (typed_ || !IsReserved(expr.name))) {
      return Unsupported(expr, absl::StrCat("unknown function \"", expr.args[0]->name, ".",
                                            expr.name, "\" (没有这个函数)"));
    }
    for (const ExprPtr& arg : expr.args) Visit(*arg);
    if (expr.name == "_&&_" || expr.name == "_||_") return LogicType(expr);
    const std::vector<Overload>* overloads = FindOverloads(expr.name);
    const bool no_name = !expr.receiver || IsReserved(expr.name);
    if (overloads == nullptr && !typed_ && no_name) {  // an error when it is called
      expr.reference.kind = Reference::Kind::kUnresolved;
      return Simple(TypeKind::kDyn);
    }
    if (overloads == nullptr)
      return Unsupported(expr, absl::StrCat("unknown function \"", expr.name, "\" (没有这个函数)"));
    const bool absent = (expr.name == "inDivision" && !scope_.has_divisions()) ||
                        (expr.name == "divisionOf" && !scope_.resolves_divisions());
    if (absent)
      return Unsupported(expr, absl::StrCat(expr.name, " is not available here (此处不可用)"));
    return OverloadType(expr, *overloads);
  }

  // `math.` in math.abs(x): a first name that stands for no value.
  bool IsNamespace(const Expr& expr) const {
    Declaration declaration;
    return expr.kind == ExprKind::kIdent && !expr.presence_test && FindLocal(expr.name) < 0 &&
           !Resolve(expr.name, expr.absolute, &declaration);
  }

  static bool MayBeBool(const Type& type) {
    return Bindings().Assign(Simple(TypeKind::kBool), type);
  }

  Type LogicType(Expr& expr) {
    for (const ExprPtr& arg : expr.args) {
      if (!MayBeBool(arg->type))
        Mistyped(*arg, absl::StrCat(DisplayName(expr.name), " joins bools, this is a ",
                                    TypeName(arg->type), " (此处应为真假值)"));
    }
    return Simple(TypeKind::kBool);
  }

  Type OverloadType(Expr& expr, const std::vector<Overload>& overloads) {
    std::vector<Type> results;
    for (const Overload& overload : overloads) {
      if (overload.receiver != expr.receiver || overload.args.size() != expr.args.size()) continue;
      Bindings bindings;
      bool fits = true;
      for (size_t i = 0; fits && i < expr.args.size(); ++i) {
        fits = bindings.Assign(overload.args[i], expr.args[i]->type);
      }
      if (fits) results.push_back(bindings.Substitute(overload.result));
    }
    if (results.empty())
      return Mistyped(expr, absl::StrCat("no \"", DisplayName(expr.name), "\" for ",
                                         ArgumentTypes(expr), " (类型不符)", Hint(expr)));
    const bool same =
        std::all_of(results.begin(), results.end(), [&](const Type& t) { return t == results[0]; });
    return same ? results[0] : Simple(TypeKind::kDyn);
  }

  static std::string Hint(const Expr& expr) {
    bool text = false, time = false, whole = false, natural = false, real = false;
    for (const ExprPtr& arg : expr.args) {
      text |= arg->type.kind == TypeKind::kString;
      time |= arg->type.kind == TypeKind::kTimestamp;
      whole |= arg->type.kind == TypeKind::kInt;
      natural |= arg->type.kind == TypeKind::kUint;
      real |= arg->type.kind == TypeKind::kDouble;
    }
    if (text && time)
      return "; write timestamp(\"2026-07-01T00:00:00+08:00\") (时间请用 timestamp() 写出)";
    if (text && (whole || natural || real))
      return "; convert one side with string(), int() or double() (请转换其中一侧)";
    if (whole && natural) return "; an unsigned number is written 7u (无符号整数写作 7u)";
    if ((whole || natural) && real)
      return "; convert one side with double() or int() (请转换其中一侧)";
    return {};
  }

  Type ListType(Expr& expr) {
    Type element = Simple(TypeKind::kUnbound);
    for (const ExprPtr& arg : expr.args) {
      Visit(*arg);
      element = Join(element, arg->type);
    }
    return ListOf(std::move(element));
  }

  Type MapType(Expr& expr) {
    if (expr.args.size() / 2 > kMaxMapEntries)
      Report(expr, absl::StrCat("a map has at most ", kMaxMapEntries, " entries (映射条目过多)"));
    Type key = Simple(TypeKind::kUnbound), value = Simple(TypeKind::kUnbound);
    for (size_t i = 0; i < expr.args.size(); i += 2) {
      Visit(*expr.args[i]);
      Visit(*expr.args[i + 1]);
      const TypeKind kind = expr.args[i]->type.kind;
      if (kind == TypeKind::kDouble || kind == TypeKind::kNull || kind == TypeKind::kBytes ||
          kind == TypeKind::kList || kind == TypeKind::kMap || kind == TypeKind::kTimestamp ||
          kind == TypeKind::kDuration || kind == TypeKind::kType)
        Mistyped(*expr.args[i], absl::StrCat("a map's key is bool, int, uint or string, not ",
                                             TypeName(expr.args[i]->type), " (键类型不符)"));
      key = Join(key, expr.args[i]->type);
      value = Join(value, expr.args[i + 1]->type);
    }
    return MapOf(std::move(key), std::move(value));
  }

  // What the macro's variables stand for, one or two.
  std::vector<Type> VariableTypes(const Expr& expr) {
    const Type& range = expr.args[0]->type;
    const bool list = range.kind == TypeKind::kList, map = range.kind == TypeKind::kMap;
    if (!list && !map && range.kind != TypeKind::kDyn && range.kind != TypeKind::kUnbound)
      Mistyped(*expr.args[0], absl::StrCat("a list or map is needed here, this is a ",
                                           TypeName(range), " (类型不符)"));
    std::vector<Type> types(expr.names.size(), Simple(TypeKind::kDyn));
    if (types.size() == 2 && list) {
      types = {Simple(TypeKind::kInt), range.params[0]};
    } else if (list || map) {
      for (size_t i = 0; i < types.size(); ++i) types[i] = range.params[i];
    }
    for (Type& type : types) {
      if (type.kind == TypeKind::kUnbound) type = Simple(TypeKind::kDyn);
    }
    return types;
  }

  Type ComprehensionType(Expr& expr) {
    Visit(*expr.args[0]);
    const std::vector<Type> types = VariableTypes(expr);
    if (locals_.size() + types.size() > static_cast<size_t>(kMaxComprehensions))
      return Report(expr, absl::StrCat("more than ", kMaxComprehensions,
                                       " macros inside one another (宏嵌套过深)"));
    for (size_t i = 0; i < types.size(); ++i) locals_.push_back({expr.names[i], types[i]});
    for (size_t i = 1; i < expr.args.size(); ++i) Visit(*expr.args[i]);
    locals_.resize(locals_.size() - types.size());
    if (expr.macro != Macro::kMap && expr.macro != Macro::kToMap) CheckCondition(*expr.args[1]);
    switch (expr.macro) {
      case Macro::kMap:
      case Macro::kMapIf:
        return ListOf(expr.args.back()->type);
      case Macro::kToMap:
      case Macro::kToMapIf:
        return MapOf(types[0], expr.args.back()->type);
      case Macro::kFilter:
        return ListOf(types[0]);
      default:
        return Simple(TypeKind::kBool);
    }
  }

  void CheckCondition(const Expr& expr) {
    if (!MayBeBool(expr.type))
      Mistyped(expr, absl::StrCat("a condition is needed here, this is a ", TypeName(expr.type),
                                  " (此处应为真假值)"));
  }

  const Scope& scope_;
  const bool typed_;
  std::vector<Finding>& findings_;
  std::vector<LocalVariable> locals_;
};

}  // namespace

bool Check(Expr* root, const Scope& scope, bool typed, std::vector<Finding>* findings) {
  Checker(scope, typed, findings).Visit(*root);
  return findings->empty();
}

}  // namespace huiliu::cel
