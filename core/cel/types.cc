#include "core/cel/types.h"

#include "absl/strings/str_cat.h"

namespace huiliu::cel {
namespace {

bool IsFree(const Type& type) {
  return type.kind == TypeKind::kDyn || type.kind == TypeKind::kUnbound;
}

bool TakesNull(const Type& type) {
  return type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kDuration ||
         type.kind == TypeKind::kMessage || type.kind == TypeKind::kWrapper;
}

bool IsWrapper(const Type& type) { return type.kind == TypeKind::kWrapper; }
const Type& Content(const Type& type) { return IsWrapper(type) ? type.params[0] : type; }

}  // namespace

std::string TypeName(const Type& type) {
  switch (type.kind) {
    case TypeKind::kUnbound:
    case TypeKind::kDyn:
      return "dyn";
    case TypeKind::kNull:
      return "null_type";
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt:
      return "int";
    case TypeKind::kUint:
      return "uint";
    case TypeKind::kDouble:
      return "double";
    case TypeKind::kString:
      return "string";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kTimestamp:
      return "timestamp";
    case TypeKind::kDuration:
      return "duration";
    case TypeKind::kList:
      return absl::StrCat("list(", TypeName(type.params[0]), ")");
    case TypeKind::kMap:
      return absl::StrCat("map(", TypeName(type.params[0]), ", ", TypeName(type.params[1]), ")");
    case TypeKind::kType:
      return "type";
    case TypeKind::kWrapper:
      return absl::StrCat("wrapper(", TypeName(type.params[0]), ")");
    case TypeKind::kMessage:
    case TypeKind::kParameter:
      return type.name;
  }
  return "dyn";
}

bool Compatible(const Type& a, const Type& b) {
  if (IsFree(a) || IsFree(b)) return true;
  if (a.kind == TypeKind::kNull) return b.kind == TypeKind::kNull || TakesNull(b);
  if (b.kind == TypeKind::kNull) return TakesNull(a);
  if (IsWrapper(a) != IsWrapper(b)) return Compatible(Content(a), Content(b));
  if (a.kind != b.kind || a.name != b.name || a.params.size() != b.params.size()) return false;
  for (size_t i = 0; i < a.params.size(); ++i) {
    if (!Compatible(a.params[i], b.params[i])) return false;
  }
  return true;
}

Type Join(const Type& a, const Type& b) {
  if (a.kind == TypeKind::kUnbound) return b;
  if (b.kind == TypeKind::kUnbound) return a;
  if (!Compatible(a, b) || IsFree(a) || IsFree(b)) return Simple(TypeKind::kDyn);
  if (a.kind == TypeKind::kNull) return b;
  if (b.kind == TypeKind::kNull) return a;
  if (IsWrapper(a) != IsWrapper(b)) return IsWrapper(a) ? a : b;
  Type joined = a;
  for (size_t i = 0; i < a.params.size(); ++i) joined.params[i] = Join(a.params[i], b.params[i]);
  return joined;
}

bool Bindings::Assign(const Type& wanted, const Type& actual) {
  if (wanted.kind == TypeKind::kParameter) {
    for (auto& [name, type] : bound_) {
      if (name != wanted.name) continue;
      if (!Compatible(type, actual)) return false;
      type = Join(type, actual);
      return true;
    }
    bound_.emplace_back(wanted.name, actual);
    return true;
  }
  if (IsFree(wanted)) return true;
  if (IsFree(actual)) return true;
  if (actual.kind == TypeKind::kNull) return wanted.kind == TypeKind::kNull || TakesNull(wanted);
  if (IsWrapper(wanted) != IsWrapper(actual)) return Assign(Content(wanted), Content(actual));
  if (wanted.kind != actual.kind || wanted.name != actual.name) return false;
  for (size_t i = 0; i < wanted.params.size(); ++i) {
    if (!Assign(wanted.params[i], actual.params[i])) return false;
  }
  return true;
}

Type Bindings::Substitute(const Type& type) const {
  if (type.kind == TypeKind::kParameter) {
    for (const auto& [name, bound] : bound_) {
      if (name == type.name) return bound;
    }
    return Simple(TypeKind::kDyn);
  }
  Type result = type;
  for (Type& param : result.params) param = Substitute(param);
  return result;
}

}  // namespace huiliu::cel
